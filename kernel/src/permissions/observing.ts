/** What observes how plugins use their rights. */
import type { Manifest, PermissionName } from '@plinth/sdk/contract';

/** Hears of each use of a right and of each refused one. A scope may be `''`, for any. */
export type OnAsked = (permission: PermissionName, scope: string, allowed: boolean) => void;

/** Observes how plugins use their rights. It grants and refuses nothing. */
export interface Observing {
  /** Makes what hears of the uses of a plugin. */
  of(manifest: Manifest): OnAsked;
  /** Makes what hears of the bytes that a plugin wants to keep at once. */
  stored(manifest: Manifest): (bytes: number) => void;
}
