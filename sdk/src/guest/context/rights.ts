/** `ctx.permissions`: asks the kernel for the plugin's rights. */
import type { PluginContext } from '../../context.js';
import { PluginValidationError } from '../../contract/errors.js';
import { Op } from '../../contract/operations.js';
import type { PermissionName } from '../../contract/permission-names.js';
import { A_TIME } from '../../contract/time.js';
import type { Link } from '../../rpc/link.js';
import { attempt, textIn } from '../arguments.js';
import { requestKernel } from '../kernel-calls.js';

const INVALID = 'permission/invalid';

/** Creates the permissions of one activation. */
export function createRights(link: Link): PluginContext['permissions'] {
  const ask = (
    operation: number,
    permission: unknown,
    scopeText: unknown,
    ...more: readonly unknown[]
  ) =>
    attempt(
      () =>
        requestKernel(link, operation, undefined, [
          textIn(permission, 'a permission', INVALID),
          textIn(scopeText, 'a scope', INVALID, 8_448),
          ...more,
        ]) as Promise<boolean>,
    );
  return {
    has: (permission: PermissionName, scopeText = '') => ask(Op.permission, permission, scopeText),
    request: (permission: PermissionName, scopeText = '*', options) => {
      const { why, for: time = Number.POSITIVE_INFINITY } = options ?? {};
      return attempt(() =>
        ask(
          Op.request,
          permission,
          scopeText,
          why === undefined ? why : textIn(why, 'a reason', INVALID),
          isTimeOrNever(time),
        ),
      );
    },
  };
}

/** @throws PluginValidationError `permission/invalid`. */
function isTimeOrNever(time: unknown): number {
  if (typeof time === 'number' && time > 0) return time;
  throw new PluginValidationError(
    INVALID,
    `a right is asked for ${A_TIME}, not for ${typeof time === 'number' ? time : typeof time}`,
  );
}
