/**
 * The permission grammar. A manifest asks, policy and grants narrow, and what runs is the intersection. Missing means
 * denied. Scopes are exact ids or prefixes that end in `*`, perhaps with a rate: see `right.ts` for the whole grammar.
 */
import type { PermissionName } from './permission-names.js';
import { meetRights, parseRight, rightCovers } from './right.js';

/** What a plugin may do. Every list holds scopes; an absent key denies. */
export interface Permissions {
  readonly storage?: {
    /** Keys or prefixes of keys; true for all. */
    readonly read?: boolean | readonly string[];
    readonly write?: boolean | readonly string[];
    /** Bytes, or a text like `5MB`. */
    readonly quota?: string | number;
  };
  /** Origins (`https://api.example.com`) or prefixes of URLs, perhaps after methods: `GET,HEAD https://api.example.com/v1/*`. */
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

/** The scopes that a set of permissions gives one name: `['*']` for a true flag, none for an absent one. */
export function scopesOf(permissions: Permissions, name: PermissionName): readonly string[] {
  const [resource, action] = name.split('.') as [keyof Permissions, string | undefined];
  const entry = permissions[resource];
  const value = action === undefined ? entry : (entry as Record<string, unknown> | undefined)?.[action];
  if (value === true) return ['*'];
  return Array.isArray(value) ? (value as string[]) : [];
}

/** Whether a right, as it is written, covers another of the same permission. What is no right covers nothing. */
export function scopeCovers(name: PermissionName, wide: string, narrow: string): boolean {
  const [a, b] = [parseRight(name, wide), parseRight(name, narrow)];
  return a !== undefined && b !== undefined && rightCovers(name, a, b);
}

/** What both lists of rights allow: of each pair what it has in common. */
export function intersectScopes(name: PermissionName, a: readonly string[], b: readonly string[]): readonly string[] {
  const parsed = (list: readonly string[]) => list.flatMap((text) => parseRight(name, text) ?? []);
  const others = parsed(b);
  return [...new Set(parsed(a).flatMap((one) => others.flatMap((other) => meetRights(name, one, other) ?? [])))];
}

const UNITS: Readonly<Record<string, number>> = { b: 1, kb: 1_000, mb: 1_000_000, gb: 1_000_000_000 };

/** Bytes of a size like `5MB`, `64kb` or `1000`; undefined when it isn't one. */
export function parseSize(size: string | number): number | undefined {
  if (typeof size === 'number') return Number.isSafeInteger(size) && size >= 0 ? size : undefined;
  const match = /^(\d{1,12}(?:\.\d{1,3})?)\s?([kmg]?b)?$/i.exec(size);
  if (match === null) return undefined;
  return Math.floor(Number(match[1]) * (UNITS[(match[2] ?? 'b').toLowerCase()] as number));
}
