/** Stage 3: find what each plugin needs, and what it may do. Pure. */
import { type PermissionPolicy, grantsOf } from '../permissions/broker.js';
import type { ResolvedPlugin, ValidatedPlugin } from '../record.js';
import { resolveGraph } from '../registry/dependency-graph.js';

/** Every plugin, by key, either resolved or with the reason why not. */
export type ResolveResult = ReadonlyMap<string, ResolvedPlugin | Error>;

/** Resolves plugins against each other. */
export function resolve(records: readonly ValidatedPlugin[], permissions: PermissionPolicy | undefined): ResolveResult {
  const graph = resolveGraph(records);
  return new Map<string, ResolvedPlugin | Error>(
    records.map((record) => {
      const resolution = graph.get(record.key);
      if (resolution === undefined || !resolution.ok) return [record.key, resolution?.error ?? new Error('unreachable: the graph places every plugin')];
      const { dependencies, level } = resolution;
      return [record.key, { ...record, state: 'resolved', dependencies, level, grants: grantsOf(record.manifest, permissions) } satisfies ResolvedPlugin];
    }),
  );
}
