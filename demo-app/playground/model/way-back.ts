/** Which plugins can be rolled back, and to what: read from the audit, which outlives the page. */
import type { AuditEntry } from '@plinth/kernel/audit';

/** The version that an update has replaced, by `id@version` of the one that is there. */
export type WaysBack = ReadonlyMap<string, string>;

type Fact = Pick<AuditEntry, 'topic' | 'plugin' | 'facts'>;

/** Entries are given the oldest first. */
export function waysBack(entries: Iterable<Fact>): WaysBack {
  const ways = new Map<string, string>();
  for (const { topic, plugin, facts } of entries) {
    if (plugin === undefined) continue;
    const version = text(facts.version);
    const from = text(facts.from);
    if (topic === 'plugin:updated' && version !== undefined && from !== undefined) {
      ways.set(`${plugin}@${version}`, from);
      // Only the last way back is kept.
      ways.delete(`${plugin}@${from}`);
    } else if (topic === 'plugin:rolled-back') ways.delete(`${plugin}@${from}`);
    else if (topic === 'plugin:uninstalled')
      for (const key of [...ways.keys()]) if (key.startsWith(`${plugin}@`)) ways.delete(key);
  }
  return ways;
}

const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
