/** Finds which of three reasons a denial has, and the line that would cure it. */
import {
  createError,
  FLAGS,
  meetRights,
  type PermissionName,
  type Permissions,
  type PluginError,
  parseAsked,
  parseRight,
  rightReaches,
  scopeCovers,
  scopesOf,
} from '@plinth/sdk/contract';
import type { DenialReason } from '../kernel-events.js';

/** Why something is denied. */
export interface Denial {
  readonly reason: DenialReason;
  /**
   * The line to add: in `plugin.json`, in the kernel's options, or as a call of the application.
   * Undefined where the code of an extension decides.
   */
  readonly line: string | undefined;
  /** The reason and the cure, in half a sentence. */
  readonly because: string;
}

/** Explains why something is denied. */
export type Why = (permission: PermissionName, scope: string) => Denial;

type TakenAway = ReadonlyMap<PermissionName, readonly { readonly scope: string }[]>;

/** The facts on which a denial is based. */
export interface DenialFacts {
  readonly plugin: string;
  /** What the plugin asks for or was granted, regardless of policy. */
  readonly asked: Permissions;
  /** The most that policy allows. Undefined for everything. */
  readonly ceiling: Permissions | undefined;
  /** Scopes that the application has revoked. */
  readonly denied: TakenAway;
  /** What extensions allow at most, and have taken away. */
  readonly by?: readonly Bounding[];
}

/** What one extension allows at most, and has taken away. */
export interface Bounding {
  readonly extension: string;
  readonly ceiling: Permissions | undefined;
  readonly denied: TakenAway;
}

/** Why an extension doesn't allow something. Undefined when all of them do. */
export function extensionAgainst(
  by: readonly Bounding[],
  permission: PermissionName,
  scope: string,
): Denial | undefined {
  const against = by.find(
    (one) =>
      (one.ceiling !== undefined && !reaches(one.ceiling, permission, scope)) ||
      isRevoked(one.denied, permission, scope),
  );
  return against && deniedBy(against);
}

/** Whether an extension doesn't allow a right, or the application has taken it away. */
export const isDenied = (
  by: readonly Bounding[],
  denied: TakenAway,
  permission: PermissionName,
  scope: string,
): boolean =>
  extensionAgainst(by, permission, scope) !== undefined || isRevoked(denied, permission, scope);

const deniedBy = ({ extension }: Bounding): Denial => ({
  reason: 'extension',
  line: undefined,
  because: `the extension '${extension}' doesn't allow it`,
});

/** The longest scope that a cure repeats. */
const MAX_SHOWN = 256;

/** Explains why a permission is denied for a scope. */
export function denialOf(
  { plugin, asked, ceiling, denied, by = [] }: DenialFacts,
  permission: PermissionName,
  scope: string,
): Denial {
  const line = lineOf(permission, scope);
  const asks = reaches(asked, permission, scope);
  const allows = ceiling === undefined || reaches(ceiling, permission, scope);
  const against = extensionAgainst(by, permission, scope);
  if (asks && allows && against !== undefined) return against;
  if (asks && allows && isRevoked(denied, permission, scope)) {
    const call = cureOf('revoked', plugin, permission, scope);
    return {
      reason: 'revoked',
      line: call,
      because: `it was revoked; the application gives it back with ${call}`,
    };
  }
  if (asks)
    return {
      reason: 'policy',
      line,
      because: `its manifest asks for it, and policy doesn't allow it; the application allows it by adding to its 'policy' option: ${line}`,
    };
  const also = allows ? '' : "; policy doesn't allow it either";
  return {
    reason: 'manifest',
    line,
    because: `its manifest doesn't ask for it; add to plugin.json: ${line}${also}`,
  };
}

/** The line to add, where the reason is known. */
export function cureOf(
  reason: DenialReason,
  plugin: string,
  permission: PermissionName,
  scope: string,
): string | undefined {
  if (reason === 'extension') return undefined;
  if (reason !== 'revoked') return lineOf(permission, scope);
  const written = writtenScope(permission, scope);
  const more = written === '*' ? '' : `, ${JSON.stringify(written)}`;
  return `kernel.permissions.grant('${plugin}', '${permission}'${more})`;
}

function reaches(permissions: Permissions, permission: PermissionName, scope: string): boolean {
  const scopes = scopesOf(permissions, permission);
  if (scope === '') return scopes.length > 0;
  const asked = parseAsked(permission, scope);
  return scopes.some((text) => {
    const right = parseRight(permission, text);
    return right !== undefined && rightReaches(permission, right, asked);
  });
}

/** Whether a right was taken away. */
export function isRevoked(denied: TakenAway, permission: PermissionName, scope: string): boolean {
  const taken = denied.get(permission) ?? [];
  if (scope === '') return taken.some((one) => one.scope === '*');
  const asked = parseAsked(permission, scope);
  return taken.some(({ scope: text }) => {
    const right = parseRight(permission, text);
    return right !== undefined && meetRights(permission, right, asked) !== undefined;
  });
}

/** The scope to write in a manifest: for a URL its origin, for no scope all. */
function writtenScope(permission: PermissionName, scope: string): string {
  if (scope === '') return '*';
  const { scope: bare } = parseAsked(permission, scope);
  const short = bare.length > MAX_SHOWN ? `${bare.slice(0, MAX_SHOWN)}*` : bare;
  if (permission !== 'network.fetch') return short;
  try {
    return new URL(bare).origin;
  } catch {
    return short;
  }
}

/** The line of a manifest, or of a policy, that grants a permission for a scope. */
export function lineOf(permission: PermissionName, scope: string): string {
  const [resource, action] = permission.split('.') as [string, string | undefined];
  const given =
    action === undefined
      ? true
      : {
          [action]:
            resource === 'storage' || FLAGS.has(permission)
              ? true
              : [writtenScope(permission, scope)],
        };
  return JSON.stringify({ permissions: { [resource]: given } }).slice(1, -1);
}

/** Whether one right of a list covers another. */
export const covers = (
  permissions: Permissions,
  permission: PermissionName,
  scope: string,
): boolean => scopesOf(permissions, permission).some((one) => scopeCovers(permission, one, scope));

/**
 * The error for a right that the application can't grant: `permission/denied`.
 *
 * @param by the extensions, where policy allows the right.
 */
export function ungrantable(
  plugin: string,
  permission: PermissionName,
  scope: string,
  by: readonly Bounding[],
): PluginError {
  const add = lineOf(permission, scope);
  const against = by.find(
    ({ ceiling, denied }) =>
      (ceiling !== undefined && !covers(ceiling, permission, scope)) ||
      denied.get(permission)?.some((one) => scopeCovers(permission, one.scope, scope)),
  );
  const { reason, line, because } = (against && deniedBy(against)) ?? {
    reason: 'policy',
    line: add,
    because: `policy doesn't allow it; the application allows it by adding to its 'policy' option: ${add}`,
  };
  return createError(
    'permission/denied',
    `${plugin} cannot be granted ${permission} for '${scope}': ${because}`,
    { plugin, details: { permission, scope, reason, ...(line !== undefined && { add: line }) } },
  );
}
