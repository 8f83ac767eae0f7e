/** What all plugins of a tenant use together, and the most that they may. */
import { messageOf } from '@plinth/sdk/contract';
import type { Core } from '../../extension/core.js';
import { inTime } from '../../in-time.js';
import { isRunning } from '../../plugin/record.js';
import { amountOf, type PluginUsage, type TenantUsage } from './usage-data.js';

/** Milliseconds in which the storage must tell what is kept. */
const PATIENCE = 2_000;

/** Adds up what the plugins use, and says what isn't known. */
export async function tenantUsageOf(
  core: Core,
  plugins: readonly PluginUsage[],
): Promise<TenantUsage> {
  const { limits } = core.together;
  const unknown: Record<string, string> = {};
  const stored = await inTime(
    core.together.stored(),
    PATIENCE,
    'the storage does not answer',
  ).catch((error: unknown) => {
    unknown['storage'] = messageOf(error);
    return undefined;
  });
  const running = core.registry.all().filter((record) => isRunning(record));
  const told = plugins.flatMap(({ memory }) => memory?.used ?? []);
  const silent = plugins.filter(({ isolation, memory }) => isolation !== undefined && !memory);
  for (const { id, unknown: why } of silent.slice(0, 1))
    unknown['memory'] = `${silent.length} of ${running.length} guests, as ${id}: ${why['memory']}`;
  const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);
  return {
    tenant: core.tenant,
    plugins: { installed: plugins.length, running: running.length },
    // Nothing at all is known where no guest tells.
    ...((told.length > 0 || silent.length === 0) && { memory: amountOf(sum(told), limits.memory) }),
    ...(stored !== undefined && { storage: amountOf(stored, limits.storage) }),
    calls: amountOf(sum(plugins.map(({ calls }) => calls.serving)), limits.calls),
    ...(Number.isFinite(limits.messages) && {
      messages: amountOf(core.together.messages(), limits.messages),
    }),
    answered: sum(plugins.map(({ calls }) => calls.answered)),
    failed: sum(plugins.map(({ calls }) => calls.failed)),
    unknown,
  };
}
