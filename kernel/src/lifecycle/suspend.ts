/** Pausing without losing the guest: the plugin's commands stay registered and its own work stops. */
import type { KernelParts } from '../parts.js';
import type { ActivePlugin, SuspendedPlugin } from '../record.js';

/** @throws what the plugin threw; it stays active then. */
export async function suspend(record: ActivePlugin, parts: KernelParts): Promise<SuspendedPlugin> {
  await record.connection.ask('suspend', parts.limits.hook);
  return { ...record, state: 'suspended' };
}

/** @throws what the plugin threw; it stays suspended then. */
export async function resume(record: SuspendedPlugin, parts: KernelParts): Promise<ActivePlugin> {
  await record.connection.ask('resume', parts.limits.hook);
  return { ...record, state: 'active' };
}
