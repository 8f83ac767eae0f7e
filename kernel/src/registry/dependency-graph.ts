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

/** One edge. */
interface Edge {
  readonly to: string;
  /** Whether it only tells the order: it is dropped when it closes a cycle or leads to a plugin that can't run. */
  readonly soft: boolean;
}

/** Resolves a set of plugins against each other. Pure; no recursion, because chains may be thousands of plugins long. */
export function resolveGraph(nodes: readonly GraphNode[]): ReadonlyMap<string, Resolution> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const providers = providersOf(nodes);
  const results = new Map<string, Resolution>();
  const edges = new Map<string, Edge[]>();
  for (const node of nodes) {
    const found = edgesOf(node, byId, providers);
    if ('error' in found) results.set(node.id, { ok: false, error: found.error });
    edges.set(node.id, 'error' in found ? [] : found.edges);
  }
  for (const id of orderOf(edges, results)) {
    if (!results.has(id)) results.set(id, place(id, edges.get(id) as Edge[], results));
  }
  return results;
}

/** A plugin's place, when everything below it has one. */
function place(id: string, edges: readonly Edge[], results: ReadonlyMap<string, Resolution>): Resolution {
  let level = 0;
  const dependencies = new Set<string>();
  for (const { to, soft } of edges) {
    const below = results.get(to);
    if (below?.ok) {
      dependencies.add(to);
      level = Math.max(level, below.level + 1);
    } else if (!soft && below !== undefined) return { ok: false, error: dependencyFailed(id, to, below.error) };
  }
  return { ok: true, dependencies: [...dependencies], level };
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

function edgesOf(node: GraphNode, byId: ReadonlyMap<string, GraphNode>, providers: ReturnType<typeof providersOf>): { readonly edges: Edge[] } | { readonly error: PluginError } {
  const edges: Edge[] = [];
  const { id, manifest } = node;
  for (const [to, range] of Object.entries(manifest.dependencies)) {
    const found = byId.get(to);
    if (found === undefined || !satisfies(found.version, range)) return { error: unsatisfied(id, to, range, found && [`${to}@${found.version}`]) };
    edges.push({ to, soft: false });
  }
  for (const [to, range] of Object.entries(manifest.optionalDependencies)) {
    const found = byId.get(to);
    if (found !== undefined && satisfies(found.version, range)) edges.push({ to, soft: true });
  }
  for (const need of manifest.needs) {
    const { base, range } = parseNeed(need) as { base: string; range: string };
    const known = providers.get(base) ?? [];
    const provider = known.find((one) => satisfies(`${one.major}.0.0`, range));
    // Whether a need may be absent is written in the code; the manifest only tells the order when somebody is there.
    if (provider !== undefined && provider.id !== id) edges.push({ to: provider.id, soft: true });
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

/**
 * Every plugin after what it depends on. A cycle of dependencies fails each of its members; one that holds a soft edge
 * only loses that edge.
 */
function orderOf(edges: ReadonlyMap<string, Edge[]>, results: Map<string, Resolution>): readonly string[] {
  const order: string[] = [];
  const done = new Set<string>();
  for (const start of edges.keys()) {
    if (done.has(start)) continue;
    const path: string[] = [start];
    const onPath = new Set(path);
    const cursors = [0];
    while (path.length > 0) {
      const id = path.at(-1) as string;
      const at = cursors.at(-1) as number;
      const edge = edges.get(id)?.[at];
      if (edge === undefined) {
        done.add(id);
        order.push(id);
        onPath.delete(id);
        path.pop();
        cursors.pop();
      } else if (done.has(edge.to)) {
        // The cursor stays on an edge while what is below it is visited.
        cursors[cursors.length - 1] = at + 1;
      } else if (onPath.has(edge.to)) {
        const from = path.indexOf(edge.to);
        const cycle = path.slice(from);
        const softAt = cycle.findLastIndex((member, index) => edges.get(member)?.[cursors[from + index] as number]?.soft);
        if (softAt === -1) {
          markCycle(cycle, results);
          cursors[cursors.length - 1] = at + 1;
          continue;
        }
        // Back to where the soft edge starts: what was below it is visited again from another side.
        const keep = from + softAt;
        edges.get(path[keep] as string)?.splice(cursors[keep] as number, 1);
        for (const dropped of path.splice(keep + 1)) onPath.delete(dropped);
        cursors.length = keep + 1;
      } else {
        path.push(edge.to);
        onPath.add(edge.to);
        cursors.push(0);
      }
    }
  }
  return order;
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
