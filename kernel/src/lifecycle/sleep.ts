/**
 * Hibernation: an idle plugin gives up its state and its guest. Its registrations stay in the
 * kernel, and calls and events for it wait there. The first of them wakes it.
 */
import { standInFor } from '../guests/dormant.js';
import type { Wake } from '../guests/mailbox.js';
import {
  type ActivePlugin,
  type AsleepPlugin,
  asResolved,
  type SuspendedPlugin,
} from '../plugin/record.js';
import type { Snapshot } from '../plugin/snapshot.js';
import { askToStop } from './deactivate.js';
import { takeSnapshot } from './snapshot.js';
import type { Stages } from './stages.js';

/** A plugin that sleeps, and the state that it left. */
export interface Asleep {
  readonly record: AsleepPlugin;
  readonly snapshot: Snapshot | undefined;
}

/**
 * Puts a plugin to sleep. Answers undefined when the plugin is busy, and it then stays active.
 *
 * @throws the reason why its state can't be taken. The plugin then stays active, too.
 */
export async function sleep(
  record: ActivePlugin,
  parts: Pick<Stages, 'lanes' | 'limits' | 'services'>,
  wake: Wake,
): Promise<Asleep | undefined> {
  const { connection, activatedBy, since, statics } = record;
  const awake = () => {
    connection.mailbox.release('sleep');
    parts.lanes.direct(connection);
  };
  await parts.lanes.detour(connection, parts.limits.swap);
  connection.mailbox.hold('sleep');
  try {
    if (connection.busy) {
      awake();
      return undefined;
    }
    const snapshot = await takeSnapshot(connection, record, parts.limits.hook);
    if (connection.over) return undefined;
    // Otherwise the work that it began while it was asked would be cut off.
    if (connection.busy) {
      awake();
      return undefined;
    }
    const registrations = standInFor(connection, connection.registrations, parts.services);
    connection.mailbox.hold('sleep', { onArrival: wake });
    return {
      snapshot,
      record: {
        ...asResolved(record),
        state: 'suspended',
        reason: 'idle',
        activatedBy,
        since,
        statics,
        registrations,
      },
    };
  } catch (error) {
    awake();
    throw error;
  }
}

/** Ends the guest of a plugin that sleeps now, or whose guest was replaced. */
export async function endGuest(
  record: ActivePlugin | SuspendedPlugin,
  reason: 'idle' | 'replace',
  parts: Pick<Stages, 'limits'>,
): Promise<void> {
  const { connection, scope } = record;
  connection.meter.letThrough();
  await askToStop(connection, reason, parts).catch(() => {});
  await scope.dispose().catch(() => {});
  await connection.terminate();
}
