/** What extensions change about the rights of plugins. */
import {
  asPromise,
  isPromiseLike,
  type Manifest,
  messageOf,
  PERMISSION_NAMES,
  type PermissionName,
  type Permissions,
  parseRight,
  parseSize,
} from '@plinth/sdk/contract';
import type { Denied } from './broker.js';
import { deniedByEither, deniedOf } from './denied.js';
import { ceilingOf, type GrantedRight, intersect } from './granted.js';

/** What an extension changes about the rights of a plugin. Each part may be absent. */
export interface RightsChange {
  /** What the plugin may do beside what its manifest asks for. Policy bounds it, too. */
  readonly granted?: Permissions;
  /** What the plugin may not do. A grant of the application doesn't give it back. */
  readonly revoked?: Permissions;
  /** The most that the plugin may do, beside what policy allows. */
  readonly ceiling?: Permissions;
}

/** Changes the rights of plugins. */
export interface RightsSource {
  /**
   * What changes for a manifest. It is asked once, and again after a change was told. Where it
   * throws, its last answer for the manifest counts until it answers again. A plugin about which it
   * has never answered may do nothing but guard, so that what it guards waits or fails.
   */
  of(manifest: Manifest): RightsChange | undefined;
}

/** A checked answer. */
interface Answer {
  readonly extension: string;
  readonly granted: readonly GrantedRight[];
  readonly denied: Denied;
  readonly ceiling: Permissions | undefined;
}

/** What all sources change for one manifest. */
export interface RightsBeside {
  readonly granted: readonly GrantedRight[];
  readonly denied: Denied;
  /** Undefined when no source bounds the rights. */
  readonly ceiling: Permissions | undefined;
  /** The answers by extension, to tell which one denies something. */
  readonly by: readonly Answer[];
}

const UNCHANGED: RightsBeside = { granted: [], denied: new Map(), ceiling: undefined, by: [] };

/** One source, with its last answers. */
interface Asked {
  readonly extension: string;
  readonly source: RightsSource;
  readonly answers: WeakMap<Manifest, Answer | 'nothing'>;
}

/** Owns the sources of one tenant, and what they have answered. */
export class RightsSources {
  readonly #sources: Asked[] = [];
  readonly #report: (extension: string, what: string, error: unknown) => void;
  #known = new WeakMap<Manifest, RightsBeside>();
  /** Extensions whose failure about a plugin was reported, until it answers. */
  readonly #failing = new Set<string>();

  /**
   * Called with the extension whose answers have changed, and the id of the plugin, which is
   * undefined for all.
   */
  onChange: ((extension: string, id: string | undefined) => void) | undefined = undefined;

  constructor(report: (extension: string, what: string, error: unknown) => void) {
    this.#report = report;
  }

  /** Adds a source. Call the answer when what it says of a plugin has changed. */
  add(extension: string, source: RightsSource): (id?: string) => void {
    this.#sources.push({ extension, source, answers: new WeakMap() });
    this.#known = new WeakMap();
    return (id) => {
      this.#known = new WeakMap();
      this.onChange?.(extension, id);
    };
  }

  /** What all sources change for a manifest. */
  of(manifest: Manifest): RightsBeside {
    if (this.#sources.length === 0) return UNCHANGED;
    const known = this.#known.get(manifest);
    if (known !== undefined) return known;
    const answers = this.#sources.map((asked) => this.#ask(asked, manifest));
    const all = joined(answers.flatMap(({ answer }) => answer ?? []));
    if (answers.every(({ failed }) => !failed)) this.#known.set(manifest, all);
    return all;
  }

  #ask(
    { extension, source, answers }: Asked,
    manifest: Manifest,
  ): { readonly answer: Answer | undefined; readonly failed: boolean } {
    const once = `${extension} ${manifest.id}`;
    try {
      const change = source.of(manifest);
      const answer = change === undefined ? undefined : checked(extension, manifest, change);
      answers.set(manifest, answer ?? 'nothing');
      this.#failing.delete(once);
      return { answer, failed: false };
    } catch (error) {
      const last = answers.get(manifest);
      if (!this.#failing.has(once)) {
        this.#failing.add(once);
        const until =
          last === undefined ? 'which may only guard until it can' : 'which stay as they were';
        this.#report(extension, `could not tell the rights of ${manifest.id}, ${until}`, error);
      }
      const answer = last === 'nothing' ? undefined : (last ?? onlyGuarding(extension));
      return { answer, failed: true };
    }
  }
}

