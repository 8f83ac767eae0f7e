/** Last stage: ask the plugin to stop, take back everything it registered, end its guest; whatever goes wrong. */
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
  if (record.state === 'active' || record.state === 'suspended') await attempt(() => connection.ask('deactivate', parts.limits.deactivate));
  await attempt(() => record.scope.dispose());
  await attempt(() => connection.terminate());
  const unloaded: UnloadedPlugin = { ...asResolved(record), state: 'unloaded' };
  return problems.length === 0 ? { record: unloaded } : { record: unloaded, problem: problems[0] as Error };
}
