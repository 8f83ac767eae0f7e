/**
 * Checks the decisions of a policy that the core enforces. A policy that is misspelt, meaningless
 * or contradictory would silently protect nothing. The kernel therefore doesn't start with it.
 */
import {
  coversPattern,
  didYouMean,
  FLAGS,
  isRange,
  messageOf,
  PERMISSION_NAMES,
  type PermissionName,
  parseRight,
  parseSize,
} from '@plinth/sdk/contract';
import { isIdPattern, listAt, objectAt, oneOf, wrong } from './option-checks.js';

const OPTIONS: readonly string[] = ['allow', 'deny', 'shared', 'permissions', 'chain', 'revoked'];

/**
 * @param more names of decisions that extensions enforce.
 * @throws PluginConfigurationError `kernel/invalid-option` that names the option.
 */
export function checkCorePolicy(policy: unknown, more: readonly string[] = []): void {
  const known = [...OPTIONS, ...more];
  const given = objectAt('policy', policy);
  for (const key of Object.keys(given))
    if (!known.includes(key))
      throw wrong(`policy.${key}`, `is not an option${didYouMean(key, known, [])}`);
  for (const key of ['allow', 'deny', 'shared']) checkPatterns(`policy.${key}`, given[key]);
  checkLists(
    given.allow as readonly string[] | undefined,
    given.deny as readonly string[] | undefined,
  );
  checkRevoked(given.revoked);
  checkPermissions(given.permissions);
  oneOf('policy.chain', given.chain, ['intersect', 'strict', 'own']);
}

/** Denying wins. An entry that can never have an effect is a mistake. */
function checkLists(allow: readonly string[] | undefined, deny: readonly string[] = []): void {
  for (const [index, one] of (allow ?? []).entries()) {
    const by = deny.find((other) => coversPattern(other, one));
    if (by !== undefined)
      throw wrong(
        `policy.allow[${index}]`,
        `allows '${one}', and policy.deny denies '${by}', which is all of it`,
      );
  }
}

function checkPermissions(permissions: unknown): void {
  if (permissions === undefined || typeof permissions === 'function') return;
  const resources = new Set(PERMISSION_NAMES.map((name) => name.split('.')[0] as string));
  for (const [resource, value] of Object.entries(objectAt('policy.permissions', permissions))) {
    const at = `policy.permissions.${resource}`;
    if (!resources.has(resource))
      throw wrong(at, `is not a permission${didYouMean(resource, [...resources], [])}`);
    if (PERMISSION_NAMES.includes(resource as PermissionName)) {
      if (typeof value !== 'boolean') throw wrong(at, `must be a boolean, not ${messageOf(value)}`);
    } else
      for (const [action, scopes] of Object.entries(objectAt(at, value)))
        checkScopes(`${at}.${action}`, `${resource}.${action}`, scopes);
  }
}

function checkScopes(at: string, name: string, scopes: unknown): void {
  if (name === 'storage.quota') {
    if (parseSize(scopes as string) === undefined)
      throw wrong(at, `must be a size like '5MB', not ${messageOf(scopes)}`);
    return;
  }
  if (!PERMISSION_NAMES.includes(name as PermissionName)) throw wrong(at, 'is not a permission');
  if (
    (name.startsWith('storage.') || FLAGS.has(name as PermissionName)) &&
    typeof scopes === 'boolean'
  )
    return;
  if (FLAGS.has(name as PermissionName))
    throw wrong(at, `must be a boolean, not ${messageOf(scopes)}`);
  for (const [index, scope] of listAt(at, scopes).entries()) {
    if (typeof scope !== 'string' || parseRight(name as PermissionName, scope) === undefined)
      throw wrong(`${at}[${index}]`, `is not a scope of ${name}: ${String(scope)}`);
  }
}

function checkPatterns(at: string, patterns: unknown): void {
  for (const [index, pattern] of listAt(at, patterns).entries())
    if (!isIdPattern(pattern))
      throw wrong(
        `${at}[${index}]`,
        `must be the id of a plugin, or a prefix that ends in '*', not ${messageOf(pattern)}`,
      );
}

function checkRevoked(revoked: unknown): void {
  for (const [index, entry] of listAt('policy.revoked', revoked).entries()) {
    const [pattern, range] = typeof entry === 'string' ? split(entry) : [undefined, undefined];
    if (!isIdPattern(pattern) || (range !== undefined && !isRange(range)))
      throw wrong(
        `policy.revoked[${index}]`,
        `must be an id, a prefix that ends in '*', or one of them with a range, like 'com.acme.notes@<1.2.0', not '${String(entry)}'`,
      );
  }
}

function split(entry: string): [string, string | undefined] {
  const at = entry.indexOf('@');
  return at === -1 ? [entry, undefined] : [entry.slice(0, at), entry.slice(at + 1)];
}
