/** Pausing without losing the guest: the plugin's own work stops, and what it is asked meanwhile waits or is refused. */
import type { KernelParts } from '../parts.js';
import type { ActivePlugin, SuspendedPlugin } from '../record.js';

/** @throws what the plugin threw; it stays active then. */
export async function suspend(record: ActivePlugin, parts: KernelParts): Promise<SuspendedPlugin> {
  const { connection } = record;
  await hold(record, parts);
  try {
    await connection.ask('suspend', parts.limits.hook);
  } catch (error) {
    release(record, parts);
    throw error;
  }
  return { ...record, state: 'suspended', reason: 'request' };
}

/** Suspends a plugin that can't work, or may not for a while, whatever it says to that; its callers get an error in place of waiting. */
export async function suspendWithout(
  record: ActivePlugin | SuspendedPlugin,
  reason: 'dependency' | 'limit',
  blame: () => Error,
  parts: KernelParts,
): Promise<{ readonly record: SuspendedPlugin; readonly problem?: unknown }> {
  const { connection } = record;
  connection.registrations.hold({ refuse: blame });
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

/** @throws what the plugin threw; it stays suspended then. */
export async function resume(record: SuspendedPlugin, parts: KernelParts): Promise<ActivePlugin> {
  await record.connection.ask('resume', parts.limits.hook);
  release(record, parts);
  const { reason: _, ...rest } = record;
  return { ...rest, state: 'active' };
}

async function hold({ connection }: ActivePlugin, parts: KernelParts): Promise<void> {
  connection.registrations.hold();
  await parts.lanes.detour(connection, parts.limits.swap);
}

function release({ connection }: ActivePlugin | SuspendedPlugin, parts: KernelParts): void {
  connection.registrations.release();
  parts.lanes.direct(connection);
}
