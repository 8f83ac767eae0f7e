/** Stage 3: finds what each plugin needs and what it may do. Pure. */
import type { Grants } from '../permissions/grants.js';
import type { ResolvedPlugin, ValidatedPlugin } from '../plugin/record.js';
import { resolveGraph } from '../registry/dependency-graph.js';
import type { WhyNot } from '../registry/graph-node.js';

/** Every plugin by key: either resolved, or the reason why not. */
export type ResolveResult = ReadonlyMap<string, ResolvedPlugin | Error>;

/** Resolves plugins against each other. */
export function resolve(
  records: readonly ValidatedPlugin[],
  grants: Grants,
  whyNot?: WhyNot,
): ResolveResult {
  const graph = resolveGraph(
    records,
    (manifest, contract) => grants.mayProvide(manifest, contract),
    whyNot,
  );
  return new Map<string, ResolvedPlugin | Error>(
    records.map((record) => {
      const resolution = graph.get(record.key);
      if (resolution === undefined || !resolution.ok)
        return [
          record.key,
          resolution?.error ?? new Error('unreachable: the graph places every plugin'),
        ];
      const { dependencies, level } = resolution;
      return [
        record.key,
        {
          ...record,
          state: 'resolved',
          dependencies,
          level,
          grants: grants.of(record.manifest),
        } satisfies ResolvedPlugin,
      ];
    }),
  );
}
