/**
 * The permission grammar. A manifest asks, policy and grants narrow, and what runs is the intersection. Missing means
 * denied. Scopes are exact ids or prefixes that end in `*`; both sides of a check are compared as texts, never parsed.
 */
import { covers, coversPattern } from './names.js';
import { coversUrl } from './url-scope.js';

/** What a plugin may do. Every list holds scopes; an absent key denies. */
export interface Permissions {
  readonly storage?: { readonly read?: boolean; readonly write?: boolean /** Bytes, or a text like `5MB`. */; readonly quota?: string | number };
  /** Origins (`https://api.example.com`) or prefixes of URLs. */
  readonly network?: { readonly fetch?: readonly string[] };
  readonly commands?: { readonly execute?: readonly string[] };
  readonly events?: { readonly subscribe?: readonly string[]; readonly emit?: readonly string[] };
  /** Targets like `command:com.example.auth:*` or `event:user:*`. */
  readonly middleware?: { readonly use?: readonly string[] };
  readonly hooks?: { readonly call?: readonly string[]; readonly handle?: readonly string[] };
  readonly messaging?: { readonly send?: readonly string[] };
  readonly services?: { readonly get?: readonly string[] };
  readonly fs?: { readonly read?: readonly string[]; readonly write?: readonly string[] };
  readonly env?: { readonly read?: readonly string[] };
  readonly config?: { readonly read?: readonly string[]; readonly write?: readonly string[] };
  readonly secrets?: { readonly read?: readonly string[] };
  readonly workers?: boolean;
  readonly wasm?: boolean;
}

/** A permission's name: resource and action. */
export type PermissionName =
  | 'storage.read'
  | 'storage.write'
  | 'network.fetch'
  | 'commands.execute'
  | 'events.subscribe'
  | 'events.emit'
  | 'middleware.use'
  | 'hooks.call'
  | 'hooks.handle'
  | 'messaging.send'
  | 'services.get'
  | 'fs.read'
  | 'fs.write'
  | 'env.read'
  | 'config.read'
  | 'config.write'
  | 'secrets.read'
  | 'workers'
  | 'wasm';

/** Every permission, in the order of the manifest. */
export const PERMISSION_NAMES: readonly PermissionName[] = [
  'storage.read',
  'storage.write',
  'network.fetch',
  'commands.execute',
  'events.subscribe',
  'events.emit',
  'middleware.use',
  'hooks.call',
  'hooks.handle',
  'messaging.send',
  'services.get',
  'fs.read',
  'fs.write',
  'env.read',
  'config.read',
  'config.write',
  'secrets.read',
  'workers',
  'wasm',
];

/** The scopes that a set of permissions gives one name: `['*']` for a true flag, none for an absent one. */
export function scopesOf(permissions: Permissions, name: PermissionName): readonly string[] {
  const [resource, action] = name.split('.') as [keyof Permissions, string | undefined];
  const entry = permissions[resource];
  const value = action === undefined ? entry : (entry as Record<string, unknown> | undefined)?.[action];
  if (value === true) return ['*'];
  return Array.isArray(value) ? (value as string[]) : [];
}

/** How scopes of a permission are compared: those of the network are URLs, all others texts. */
export const scopeCovers = (name: PermissionName): ((wide: string, narrow: string) => boolean) => (name === 'network.fetch' ? coversUrl : coversPattern);

/** Whether any of the scopes covers an id, or, for a pattern that ends in `*`, everything that pattern could match. */
export function allows(scopes: readonly string[], idOrPattern: string): boolean {
  for (const scope of scopes) if (idOrPattern.endsWith('*') ? coversPattern(scope, idOrPattern) : covers(scope, idOrPattern)) return true;
  return false;
}

/** What both lists of scopes allow: from each overlapping pair the narrower one. */
export function intersectScopes(a: readonly string[], b: readonly string[], coversScope: (wide: string, narrow: string) => boolean = coversPattern): readonly string[] {
  const both = new Set<string>();
  for (const x of a) {
    for (const y of b) {
      if (coversScope(x, y)) both.add(y);
      else if (coversScope(y, x)) both.add(x);
    }
  }
  return [...both];
}

const UNITS: Readonly<Record<string, number>> = { b: 1, kb: 1_000, mb: 1_000_000, gb: 1_000_000_000 };

/** Bytes of a size like `5MB`, `64kb` or `1000`; undefined when it isn't one. */
export function parseSize(size: string | number): number | undefined {
  if (typeof size === 'number') return Number.isSafeInteger(size) && size >= 0 ? size : undefined;
  const match = /^(\d{1,12}(?:\.\d{1,3})?)\s?([kmg]?b)?$/i.exec(size);
  if (match === null) return undefined;
  return Math.floor(Number(match[1]) * (UNITS[(match[2] ?? 'b').toLowerCase()] as number));
}
