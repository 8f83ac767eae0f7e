/** Last stage: ask the plugin to stop, take back everything it registered, end its guest; whatever goes wrong. */
import type { PluginError } from '@plinth/sdk/contract';
import type { GuestConnection } from '../guests/guest-connection.js';
import type { KernelParts } from '../parts.js';
import { asResolved, type RunningPlugin, type UnloadedPlugin } from '../record.js';

/** A plugin that has ended, and what it threw on the way. */
export interface Deactivated {
  readonly record: UnloadedPlugin;
  readonly problem?: Error;
}

/** Never rejects: the guest is gone when this resolves. */
export async function deactivate(record: RunningPlugin, parts: KernelParts): Promise<Deactivated> {
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
  if (record.state === 'active' || record.state === 'suspended') await attempt(() => askToStop(connection, parts));
  await attempt(() => record.scope.dispose());
  await attempt(() => connection.terminate());
  const unloaded: UnloadedPlugin = { ...asResolved(record), state: 'unloaded' };
  return problems.length === 0 ? { record: unloaded } : { record: unloaded, problem: problems[0] as Error };
}

/** Milliseconds that a guest has for what its plugin owns when the plugin itself didn't stop in time. */
const RELEASE = 500;

/** Asks the plugin to stop; one that never ends to do so is asked again, and its guest then releases what the plugin owns without it. */
export async function askToStop(connection: GuestConnection, { limits }: Pick<KernelParts, 'limits'>): Promise<void> {
  try {
    await connection.ask('deactivate', limits.deactivate);
  } catch (error) {
    if ((error as Partial<PluginError>).code === 'plugin/timeout') await connection.ask('deactivate', RELEASE, true).catch(() => {});
    throw error;
  }
}
