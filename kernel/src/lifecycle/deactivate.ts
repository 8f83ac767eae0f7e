/**
 * Last stage: asks the plugin to stop, removes everything it registered, and ends its guest,
 * whatever fails on the way.
 */
import type { PluginError, StopReason } from '@plinth/sdk/contract';
import type { GuestConnection } from '../guests/guest-connection.js';
import { asResolved, type RunningPlugin, type UnloadedPlugin } from '../plugin/record.js';
import type { Drain } from './drain.js';
import type { Stages } from './stages.js';

/** A plugin that has ended, and what it threw while it ended. */
export interface Deactivated {
  readonly record: UnloadedPlugin;
  readonly problem?: Error;
}

/**
 * Takes no new calls, lets the calls in flight finish, and ends the plugin. Never rejects: the
 * guest is gone when this resolves.
 *
 * @param refusal the error for calls that wait or come too late.
 */
export async function deactivate(
  record: RunningPlugin,
  reason: StopReason,
  { time, streams }: Drain,
  refusal: Error,
  parts: Pick<Stages, 'lanes' | 'limits'>,
): Promise<Deactivated> {
  const { connection } = record;
  connection.meter.letThrough();
  const problems: Error[] = [];
  const attempt = async (work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      problems.push(error as Error);
    }
  };
  if (time > 0 && (record.state === 'active' || record.state === 'suspended')) {
    connection.registrations.close(refusal);
    await parts.lanes.detour(connection, time);
    await connection.drained(time, streams);
  }
  if (record.state === 'active' || record.state === 'suspended')
    await attempt(() => askToStop(connection, reason, parts));
  await attempt(() => record.scope.dispose());
  await attempt(() => connection.terminate());
  const unloaded: UnloadedPlugin = { ...asResolved(record), state: 'unloaded' };
  return problems.length === 0
    ? { record: unloaded }
    : { record: unloaded, problem: problems[0] as Error };
}

/**
 * Milliseconds for a guest to release what its plugin owns, after the plugin itself didn't stop in
 * time.
 */
const RELEASE = 1_500;

/**
 * Asks the plugin to stop. If it never finishes, it is asked again, and its guest then releases
 * what the plugin owns without it.
 */
export async function askToStop(
  connection: GuestConnection,
  reason: StopReason,
  { limits }: Pick<Stages, 'limits'>,
): Promise<void> {
  try {
    await connection.ask('deactivate', limits.deactivate, reason);
  } catch (error) {
    if ((error as Partial<PluginError>).code === 'plugin/timeout')
      await connection.ask('deactivate', RELEASE, reason, true).catch(() => {});
    throw error;
  }
}
