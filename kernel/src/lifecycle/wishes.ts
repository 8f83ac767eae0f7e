/** Tells plugins with optional needs which providers are available. */
import type { Plugin } from '../plugin/plugin.js';
import { isAsleep } from '../plugin/record.js';
import type { Relations } from './relations.js';
import type { Stages } from './stages.js';

/** Tells each guest what has changed since it was last told. */
export function tellWishes(
  plugins: Iterable<Plugin>,
  relations: Relations,
  { limits, services }: Pick<Stages, 'limits' | 'services'>,
): void {
  let provided: ReadonlySet<string> | undefined;
  for (const plugin of plugins) {
    const { record } = plugin;
    if ((record.state !== 'active' && record.state !== 'suspended') || isAsleep(record)) continue;
    if (!record.statics.needs.some((need) => need.optional)) continue;
    provided ??= relations.provided();
    const available = relations.metNeeds(record, provided);
    const before = plugin.told;
    if (before === available.join()) continue;
    plugin.told = available.join();
    record.connection.ask('needs', limits.hook, available).catch(() => {});
    // A guest that has just started was given them before its activation.
    if (before !== undefined)
      services.reporting.announce('need:changed', {
        id: record.id,
        version: record.version,
        available,
      });
  }
}
