/** One decision about a right, as it is kept. */
import {
  A_TIME,
  type Alarm,
  createError,
  isTime,
  messageOf,
  PERMISSION_NAMES,
  type PermissionName,
  parseRight,
} from '@plinth/sdk/contract';
import type { Decided } from '../../permissions/denied.js';
import type { Refusal } from './refusals.js';

/** One decision. */
export interface Entry extends Decided {
  /** Whether it is kept in the storage. */
  readonly lasting: boolean;
  alarm?: Alarm | undefined;
}

/** The decisions about one plugin. */
export interface State {
  granted: Entry[];
  revoked: Entry[];
  refused: readonly Refusal[];
}

const MAX_SCOPE = 1_024;

/** What is wrong with a right, and the time that it is granted for. */
export function problemOf(
  permission: PermissionName | undefined,
  scope: string,
  time?: number,
): string | undefined {
  if (permission === undefined || !PERMISSION_NAMES.includes(permission))
    return `'${String(permission).slice(0, 64)}' is not a permission`;
  if (
    typeof scope !== 'string' ||
    scope === '' ||
    scope.length > MAX_SCOPE ||
    parseRight(permission, scope) === undefined
  )
    return `'${String(scope).slice(0, 80)}' is not a scope of ${permission}: an exact text, or a prefix that ends in '*', perhaps with a rate, like 'app:* 10/s'`;
  return time === undefined || isTime(time)
    ? undefined
    : `'for' must be ${A_TIME}, not ${messageOf(time)}`;
}

/** The format in which grants are kept. */
export const FORMAT = 1;
/** Reads what is kept of one plugin. Throws what is wrong with it. */
export function stateOf(kept: unknown): State {
  const { format, granted, revoked, refused } = (kept ?? {}) as {
    readonly format?: unknown;
    readonly granted?: unknown;
    readonly revoked?: unknown;
    readonly refused?: unknown;
  };
  if (format !== FORMAT)
    throw createError(
      'registry/newer-format',
      `they have format ${String(format)}, this version knows ${FORMAT}`,
    );
  const entries = (list: unknown): Entry[] =>
    rowsOf(list, Number.isSafeInteger).map(([permission, scope, at]) => ({
      permission,
      scope,
      at: at as number,
      lasting: true,
    }));
  const isText = (value: unknown) => typeof value === 'string';
  return {
    granted: entries(granted),
    revoked: entries(revoked),
    refused: rowsOf(refused ?? [], isText).map(([permission, scope, version]) => ({
      permission,
      scope,
      version: version as string,
      until: Number.POSITIVE_INFINITY,
    })),
  };
}

type Row = readonly [permission: PermissionName, scope: string, more: unknown];

/** Rights of a list, each with a third fact. */
function rowsOf(list: unknown, isSound: (more: unknown) => boolean): readonly Row[] {
  if (!Array.isArray(list)) throw new TypeError('they are not a list');
  return list.map((one: unknown) => {
    const [permission, scope, more] = one as Row;
    if (!PERMISSION_NAMES.includes(permission) || typeof scope !== 'string' || !isSound(more))
      throw new TypeError('one of them is malformed');
    return [permission, scope, more];
  });
}

/** What is kept of one plugin: what has no end. */
export const keptOf = ({ granted, revoked, refused }: State): object => {
  const lasting = (entries: readonly Entry[]) =>
    entries.flatMap(({ permission, scope, at, lasting: keeps }) =>
      keeps ? [[permission, scope, at]] : [],
    );
  const never = refused.flatMap(({ permission, scope, version, until }) =>
    until === Number.POSITIVE_INFINITY ? [[permission, scope, version]] : [],
  );
  return {
    format: FORMAT,
    granted: lasting(granted),
    revoked: lasting(revoked),
    ...(never.length > 0 && { refused: never }),
  };
};
