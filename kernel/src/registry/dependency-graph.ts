/** Who needs whom: ranges, what is missing, cycles with their whole path, and the levels that may start in parallel. */
import { createError, type Manifest, type PluginError, parseContractId, parseNeed, satisfies } from '@plinth/sdk/contract';

/** What the graph has to know of a plugin. */
export interface GraphNode {
  readonly id: string;
  readonly version: string;
  readonly manifest: Manifest;
}

/** A plugin's place, or why it has none. */
export type Resolution = { readonly ok: true; readonly dependencies: readonly string[]; readonly level: number } | { readonly ok: false; readonly error: PluginError };

/** One edge that must hold. */
interface Edge {
  readonly to: string;
  /** How it is written in the manifest, for messages: `b@^2`. */
  readonly wanted: string;
}

/** Resolves a set of plugins against each other. Pure. */
export function resolveGraph(nodes: readonly GraphNode[]): ReadonlyMap<string, Resolution> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const providers = providersOf(nodes);
  const results = new Map<string, Resolution>();
  const edges = new Map<string, readonly Edge[]>();
  for (const node of nodes) {
    const found = edgesOf(node, byId, providers);
    if ('error' in found) results.set(node.id, { ok: false, error: found.error });
    edges.set(node.id, 'error' in found ? [] : found.edges);
  }
  reportCycles(edges, results);
  const visit = (id: string): Resolution => {
    const known = results.get(id);
    if (known !== undefined) return known;
    const resolution = place(id, edges.get(id) ?? [], visit);
    results.set(id, resolution);
    return resolution;
  };
  for (const node of nodes) visit(node.id);
  return results;
}

function place(id: string, edges: readonly Edge[], visit: (id: string) => Resolution): Resolution {
  let level = 0;
  for (const edge of edges) {
    const below = visit(edge.to);
    if (!below.ok) return { ok: false, error: dependencyFailed(id, edge.to, below.error) };
    level = Math.max(level, below.level + 1);
  }
  return { ok: true, dependencies: [...new Set(edges.map((edge) => edge.to))], level };
}

/** The error of a plugin whose dependency can't run: names the whole chain down to the cause. */
export function dependencyFailed(id: string, dependency: string, cause: PluginError | Error): PluginError {
  const below = (cause as PluginError).code === 'plugin/dependency-failed' ? ((cause as PluginError).details.path as readonly string[]) : [dependency];
  const path = [id, ...below];
  const root = rootCause(cause);
  return createError('plugin/dependency-failed', `cannot start ${id}: ${path.at(-1)} failed (${path.join(' → ')}): ${root.message}`, { plugin: id, details: { path }, cause });
}

function rootCause(error: Error): Error {
  return (error as PluginError).code === 'plugin/dependency-failed' && error.cause instanceof Error ? rootCause(error.cause) : error;
}

/** Contract base id → majors and who provides them. */
function providersOf(nodes: readonly GraphNode[]): ReadonlyMap<string, readonly { readonly id: string; readonly major: number }[]> {
  const providers = new Map<string, { id: string; major: number }[]>();
  for (const { id, manifest } of nodes) {
    for (const provided of manifest.provides ?? []) {
      const { base, major } = parseContractId(provided) as { base: string; major: number };
      providers.set(base, [...(providers.get(base) ?? []), { id, major }]);
    }
  }
  return providers;
}

function edgesOf(
  node: GraphNode,
  byId: ReadonlyMap<string, GraphNode>,
  providers: ReturnType<typeof providersOf>,
): { readonly edges: readonly Edge[] } | { readonly error: PluginError } {
  const edges: Edge[] = [];
  const { id, manifest } = node;
  for (const [to, range] of Object.entries(manifest.dependencies)) {
    const found = byId.get(to);
    if (found === undefined || !satisfies(found.version, range)) return { error: unsatisfied(id, to, range, found && [`${to}@${found.version}`]) };
    edges.push({ to, wanted: `${to}@${range}` });
  }
  for (const [to, range] of Object.entries(manifest.optionalDependencies)) {
    const found = byId.get(to);
    if (found !== undefined && satisfies(found.version, range)) edges.push({ to, wanted: `${to}@${range}` });
  }
  for (const need of manifest.needs) {
    const { base, range } = parseNeed(need) as { base: string; range: string };
    const known = providers.get(base) ?? [];
    const provider = known.find((one) => satisfies(`${one.major}.0.0`, range));
    // Whether a need may be absent is written in the code; the manifest only tells the order when somebody is there.
    if (provider !== undefined && provider.id !== id) edges.push({ to: provider.id, wanted: need });
    else if (provider === undefined && known.length > 0)
      return {
        error: unsatisfied(
          id,
          base,
          range,
          known.map((one) => `${base}@${one.major}`),
        ),
      };
  }
  return { edges };
}

function unsatisfied(id: string, to: string, range: string, found: readonly string[] | undefined): PluginError {
  const have = found === undefined ? 'nobody provides it' : `found ${found.join(', ')}`;
  return createError('plugin/unsatisfied', `cannot resolve ${id}: needs ${to}@${range}, ${have} (${id} → ${to})`, {
    plugin: id,
    details: { needs: to, range, found: found ?? [], path: [id, to] },
  });
}

function reportCycles(edges: ReadonlyMap<string, readonly Edge[]>, results: Map<string, Resolution>): void {
  const done = new Set<string>();
  for (const start of edges.keys()) {
    if (done.has(start)) continue;
    // An explicit stack: a chain of ten thousand plugins must not overflow the call stack.
    const path: string[] = [start];
    const onPath = new Set(path);
    const cursors = [0];
    while (path.length > 0) {
      const id = path.at(-1) as string;
      const edge = edges.get(id)?.[cursors.at(-1) as number];
      if (edge === undefined) {
        done.add(id);
        onPath.delete(id);
        path.pop();
        cursors.pop();
        continue;
      }
      cursors[cursors.length - 1] = (cursors.at(-1) as number) + 1;
      if (onPath.has(edge.to)) markCycle(path.slice(path.indexOf(edge.to)), results);
      else if (!done.has(edge.to)) {
        path.push(edge.to);
        onPath.add(edge.to);
        cursors.push(0);
      }
    }
  }
}

function markCycle(cycle: readonly string[], results: Map<string, Resolution>): void {
  for (const [index, id] of cycle.entries()) {
    const path = [...cycle.slice(index), ...cycle.slice(0, index), id];
    results.set(id, {
      ok: false,
      error: createError('plugin/cycle', `cannot resolve ${id}: its dependencies form a cycle (${path.join(' → ')})`, { plugin: id, details: { path } }),
    });
  }
}
