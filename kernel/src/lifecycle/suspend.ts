/**
 * Pauses a plugin without losing its guest. Its own work stops. Calls meanwhile wait or are
 * refused.
 */
import type { PluginError } from '@plinth/sdk/contract';
import type { Pause, PausedBy } from '../plugin/plugin.js';
import type { ActivePlugin, SuspendedPlugin } from '../plugin/record.js';
import type { Stages } from './stages.js';

/** What calls are refused with, of several pauses. Undefined where they wait. */
export function refusalOf(pauses: ReadonlyMap<PausedBy, Pause>): (() => PluginError) | undefined {
  for (const { refuse } of pauses.values()) if (refuse !== undefined) return refuse;
  return undefined;
}

/** @throws what the plugin threw. It then stays active. */
export async function suspend(
  record: ActivePlugin,
  parts: Pick<Stages, 'lanes' | 'limits'>,
): Promise<SuspendedPlugin> {
  const { connection } = record;
  const restore = connection.mailbox.hold('pause');
  await parts.lanes.detour(connection, parts.limits.swap);
  try {
    await connection.ask('suspend', parts.limits.hook);
  } catch (error) {
    restore();
    parts.lanes.direct(connection);
    throw error;
  }
  return { ...record, state: 'suspended', reason: 'request' };
}

/**
 * Suspends a plugin that can't work, or may not for a while, even if its hook fails. Its callers
 * get an error instead of waiting, where `blame` has one.
 */
export async function suspendWithout(
  record: ActivePlugin | SuspendedPlugin,
  reason: 'dependency' | 'limit',
  blame: () => Error | undefined,
  parts: Pick<Stages, 'lanes' | 'limits'>,
): Promise<{ readonly record: SuspendedPlugin; readonly problem?: unknown }> {
  const { connection } = record;
  connection.mailbox.hold('pause', { refuse: blame });
  await parts.lanes.detour(connection, parts.limits.swap);
  const suspended: SuspendedPlugin = { ...record, state: 'suspended', reason };
  if (record.state === 'suspended') return { record: suspended };
  try {
    await connection.ask('suspend', parts.limits.hook);
    return { record: suspended };
  } catch (problem) {
    return { record: suspended, problem };
  }
}

/**
 * Asks a plugin to resume. What waits for it goes on waiting until {@link resumed}.
 *
 * @param mayRun whether it still may once it has answered. It is suspended again when it may not.
 * @returns whether it may.
 * @throws what the plugin threw. It then stays suspended.
 */
export async function resume(
  { connection }: SuspendedPlugin,
  mayRun: () => boolean,
  { limits }: Pick<Stages, 'limits'>,
): Promise<boolean> {
  await connection.ask('resume', limits.hook);
  if (mayRun()) return true;
  await connection.ask('suspend', limits.hook).catch(() => {});
  return false;
}

/** Gives a plugin that has resumed what has waited for it. */
export function resumed(record: SuspendedPlugin, parts: Pick<Stages, 'lanes'>): ActivePlugin {
  record.connection.mailbox.release('pause');
  parts.lanes.direct(record.connection);
  const { reason: _, ...rest } = record;
  return { ...rest, state: 'active' };
}
