/** One decision about a right, as it is kept. */
import {
  type Alarm,
  createError,
  PERMISSION_NAMES,
  type PermissionName,
} from '@plinth/sdk/contract';

/** One decision. */
export interface Entry {
  readonly permission: PermissionName;
  readonly scope: string;
  /** Its position among the plugin's grants and revocations. The later one counts. */
  readonly at: number;
  /** Whether it is kept in the storage. */
  readonly lasting: boolean;
  alarm?: Alarm | undefined;
}

/** The decisions about one plugin. */
export interface State {
  granted: Entry[];
  revoked: Entry[];
}

/** The format in which grants are kept. */
export const FORMAT = 1;
/** Reads what is kept of one plugin. Throws what is wrong with it. */
export function stateOf(kept: unknown): State {
  const { format, granted, revoked } = (kept ?? {}) as {
    readonly format?: unknown;
    readonly granted?: unknown;
    readonly revoked?: unknown;
  };
  if (format !== FORMAT)
    throw createError(
      'registry/newer-format',
      `they have format ${String(format)}, this version knows ${FORMAT}`,
    );
  const entries = (list: unknown): Entry[] => {
    if (!Array.isArray(list)) throw new TypeError('they are not a list');
    return list.map((one: unknown) => {
      const [permission, scope, at] = one as [PermissionName, string, number];
      if (
        !PERMISSION_NAMES.includes(permission) ||
        typeof scope !== 'string' ||
        !Number.isSafeInteger(at)
      )
        throw new TypeError('one of them is malformed');
      return { permission, scope, at, lasting: true };
    });
  };
  return { granted: entries(granted), revoked: entries(revoked) };
}
