/**
 * The permission grammar. A manifest asks, policy and grants narrow, and the intersection applies.
 * Missing means denied. Scopes are exact ids or prefixes that end in `*`, optionally with a rate;
 * `right.ts` has the whole grammar.
 */
import { GIVEN, type PermissionName } from './permission-names.js';
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
  /**
   * Origins (`https://api.example.com`) or URL prefixes, optionally after methods:
   * `GET,HEAD https://api.example.com/v1/*`.
   */
  readonly network?: { readonly fetch?: readonly string[] };
  readonly commands?: { readonly execute?: readonly string[] };
  readonly events?: { readonly subscribe?: readonly string[]; readonly emit?: readonly string[] };
  /** Targets like `command:com.example.auth:*` or `event:user:*`. */
  readonly middleware?: { readonly use?: readonly string[] };
  readonly hooks?: { readonly call?: readonly string[]; readonly handle?: readonly string[] };
  readonly messaging?: { readonly send?: readonly string[] };
  readonly services?: { readonly get?: readonly string[] };
  /**
   * Open contracts (`plinth.message-handler`) that it may answer. Its own contracts need no
   * permission.
   */
  readonly contracts?: { readonly provide?: readonly string[] };
  /** Slots of the application, or prefixes of them, in which it shows views (`ui()` of `@plinth/ui`). */
  readonly ui?: { readonly show?: readonly string[] };
  readonly fs?: { readonly read?: readonly string[]; readonly write?: readonly string[] };
  readonly env?: { readonly read?: readonly string[] };
  readonly config?: { readonly read?: readonly string[]; readonly write?: readonly string[] };
  readonly secrets?: { readonly read?: readonly string[] };
  /** Whether its logs and console output are accepted; true when absent. */
  readonly logs?: { readonly write?: boolean };
  /**
   * Ids of plugins, or id prefixes, that it may list, install, enable and configure
   * (`plinth.plugins@1`).
   */
  readonly plugins?: { readonly manage?: readonly string[] };
  /** Whether it may read facts about the runtime and machine (`plinth.system@1`). */
  readonly system?: { readonly read?: boolean };
  readonly wasm?: boolean;
}

/**
 * The scopes that a permission set gives for one name: `['*']` for a true flag, none for an absent
 * one that isn't {@link GIVEN}.
 */
export function scopesOf(permissions: Permissions, name: PermissionName): readonly string[] {
  const [resource, action] = name.split('.') as [keyof Permissions, string | undefined];
  const entry = permissions[resource];
  const value =
    action === undefined ? entry : (entry as Record<string, unknown> | undefined)?.[action];
  if (value === true || (value === undefined && GIVEN.has(name))) return ['*'];
  return Array.isArray(value) ? (value as string[]) : [];
}

/**
 * Whether one written right covers another of the same permission. An invalid right covers nothing.
 */
export function scopeCovers(name: PermissionName, wide: string, narrow: string): boolean {
  const [a, b] = [parseRight(name, wide), parseRight(name, narrow)];
  return a !== undefined && b !== undefined && rightCovers(name, a, b);
}

/** What both lists of rights allow: the overlap of each pair. */
export function intersectScopes(
  name: PermissionName,
  a: readonly string[],
  b: readonly string[],
): readonly string[] {
  const parsed = (list: readonly string[]) => list.flatMap((text) => parseRight(name, text) ?? []);
  const others = parsed(b);
  return [
    ...new Set(
      parsed(a).flatMap((one) => others.flatMap((other) => meetRights(name, one, other) ?? [])),
    ),
  ];
}

const UNITS: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1_000,
  mb: 1_000_000,
  gb: 1_000_000_000,
  kib: 1_024,
  mib: 1_048_576,
  gib: 1_073_741_824,
};

/** Bytes of a size like `5MB`, `64KiB` or `1000`; undefined when it isn't one. */
export function parseSize(size: string | number): number | undefined {
  if (typeof size === 'number') return Number.isSafeInteger(size) && size >= 0 ? size : undefined;
  const match = /^(\d{1,12}(?:\.\d{1,3})?)\s?((?:[kmg]i?)?b)?$/i.exec(size);
  if (match === null) return undefined;
  return Math.floor(Number(match[1]) * (UNITS[(match[2] ?? 'b').toLowerCase()] as number));
}
