/** Scopes of uses: as a manifest can write them, and several of them as fewer. */
import {
  FLAGS,
  isPattern,
  type PermissionName,
  type Permissions,
  parseAsked,
  parseRight,
  scopeCovers,
} from '@plinth/sdk/contract';

/** Scopes by permission. */
export type Scopes = ReadonlyMap<PermissionName, ReadonlySet<string>>;

/** Permissions whose scopes are free texts. */
const TEXTS: ReadonlySet<PermissionName> = new Set([
  'storage.read',
  'storage.write',
  'fs.read',
  'fs.write',
  'env.read',
  'secrets.read',
]);

/** Permissions for plugins as such. A use without a subject needs the right to any of them. */
const MANAGING: ReadonlySet<PermissionName> = new Set([
  'config.read',
  'config.write',
  'plugins.manage',
]);

/** Longest text in a scope. A manifest takes 512 characters, perhaps with a rate. */
const MAX_TEXT = 480;
/** Most methods that one right may list. */
const MAX_METHODS = 9;

/**
 * The scope that a manifest writes for a use. Undefined for what no right could allow, like the id
 * of a command that no command can have.
 */
export function writtenFor(permission: PermissionName, scope: string): string | undefined {
  if (FLAGS.has(permission) || permission === 'wasm') return '*';
  if (scope === '') return MANAGING.has(permission) ? '*' : undefined;
  if (permission === 'network.fetch') return originFor(scope);
  if (TEXTS.has(permission)) return textFor(permission, scope);
  const { scope: id } = parseAsked(permission, scope);
  const pattern = permission === 'middleware.use' ? /^(?:command|event):(.*)$/s.exec(id)?.[1] : id;
  return pattern !== undefined && id.length <= MAX_TEXT && isPattern(pattern) ? id : undefined;
}

/** The origin with the method. Paths may hold tokens. */
function originFor(asked: string): string | undefined {
  const { methods, scope } = parseAsked('network.fetch', asked);
  if (parseRight('network.fetch', scope) === undefined) return undefined;
  const { origin } = new URL(scope);
  const text = methods === undefined ? origin : `${methods.join()} ${origin}`;
  return origin.length <= MAX_TEXT && parseRight('network.fetch', text) !== undefined
    ? text
    : undefined;
}

/** The text itself, or the longest prefix of it that a right can express. */
function textFor(permission: PermissionName, text: string): string {
  const prefix = text.endsWith('*');
  if (text.length <= MAX_TEXT && parseRight(permission, text)?.scope === text) return text;
  const star = text.indexOf('*');
  const rate = /^(.*) [1-9]\d{0,8}\/(?:s|min|h)$/s.exec(text)?.[1]?.length;
  const end = Math.min(
    MAX_TEXT,
    star === -1 ? text.length : star,
    rate === undefined ? text.length : rate + 1,
    text.length - (prefix ? 1 : 0),
  );
  return `${text.slice(0, end)}*`;
}

/** What several names have in common: their contract, their folder, or the first part of a key. */
function stemOf(permission: PermissionName, scope: string): string | undefined {
  const end = permission.startsWith('fs.')
    ? scope.lastIndexOf('/')
    : permission === 'middleware.use'
      ? scope.indexOf(':', scope.indexOf(':') + 1)
      : permission.startsWith('storage.')
        ? scope.search(/[:/]/)
        : /^(?:commands|events|hooks)\./.test(permission)
          ? scope.indexOf(':')
          : -1;
  return end === -1 ? undefined : scope.slice(0, end + 1);
}

/**
 * Writes scopes as fewer: more than `most` with one stem as that stem and `*`, and the methods of
 * one origin as one right.
 *
 * @param may whether a scope that covers more than was used may be written.
 */
export function generalized(
  permission: PermissionName,
  scopes: Iterable<string>,
  most: number,
  may: (scope: string) => boolean,
): readonly string[] {
  if (permission === 'network.fetch') return byOrigin(scopes);
  const stems = new Map<string, string[]>();
  const result: string[] = [];
  for (const scope of scopes) {
    const stem = stemOf(permission, scope);
    if (stem === undefined) result.push(scope);
    else stems.set(stem, [...(stems.get(stem) ?? []), scope]);
  }
  for (const [stem, names] of stems)
    result.push(...(names.length > most && may(`${stem}*`) ? [`${stem}*`] : names));
  return result;
}

function byOrigin(scopes: Iterable<string>): readonly string[] {
  const origins = new Map<string, Set<string> | undefined>();
  for (const text of scopes) {
    const { scope, methods } = parseAsked('network.fetch', text);
    const known = origins.has(scope) ? origins.get(scope) : new Set<string>();
    origins.set(scope, methods === undefined ? undefined : known);
    for (const method of methods ?? []) known?.add(method);
  }
  return [...origins].map(([origin, methods]) =>
    methods === undefined || methods.size > MAX_METHODS
      ? origin
      : `${[...methods].sort().join()} ${origin}`,
  );
}

/** The scopes without those that another one covers, in order. */
export function withoutCovered(
  permission: PermissionName,
  scopes: readonly string[],
): readonly string[] {
  const all = [...new Set(scopes)].sort();
  return all.filter(
    (one) =>
      !all.some(
        (other) =>
          other !== one &&
          scopeCovers(permission, other, one) &&
          // Of two that cover each other the first one stays.
          !(scopeCovers(permission, one, other) && one < other),
      ),
  );
}

/** Permissions as a manifest writes them. */
export function permissionsFrom(
  lists: Iterable<readonly [PermissionName, Iterable<string>]>,
  quota?: string | number,
): Permissions {
  const result: Record<string, unknown> = {};
  for (const [name, scopes] of lists) {
    const list = [...scopes].sort();
    if (list.length === 0) continue;
    const [resource, action] = name.split('.') as [string, string | undefined];
    const whole = list.includes('*') && (resource === 'storage' || FLAGS.has(name));
    if (action === undefined) result[resource] = true;
    else
      result[resource] = {
        ...(result[resource] as object | undefined),
        [action]: whole ? true : list,
      };
  }
  if (quota !== undefined) result.storage = { ...(result.storage as object | undefined), quota };
  return result as Permissions;
}
