/**
 * Checks a policy when the kernel is made. A policy that is misspelt, meaningless or contradictory
 * would silently protect nothing. The kernel therefore doesn't start with it.
 */
import {
  coversPattern,
  createError,
  didYouMean,
  FLAGS,
  isRange,
  PERMISSION_NAMES,
  type PermissionName,
  parseRight,
  parseSize,
} from '@plinth/sdk/contract';
import { checkResources } from './extensions/limits/resource-policy.js';

const OPTIONS: readonly string[] = [
  'allow',
  'deny',
  'shared',
  'permissions',
  'chain',
  'resources',
  'updates',
  'commands',
  'trust',
  'signatures',
  'revoked',
];
const CRITERIA = ['plugins', 'origins', 'publishers', 'keys'] as const;
const LEVELS: readonly unknown[] = ['trusted', 'partner', 'untrusted'];

/** @throws PluginConfigurationError `kernel/invalid-option` that names the option. */
export function checkPolicy(policy: unknown): void {
  if (policy === undefined) return;
  const given = objectAt('policy', policy);
  for (const key of Object.keys(given))
    if (!OPTIONS.includes(key))
      throw wrong(`policy.${key}`, `is not an option${didYouMean(key, OPTIONS, [])}`);
  for (const key of ['allow', 'deny', 'shared']) checkPatterns(`policy.${key}`, given[key]);
  checkLists(
    given.allow as readonly string[] | undefined,
    given.deny as readonly string[] | undefined,
  );
  checkRevoked(given.revoked);
  checkPermissions(given.permissions);
  oneOf('policy.chain', given.chain, ['intersect', 'strict', 'own']);
  checkResources(given.resources);
  checkCommands(given.commands);
  checkUpdates(given.updates);
  checkSignatures(given.signatures);
  checkTrust(given.trust, given.signatures !== undefined);
}

