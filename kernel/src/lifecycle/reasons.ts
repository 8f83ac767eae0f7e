/** Why a plugin is paused. */
import type { PluginError } from '@plinth/sdk/contract';
import { isAsleep } from '../plugin/record.js';
import type { Core } from './core.js';
import { refusalOf } from './suspend.js';

/** What keeps a paused plugin from going on: a limit, or what it needs and what is wrong with it. */
export function blameFor({ registry, relations }: Core, key: string): PluginError | undefined {
  const plugin = registry.plugin(key);
  const record = plugin?.record;
  if (plugin !== undefined && record?.state === 'suspended' && record.reason === 'limit')
    return refusalOf(plugin.intent.pausedBy)?.();
  if (record?.state !== 'suspended' || isAsleep(record)) return undefined;
  const lost = relations.lost(record);
  return lost === undefined ? undefined : relations.why.blame(record, lost);
}

/** One part of a sentence for each pause that says why. */
export function pausedFor({ registry }: Core, key: string): readonly string[] {
  const pauses = registry.plugin(key)?.intent.pausedBy.values() ?? [];
  return [...pauses].flatMap(({ because }) => because?.() ?? []);
}
