/** Rights as manifests and policy write them, against the right that is asked for. */
import {
  meetRights,
  type PermissionName,
  type Permissions,
  parseRight,
  type Rate,
  type Right,
  rightReaches,
  scopesOf,
} from '@plinth/sdk/contract';
import type { RateBucket } from './rate.js';

/** A right as text, and in parsed form. */
export interface WrittenRight {
  readonly text: string;
  readonly right: Right;
}

/** The rights of a list, ready to be compared. */
export function writtenRights(
  permission: PermissionName,
  permissions: Permissions,
): readonly WrittenRight[] {
  return scopesOf(permissions, permission).flatMap((text) => {
    const right = parseRight(permission, text);
    return right === undefined ? [] : [{ text, right }];
  });
}

/** Allowed, denied, or allowed as often as one bucket of each list permits. */
export type Verdict = boolean | readonly (readonly RateBucket[])[];

/** Counts one use. Returns the rate that is exhausted. */
export function takeAll(verdict: Verdict): Rate | undefined {
  if (typeof verdict === 'boolean') return undefined;
  return verdict.find((rates) => !rates.some((rate) => rate.take()))?.[0]?.rate;
}

/** Whether a written right and the one asked for have something in common. */
export function overlaps(permission: PermissionName, text: string, asked: Right): boolean {
  const right = parseRight(permission, text);
  return right !== undefined && meetRights(permission, right, asked) !== undefined;
}

/** Whether a written right covers the one asked for. */
export function holds(permission: PermissionName, text: string, asked: Right): boolean {
  const right = parseRight(permission, text);
  return right !== undefined && rightReaches(permission, right, asked);
}

/** Whether a host is an IP address or this machine. A name may resolve to any address. */
export const isAddress = (host: string) =>
  host === 'localhost' || host.startsWith('[') || /^[\d.]+$/.test(host);

/** Permissions whose scopes are names under the id of a plugin. */
export const OWNED: ReadonlySet<PermissionName> = new Set([
  'commands.execute',
  'events.subscribe',
  'events.emit',
  'hooks.call',
  'hooks.handle',
]);
