/**
 * Hibernation: a plugin with nothing to do gives its state and its guest away. Its registrations stay in the kernel, and
 * what arrives for it waits there; the first such thing wakes it.
 */
import { putToSleep } from '../guests/dormant.js';
import type { Wake } from '../guests/registrations.js';
import type { KernelParts } from '../parts.js';
import { type ActivePlugin, asResolved, type AsleepPlugin, type SuspendedPlugin } from '../record.js';
import { askToStop } from './deactivate.js';
import { takeSnapshot } from './snapshot.js';

/**
 * Puts a plugin to sleep; undefined when it turned out to be busy, and then it goes on.
 *
 * @throws what made it impossible to take its state; it goes on then, too.
 */
export async function sleep(record: ActivePlugin, parts: KernelParts, wake: Wake): Promise<AsleepPlugin | undefined> {
  const { connection, activatedBy, since, statics } = record;
  const awake = () => {
    connection.registrations.release();
    parts.lanes.direct(connection);
  };
  await parts.lanes.detour(connection, parts.limits.swap);
  connection.registrations.hold();
  try {
    if (connection.busy) {
      awake();
      return undefined;
    }
    const snapshot = await takeSnapshot(connection, record, parts.limits.hook);
    if (connection.over) return undefined;
    // What it has begun while it was asked is cut off otherwise.
    if (connection.busy) {
      awake();
      return undefined;
    }
    const registrations = putToSleep(record, connection.registrations, parts, wake);
    return { ...asResolved(record), state: 'suspended', reason: 'idle', activatedBy, since, statics, snapshot, registrations };
  } catch (error) {
    awake();
    throw error;
  }
}

/** Ends the guest of a plugin that sleeps now. */
export async function endGuest(record: ActivePlugin | SuspendedPlugin, parts: KernelParts): Promise<void> {
  const { connection, scope } = record;
  connection.meter.letThrough();
  await askToStop(connection, parts).catch(() => {});
  await scope.dispose().catch(() => {});
  await connection.terminate();
}
