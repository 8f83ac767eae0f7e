/**
 * Points of `contributes` that the application or an extension has opened, and the contributions of
 * manifests to them.
 */
import {
  createError,
  describeIssues,
  disposable,
  isPromiseLike,
  type Manifest,
  messageOf,
  type Parsed,
  type PluginError,
  parseSchema,
  type Schema,
} from '@plinth/sdk/contract';
import { contained, refuseLater } from '../contained.js';
import { OWN_POINTS } from './extending.js';
import type { PluginView, Registered } from './views.js';

/** A point of `contributes`. */
export interface PointSpec<T> {
  /** The key in `contributes`: letters, digits and `-`. */
  readonly point: string;
  /** Any Standard Schema. It has to validate synchronously. */
  readonly schema: Schema<unknown, T>;
  /** Checks what a schema can't express. Returns the problem, if any. */
  check?(value: T, manifest: Manifest): string | undefined;
  /**
   * What a plugin gets by its contribution, as lists of texts by name. An update whose lists have
   * more asks for consent, as for a right: it is told as `<point>.<name>`.
   */
  reach?(value: T): Reach;
}

/** Lists of what a plugin gets, by name. */
export type Reach = Readonly<Record<string, readonly string[]>>;

/** The contributions of plugins to one point. Reading them starts no plugin. */
export interface Contributions<T> {
  of(plugin: PluginView): T | undefined;
  all(): readonly { readonly plugin: PluginView; readonly value: T }[];
  /** Calls the listener when the set of plugins changes, or whether one may run. */
  onChange(listener: () => void): Registered;
}

/** JSON Schemas of the application's own points, by point: `createKernel({ contributions })`. */
export type ContributionOptions = Readonly<
  Record<string, Readonly<Record<string, unknown>> | true>
>;

interface Point {
  readonly owner: string;
  /** Returns the value, or throws its problem. */
  parse(value: unknown, manifest: Manifest): unknown;
  reach?(value: unknown): Reach;
}

/** What a manifest contributes to a point, and what its plugin gets by that. */
interface Contributed {
  readonly value: unknown;
  readonly reach: Reach;
}

/** Owns the points of a tenant. */
export class ContributionPoints {
  readonly #points = new Map<string, Point>();
  readonly #listeners = new Set<() => void>();
  readonly #parsed = new WeakMap<Manifest, ReadonlyMap<string, Contributed>>();

  get names(): readonly string[] {
    return [...this.#points.keys()];
  }

  /** @throws PluginConfigurationError `extension/duplicate`, `kernel/invalid-option`. */
  open(point: string, owner: string, parse: Point['parse'], reach?: Point['reach']): void {
    if (!/^[a-z][a-zA-Z0-9-]{0,63}$/.test(point))
      throw createError(
        'kernel/invalid-option',
        `'${point.slice(0, 80)}' is no point of 'contributes': letters, digits and '-', at most 64`,
        { details: { point } },
      );
    const other = OWN_POINTS.has(point) ? 'the kernel' : this.#points.get(point)?.owner;
    if (other !== undefined)
      throw createError(
        'extension/duplicate',
        `${owner} cannot open the point 'contributes.${point}': ${other} has it`,
        { details: { point } },
      );
    this.#points.set(point, { owner, parse, ...(reach && { reach }) });
  }

  /**
   * @throws PluginManifestError `manifest/invalid` that names the point; PluginError
   * `extension/failed` when it isn't known what the plugin would get.
   */
  check(manifest: Manifest): void {
    const values = new Map<string, Contributed>();
    for (const [point, given] of Object.entries(manifest.contributes)) {
      const found = given === undefined ? undefined : this.#points.get(point);
      if (found === undefined) continue;
      const value = found.parse(given, manifest);
      values.set(point, { value, reach: reachIn(found, point, value, manifest) });
    }
    if (values.size > 0) this.#parsed.set(manifest, values);
  }

  /** Keys of a manifest's `contributes` without a point here. */
  unknown({ contributes }: Manifest): readonly string[] {
    return Object.keys(contributes).filter(
      (point) => !OWN_POINTS.has(point) && !this.#points.has(point),
    );
  }

  /** What a manifest gets by all its contributions. */
  reachOf(manifest: Manifest): Reach {
    const values = [...(this.#parsed.get(manifest) ?? [])];
    return Object.fromEntries(
      values.flatMap(([point, { reach }]) =>
        Object.entries(reach).map(([name, all]) => [`${point}.${name}`, all] as const),
      ),
    );
  }

  of(manifest: Manifest, point: string): unknown {
    return this.#parsed.get(manifest)?.get(point)?.value;
  }

  /** @param failed hears what the listener throws. */
  onChange(listener: () => unknown, failed: (error: unknown) => void): Registered {
    const heard = () => contained(listener, failed);
    this.#listeners.add(heard);
    return disposable(() => this.#listeners.delete(heard));
  }

  /** The set of plugins has changed, or whether one may run. */
  changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

/** An update with more asks for consent, so what can't be told must not count as nothing. */
function reachIn({ owner, reach }: Point, point: string, value: unknown, { id }: Manifest): Reach {
  if (reach === undefined) return {};
  try {
    const all = reach(value);
    refuseLater(all, "'reach'");
    const lists = Object.values(all);
    if (!lists.every((one) => Array.isArray(one) && one.every((text) => typeof text === 'string')))
      throw new TypeError("'reach' answers lists of texts by name");
    return all;
  } catch (cause) {
    throw createError(
      'extension/failed',
      `${owner} could not tell what ${id} gets by 'contributes.${point}': ${messageOf(cause)}`,
      { plugin: id, details: { point }, cause },
    );
  }
}

/** The error for an invalid contribution of a manifest. */
export function contributionError(
  { id }: Manifest,
  point: string,
  problems: readonly { readonly path: string; readonly message: string }[],
): PluginError {
  const shown = problems.map(({ path, message }) => ({
    path: path === '' ? `contributes.${point}` : `contributes.${point}.${path}`,
    message,
  }));
  return createError(
    'manifest/invalid',
    `the manifest of ${id} is not valid: ${shown.map(({ path, message }) => `${path}: ${message}`).join('; ')}`,
    { plugin: id, details: { problems: shown } },
  );
}

/** Makes the parser for the values of an extension's point. */
export function pointParser<T>({ point, schema, check }: PointSpec<T>): Point['parse'] {
  return (value, manifest) => {
    const parsed = parseSchema(schema, value);
    if (isPromiseLike(parsed))
      throw contributionError(manifest, point, [
        { path: '', message: 'its schema answers later: a point needs one that answers at once' },
      ]);
    const result = parsed as Parsed<T>;
    if (!result.ok)
      throw contributionError(manifest, point, [
        { path: '', message: describeIssues(result.issues) },
      ]);
    const problem = check?.(result.value, manifest);
    refuseLater(problem, `the check of 'contributes.${point}'`);
    if (problem !== undefined)
      throw contributionError(manifest, point, [{ path: '', message: problem }]);
    return result.value;
  };
}