/** Rights by which a plugin guards others. */
const GUARDS: ReadonlySet<PermissionName> = new Set(['middleware.use', 'hooks.handle']);

/** Whether a right makes a plugin a guard. One to a service is one to its hooks. */
export const isGuarding = (permission: PermissionName): boolean =>
  permission === 'services.get' || GUARDS.has(permission);

/** For a plugin about which nothing is known. Calls would pass a guard without its rights. */
const onlyGuarding = (extension: string): Answer => {
  const revoked = PERMISSION_NAMES.filter((name) => !GUARDS.has(name));
  const denied = deniedOf(revoked.map((permission) => ({ permission, scope: '*', at: 0 })));
  // Taking services away takes their hooks away, too.
  denied.delete('hooks.handle');
  return { extension, granted: [], denied, ceiling: undefined };
};

const PARTS = ['granted', 'revoked', 'ceiling'];

/** @throws TypeError for what is no right: it must not be overlooked. */
function checked(extension: string, manifest: Manifest, change: RightsChange): Answer {
  asPromise(change)?.then(undefined, () => {});
  if (change === null || typeof change !== 'object' || isPromiseLike(change))
    throw new TypeError(`'of' must answer an object or undefined at once`);
  const unknown = Object.keys(change).find((name) => !PARTS.includes(name));
  if (unknown !== undefined) throw new TypeError(`'${unknown}' is none of ${PARTS.join(', ')}`);
  const { granted, revoked, ceiling } = change;
  rightsIn('ceiling', ceiling);
  return {
    extension,
    granted: rightsIn('granted', granted),
    denied: deniedOf(rightsIn('revoked', revoked).map((one) => ({ ...one, at: 0 }))),
    ceiling: ceiling && ceilingOf(manifest, ceiling),
  };
}

function joined(answers: readonly Answer[]): RightsBeside {
  let { denied, ceiling } = UNCHANGED;
  for (const one of answers) {
    denied = deniedByEither(denied, one.denied);
    if (ceiling === undefined || one.ceiling === undefined) ceiling ??= one.ceiling;
    else ceiling = intersect(ceiling, one.ceiling);
  }
  return { granted: answers.flatMap(({ granted }) => granted), denied, ceiling, by: answers };
}

/** The rights that a list names, each with one scope. */
function rightsIn(part: string, permissions: Permissions | undefined): readonly GrantedRight[] {
  if (permissions === undefined) return [];
  if (permissions === null || typeof permissions !== 'object')
    throw new TypeError(`'${part}' must be an object, not ${messageOf(permissions)}`);
  return Object.entries(permissions).flatMap(([resource, value]: [string, unknown]) => {
    if (value === null || typeof value !== 'object') return scopesIn(part, resource, value);
    return Object.entries(value).flatMap(([action, scopes]) => {
      if (resource !== 'storage' || action !== 'quota')
        return scopesIn(part, `${resource}.${action}`, scopes);
      if (scopes === undefined) return [];
      if (part !== 'ceiling' || parseSize(scopes as string) === undefined)
        throw new TypeError(`'${part}' has a quota: only 'ceiling' has one, like '5MB'`);
      return [];
    });
  });
}

function scopesIn(part: string, name: string, value: unknown): readonly GrantedRight[] {
  const permission = name as PermissionName;
  if (!PERMISSION_NAMES.includes(permission))
    throw new TypeError(`'${part}' names ${name}, which is not a permission`);
  if (value === undefined || value === false) return [];
  const scopes: readonly unknown[] =
    value === true ? ['*'] : Array.isArray(value) ? value : [value];
  return scopes.map((scope) => {
    if (typeof scope !== 'string' || parseRight(permission, scope) === undefined)
      throw new TypeError(`'${part}' has '${String(scope)}', which is not a scope of ${name}`);
    return { permission, scope };
  });
}
