/** Which plugins are to be looked at when one has changed. */
import type { Plugin } from '../plugin/plugin.js';
import type { PluginRecord } from '../plugin/record.js';
import { idOf } from '../registry/key.js';
import type { PluginRegistry } from '../registry/plugin-registry.js';
import { mandatory, type Need } from './needs.js';
import type { Relations } from './relations.js';

/**
 * Plugins whose steps may depend on what has changed about a plugin: those below it once it isn't
 * active any more, because they leave after it; and all that stand above it, where others can or
 * can't rely on it any more.
 */
export function touched(
  plugin: Plugin,
  registry: PluginRegistry,
  relations: Relations,
): ReadonlySet<Plugin> {
  const { record } = plugin;
  const found = new Set<Plugin>();
  if ('statics' in record) plugin.provided = record.statics.provides;
  const active = record.state === 'active';
  // What its code needed isn't known any more once it has ended.
  if (plugin.active && !active)
    for (const other of registry.live())
      if (!('statics' in record) || isBelow(other, record, mandatory(record))) found.add(other);
  plugin.active = active;
  const there = relations.isThere(record.key);
  if (there === plugin.there) return found;
  plugin.there = there;
  const live = [...registry.live()];
  const changed = [plugin];
  for (let one = changed.pop(); one !== undefined; one = changed.pop())
    for (const other of live) {
      if (found.has(other) || !mayNeed(other.record, one)) continue;
      found.add(other);
      changed.push(other);
    }
  return found;
}

function isBelow(
  { record: { id }, provided }: Plugin,
  above: PluginRecord,
  needed: readonly Need[],
): boolean {
  // Another version than the one that the graph prefers may be the one that runs.
  return (
    ('dependencies' in above && above.dependencies.some((key) => idOf(key) === id)) ||
    needed.some(({ base, contract }) => base === id || provided.includes(contract))
  );
}

/** Whether no active plugin stands above one that would lose it. */
export function isUppermost(
  plugin: Plugin,
  registry: PluginRegistry,
  relations: Relations,
): boolean {
  const { key } = plugin.record;
  const level = 'level' in plugin.record ? plugin.record.level : 0;
  // Most plugins have none, which is quickly known.
  for (const { record } of registry.live())
    if (record.state === 'active' && record.level > level && mayNeed(record, plugin))
      return relations
        .dependants(key)
        .every((other) => other.state !== 'active' || other.level <= level);
  return true;
}

/** Whether a plugin may lack or get something when another one goes or comes. */
function mayNeed(record: PluginRecord, { record: { id }, provided }: Plugin): boolean {
  if (record.state === 'failed') return true;
  if (!('statics' in record)) return false;
  return (
    Object.hasOwn(record.manifest.dependencies, id) ||
    mandatory(record).some(({ base, contract }) => base === id || provided.includes(contract))
  );
}
