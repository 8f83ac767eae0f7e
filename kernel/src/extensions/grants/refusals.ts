/** Requests of one plugin that were answered no, and how long each no counts. */
import { type PermissionName, scopeCovers } from '@plinth/sdk/contract';
import type { RefusedRight } from '../../permissions/grant-records.js';

/** One refusal. */
export interface Refusal extends RefusedRight {
  /** When it ends, by `performance.now()`. Infinity is kept in the storage. */
  readonly until: number;
}

/** The most refusals of one plugin. The oldest are forgotten. */
const MOST = 128;

/** Those that still count. */
export const counting = (refusals: readonly Refusal[]): readonly Refusal[] =>
  refusals.filter(({ until }) => until > performance.now());

/** Adds one, in place of an earlier one of the same right and version. */
export const withRefusal = (
  refusals: readonly Refusal[],
  right: RefusedRight,
  time: number,
): readonly Refusal[] =>
  [
    ...counting(refusals).filter((one) => !isSame(one, right)),
    { ...right, until: performance.now() + time },
  ].slice(-MOST);

/** Those that a scope doesn't cover. Without a permission, none. */
export const beyond = (
  refusals: readonly Refusal[],
  permission: PermissionName | undefined,
  scope: string,
): readonly Refusal[] =>
  permission === undefined
    ? []
    : refusals.filter(
        (one) => one.permission !== permission || !scopeCovers(permission, scope, one.scope),
      );

/** Whether two are the same right of the same version. */
export const isSame = (one: RefusedRight, other: RefusedRight): boolean =>
  one.permission === other.permission && one.scope === other.scope && one.version === other.version;
