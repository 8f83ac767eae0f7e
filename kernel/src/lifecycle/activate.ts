/**
 * Stage 6: activates the plugin. When this is done, everything that it registers is in the kernel.
 */
import type { ActivePlugin, InitializedPlugin } from '../plugin/record.js';
import type { Snapshot } from '../plugin/snapshot.js';
import { hookFailed } from './failures.js';
import type { Stages } from './stages.js';

/** @throws what the plugin threw, or PluginTimeoutError `plugin/timeout`. */
export async function activate(
  record: InitializedPlugin,
  activatedBy: string,
  available: readonly string[],
  snapshot: Snapshot | undefined,
  { limits, services }: Pick<Stages, 'limits' | 'services'>,
): Promise<ActivePlugin> {
  const { connection } = record;
  const began = performance.now();
  // One message takes all of it to the guest, which does one after the other.
  const told = record.statics.needs.some((need) => need.optional)
    ? connection.begin('needs', available)
    : undefined;
  const restored =
    snapshot !== undefined && connection.has('restoreState')
      ? connection.begin('restoreState', snapshot.state, snapshot.fromVersion)
      : undefined;
  const activated = connection.begin('activate');
  await told?.(limits.hook);
  await restored?.(limits.hook).catch((cause: unknown) => {
    throw hookFailed(record.id, 'restoreState', cause);
  });
  await activated(limits.activate);
  for (const contract of connection.unanswered)
    services.reporting.log.write(
      'kernel',
      'warn',
      `${record.id} lists '${contract}' in 'provides' of its manifest, and answers nothing of it`,
      { plugin: record.id },
    );
  const phases = { ...record.phases, activate: performance.now() - began };
  return { ...record, state: 'active', activatedBy, since: Date.now(), phases };
}