function checkUpdates(updates: unknown): void {
  if (updates === undefined) return;
  const { state, ...rest } = objectAt('policy.updates', updates);
  for (const key of Object.keys(rest))
    throw wrong(`policy.updates.${key}`, `is not an option${didYouMean(key, ['state'], [])}`);
  oneOf('policy.updates.state', state, ['required', 'optional']);
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

function checkPermissions(permissions: unknown): void {
  if (permissions === undefined || typeof permissions === 'function') return;
  const resources = new Set(PERMISSION_NAMES.map((name) => name.split('.')[0] as string));
  for (const [resource, value] of Object.entries(objectAt('policy.permissions', permissions))) {
    const at = `policy.permissions.${resource}`;
    if (!resources.has(resource))
      throw wrong(at, `is not a permission${didYouMean(resource, [...resources], [])}`);
    if (PERMISSION_NAMES.includes(resource as PermissionName)) {
      if (typeof value !== 'boolean') throw wrong(at, `must be a boolean, not ${String(value)}`);
    } else
      for (const [action, scopes] of Object.entries(objectAt(at, value)))
        checkScopes(`${at}.${action}`, `${resource}.${action}`, scopes);
  }
}

function checkScopes(at: string, name: string, scopes: unknown): void {
  if (name === 'storage.quota') {
    if (parseSize(scopes as string) === undefined)
      throw wrong(at, `must be a size like '5MB', not ${String(scopes)}`);
    return;
  }
  if (!PERMISSION_NAMES.includes(name as PermissionName)) throw wrong(at, 'is not a permission');
  if (
    (name.startsWith('storage.') || FLAGS.has(name as PermissionName)) &&
    typeof scopes === 'boolean'
  )
    return;
  if (FLAGS.has(name as PermissionName))
    throw wrong(at, `must be a boolean, not ${String(scopes)}`);
  for (const [index, scope] of listAt(at, scopes).entries()) {
    if (typeof scope !== 'string' || parseRight(name as PermissionName, scope) === undefined)
      throw wrong(`${at}[${index}]`, `is not a scope of ${name}: ${String(scope)}`);
  }
}

function checkCommands(commands: unknown): void {
  if (commands === undefined) return;
  const { requiresAuth, rateLimit, ...rest } = objectAt('policy.commands', commands);
  for (const key of Object.keys(rest))
    throw wrong(
      `policy.commands.${key}`,
      `is not an option${didYouMean(key, ['requiresAuth', 'rateLimit'], [])}`,
    );
  oneOf('policy.commands.requiresAuth', requiresAuth, [true, false]);
  if (rateLimit !== undefined && !(Number.isSafeInteger(rateLimit) && (rateLimit as number) > 0))
    throw wrong(
      'policy.commands.rateLimit',
      `must be a whole number of calls a minute above 0, not ${String(rateLimit)}`,
    );
}

function checkSignatures(signatures: unknown): void {
  if (signatures === undefined) return;
  const { keys, required, rollback, ...rest } = objectAt('policy.signatures', signatures);
  for (const key of Object.keys(rest))
    throw wrong(
      `policy.signatures.${key}`,
      `is not an option${didYouMean(key, ['keys', 'required', 'rollback'], [])}`,
    );
  if (typeof keys !== 'function') objectAt('policy.signatures.keys', keys);
  oneOf('policy.signatures.required', required, ['untrusted', 'all', 'none']);
  oneOf('policy.signatures.rollback', rollback, ['refuse', 'allow']);
}

function checkTrust(trust: unknown, signed: boolean): void {
  if (trust === undefined || typeof trust === 'function') return;
  const seen = new Map<string, number>();
  let last: number | undefined;
  for (const [index, rule] of listAt('policy.trust', trust).entries()) {
    const at = `policy.trust[${index}]`;
    const { level, ...criteria } = objectAt(at, rule);
    if (!LEVELS.includes(level))
      throw wrong(`${at}.level`, `must be one of ${LEVELS.join(', ')}, not ${String(level)}`);
    for (const [key, patterns] of Object.entries(criteria)) {
      if (!CRITERIA.includes(key as never))
        throw wrong(
          `${at}.${key}`,
          `is nothing that a rule can ask for${didYouMean(key, CRITERIA, [])}`,
        );
      for (const [place, pattern] of listAt(`${at}.${key}`, patterns).entries())
        if (!isPatternText(pattern))
          throw wrong(
            `${at}.${key}[${place}]`,
            `must be a text, or a prefix that ends in '*', not ${String(pattern)}`,
          );
    }
    if (!signed && (criteria.publishers !== undefined || criteria.keys !== undefined))
      throw wrong(
        at,
        "asks who has signed, and no keys are trusted (option 'policy.signatures'): it can never apply",
      );
    if (last !== undefined)
      throw wrong(
        at,
        `can never apply: policy.trust[${last}] asks for nothing and comes before it`,
      );
    const same = JSON.stringify(CRITERIA.map((key) => criteria[key]));
    const earlier = seen.get(same);
    if (earlier !== undefined)
      throw wrong(
        at,
        `can never apply: policy.trust[${earlier}] asks for the same and comes before it`,
      );
    seen.set(same, index);
    if (CRITERIA.every((key) => criteria[key] === undefined)) last = index;
  }
}

function checkPatterns(at: string, patterns: unknown): void {
  for (const [index, pattern] of listAt(at, patterns).entries())
    if (!isIdPattern(pattern))
      throw wrong(
        `${at}[${index}]`,
        `must be the id of a plugin, or a prefix that ends in '*', not ${String(pattern)}`,
      );
}

const isPatternText = (value: unknown): boolean =>
  typeof value === 'string' && value !== '' && !value.slice(0, -1).includes('*');
const isIdPattern = (value: unknown): boolean =>
  isPatternText(value) && /^[a-z0-9.*-]+$/i.test(value as string);

function oneOf(at: string, value: unknown, allowed: readonly unknown[]): void {
  if (value !== undefined && !allowed.includes(value))
    throw wrong(at, `must be one of ${allowed.join(', ')}, not ${String(value)}`);
}

function listAt(at: string, value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw wrong(at, `must be a list, not ${String(value)}`);
  return value;
}

function objectAt(at: string, value: unknown): Readonly<Record<string, unknown>> {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw wrong(at, `must be an object, not ${String(value)}`);
  return value as Readonly<Record<string, unknown>>;
}

function wrong(option: string, what: string): Error {
  return createError('kernel/invalid-option', `'${option}' ${what}`, { details: { option } });
}
