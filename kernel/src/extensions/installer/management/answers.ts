/** What managing plugins is refused with, and what is told of a plugin. */
import type { Manifest } from '@plinth/sdk';
import { createError, type PermissionName } from '@plinth/sdk/contract';
import type { PluginInfo } from '../../../api/plugin-info.js';
import type { KernelCall } from '../../../calls/kernel-call.js';
import type { Growth } from '../../../permissions/growth.js';
import type { TrustVerdict } from '../../../permissions/trust-level.js';

/** The calling plugin. Undefined for the application. */
export const actorOf = ({ caller }: KernelCall) =>
  caller.kind === 'plugin' ? caller.id : undefined;

/** Lowest and highest rank of a level. `unknown` may be any; all `undecided` plugins are equal. */
export const LOWEST: Readonly<Record<TrustVerdict, number>> = {
  undecided: 3,
  trusted: 3,
  partner: 2,
  untrusted: 1,
  unknown: 1,
};

/** The highest level of trust that a verdict allows. */
export const HIGHEST: Readonly<Record<TrustVerdict, number>> = {
  undecided: 3,
  trusted: 3,
  partner: 2,
  untrusted: 1,
  unknown: 3,
};

/** Why a plugin may not manage another one. */
export function refused(
  by: string,
  id: string,
  permission: PermissionName,
  reason: 'self' | 'trust',
  message: string,
): Error {
  return createError('permission/denied', message, {
    plugin: by,
    details: { permission, scope: id, reason },
  });
}

/** Why a plugin is not installed: its rights go beyond what the manager has. */
export function unwelcome(by: string, { id, version }: Manifest, permissions: Growth): Error {
  const what = Object.keys(permissions).join(', ');
  return createError(
    'permission/consent-required',
    `${by} may not install ${id} ${version}: it asks for rights that ${by} has not (${what}), and the application has not agreed`,
    {
      plugin: id,
      details: { permissions, version, by },
    },
  );
}

/** What a manager is told of a plugin. */
export function factsOf({
  id,
  version,
  name,
  state,
  enabled,
  reason,
  manifest,
  createdAt,
  updatedAt,
  error,
}: PluginInfo): object {
  const { description, tags = [] } = manifest ?? {};
  return {
    id,
    tags: [...tags],
    state,
    enabled,
    ...(version !== undefined && { version }),
    ...(name !== undefined && { name }),
    ...(description !== undefined && { description }),
    ...(reason !== undefined && { reason }),
    ...(createdAt !== undefined && { createdAt }),
    ...(updatedAt !== undefined && { updatedAt }),
    ...(error !== undefined && {
      error: { code: error.code ?? 'call/failed', message: error.message },
    }),
  };
}
