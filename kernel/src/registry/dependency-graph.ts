/** Who needs whom: ranges, what is missing, cycles with their whole path, and the levels that may start in parallel. */
import { compareVersions, createError, isStable, type Manifest, type PluginError, parseContractId, parseNeed, satisfies } from '@plinth/sdk/contract';

/** What the graph has to know of a plugin. */
export interface GraphNode {
  /** Unique; several versions of one plugin differ in it. */
  readonly key: string;
  readonly id: string;
  readonly version: string;
  readonly manifest: Manifest;
}

/** A plugin's place, or why it has none. */
export type Resolution = { readonly ok: true; readonly dependencies: readonly string[]; readonly level: number } | { readonly ok: false; readonly error: PluginError };

/** A plugin while the graph is worked on. */
interface Vertex {
  readonly node: GraphNode;
  /** Whom it needs. */
  edges: readonly Vertex[];
  /** How many of them, the first ones, it can't do without. The others only tell the order: they are dropped when they close a cycle or lead to a plugin that can't run. */
  hard: number;
  /** The next edge to look at, while what is below this one is visited. */
  cursor: number;
  state: 'new' | 'on path' | 'done';
  resolution: Resolution | undefined;
}

/**
 * Resolves a set of plugins against each other; of several versions of a dependency the highest stable one that fits is
 * taken. Pure; no recursion, because chains may be thousands of plugins long. Answers by key.
 */
export function resolveGraph(nodes: readonly GraphNode[]): ReadonlyMap<string, Resolution> {
  const vertices = nodes.map((node): Vertex => ({ node, edges: [], hard: 0, cursor: 0, state: 'new', resolution: undefined }));
  const catalogue = catalogueOf(vertices);
  for (const vertex of vertices) {
    const error = connect(vertex, catalogue);
    if (error !== undefined) vertex.resolution = { ok: false, error };
  }
  for (const vertex of orderOf(vertices)) vertex.resolution ??= place(vertex);
  const resolutions = new Map<string, Resolution>();
  for (const { node, resolution } of vertices) resolutions.set(node.key, resolution as Resolution);
  return resolutions;
}

/** A plugin's place, when everything below it has one. */
function place({ node, edges, hard }: Vertex): Resolution {
  let level = 0;
  const dependencies: string[] = [];
  for (let at = 0; at < edges.length; at++) {
    const to = edges[at] as Vertex;
    const below = to.resolution;
    if (below?.ok) {
      if (!dependencies.includes(to.node.key)) dependencies.push(to.node.key);
      if (below.level >= level) level = below.level + 1;
    } else if (at < hard && below !== undefined) return { ok: false, error: dependencyFailed(node.id, to.node.id, below.error) };
  }
  return { ok: true, dependencies, level };
}

/** The error of a plugin whose dependency can't run: names the whole chain down to the cause. */
export function dependencyFailed(id: string, dependency: string, cause: PluginError | Error): PluginError {
  const below = (cause as PluginError).code === 'plugin/dependency-failed' ? ((cause as PluginError).details.path as readonly string[]) : [dependency];
  const path = [id, ...below];
  const root = rootCause(cause);
  const fate = (root as PluginError).code === 'plugin/unavailable' ? 'is not there' : 'failed';
  return createError('plugin/dependency-failed', `cannot start ${id}: ${path.at(-1)} ${fate} (${path.join(' → ')}): ${root.message}`, { plugin: id, details: { path }, cause });
}

function rootCause(error: Error): Error {
  return (error as PluginError).code === 'plugin/dependency-failed' && error.cause instanceof Error ? rootCause(error.cause) : error;
}

/** Who there is: plugins by id, and providers by contract base id, the best version first. */
interface Catalogue {
  readonly plugins: Lists<Vertex>;
  readonly providers: Lists<Provider>;
}

interface Provider {
  readonly vertex: Vertex;
  readonly major: number;
}

/** Lists by name, of which most have one item: those cost no array. */
class Lists<T> {
  readonly #first = new Map<string, T>();
  readonly #all = new Map<string, T[]>();

  add(name: string, one: T): void {
    const first = this.#first.get(name);
    if (first === undefined) {
      this.#first.set(name, one);
      return;
    }
    const all = this.#all.get(name);
    if (all === undefined) this.#all.set(name, [first, one]);
    else all.push(one);
  }

  sort(compare: (a: T, b: T) => number): void {
    for (const all of this.#all.values()) all.sort(compare);
  }

  find(name: string, fits: (one: T) => boolean): T | undefined {
    const all = this.#all.size === 0 ? undefined : this.#all.get(name);
    if (all !== undefined) return all.find(fits);
    const first = this.#first.get(name);
    return first !== undefined && fits(first) ? first : undefined;
  }

  all(name: string): readonly T[] {
    const first = this.#first.get(name);
    return first === undefined ? [] : (this.#all.get(name) ?? [first]);
  }
}

function catalogueOf(vertices: readonly Vertex[]): Catalogue {
  const plugins = new Lists<Vertex>();
  const providers = new Lists<Provider>();
  for (const vertex of vertices) {
    plugins.add(vertex.node.id, vertex);
    for (const { base, major } of wishesOf(vertex.node.manifest).provides) providers.add(base, { vertex, major });
  }
  plugins.sort((a, b) => bestFirst(a.node, b.node));
  providers.sort((a, b) => (a.vertex.node.id === b.vertex.node.id ? bestFirst(a.vertex.node, b.vertex.node) : 0));
  return { plugins, providers };
}

/** What a manifest says of others, taken apart. */
interface Wishes {
  readonly dependencies: readonly (readonly [id: string, range: string])[];
  readonly optional: readonly (readonly [id: string, range: string])[];
  readonly needs: readonly { readonly base: string; readonly range: string }[];
  readonly provides: readonly { readonly base: string; readonly major: number }[];
}

/** Manifests never change, and are resolved anew with each plugin that comes or goes. */
const wishes = new WeakMap<Manifest, Wishes>();

function wishesOf(manifest: Manifest): Wishes {
  let known = wishes.get(manifest);
  if (known === undefined) {
    known = {
      dependencies: Object.entries(manifest.dependencies),
      optional: Object.entries(manifest.optionalDependencies),
      needs: manifest.needs.map((need) => parseNeed(need) as Wishes['needs'][number]),
      provides: (manifest.provides ?? []).map((provided) => parseContractId(provided) as Wishes['provides'][number]),
    };
    wishes.set(manifest, known);
  }
  return known;
}

/** Stable versions before pre-releases, higher ones before lower ones. */
function bestFirst(a: GraphNode, b: GraphNode): number {
  return Number(isStable(b.version)) - Number(isStable(a.version)) || compareVersions(b.version, a.version);
}

/** Finds a plugin's edges; answers why it can't have them. */
function connect(vertex: Vertex, { plugins, providers }: Catalogue): PluginError | undefined {
  const edges: Vertex[] = [];
  const { id, manifest } = vertex.node;
  const { dependencies, optional, needs } = wishesOf(manifest);
  for (const [to, range] of dependencies) {
    const found = plugins.find(to, ({ node }) => satisfies(node.version, range));
    if (found === undefined) {
      const known = plugins.all(to).map(({ node }) => `${to}@${node.version}`);
      return unsatisfied(id, to, range, known.length === 0 ? undefined : known);
    }
    edges.push(found);
  }
  const hard = edges.length;
  for (const [to, range] of optional) {
    const found = plugins.find(to, ({ node }) => satisfies(node.version, range));
    if (found !== undefined) edges.push(found);
  }
  for (const { base, range } of needs) {
    const fits = ({ major }: Provider) => satisfies(`${major}.0.0`, range);
    // The same version that a dependency on its plugin has chosen, when that one provides it.
    const provider = providers.find(base, (one) => fits(one) && edges.includes(one.vertex)) ?? providers.find(base, fits);
    // Whether a need may be absent is written in the code; the manifest only tells the order when somebody is there.
    if (provider !== undefined && provider.vertex.node.id !== id) edges.push(provider.vertex);
    else if (provider === undefined) {
      const known = providers.all(base).map(({ major }) => `${base}@${major}`);
      if (known.length > 0) return unsatisfied(id, base, range, known);
    }
  }
  vertex.edges = edges;
  vertex.hard = hard;
  return undefined;
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
function orderOf(vertices: readonly Vertex[]): readonly Vertex[] {
  const order: Vertex[] = [];
  for (const start of vertices) {
    if (start.state === 'done') continue;
    start.state = 'on path';
    const path = [start];
    for (let vertex = path.at(-1); vertex !== undefined; vertex = path.at(-1)) {
      const to = vertex.edges[vertex.cursor];
      if (to === undefined) {
        vertex.state = 'done';
        order.push(vertex);
        path.pop();
      } else if (to.state === 'done') {
        // The cursor stays on an edge while what is below it is visited.
        vertex.cursor += 1;
      } else if (to.state === 'new') {
        to.state = 'on path';
        path.push(to);
      } else breakCycle(path, to);
    }
  }
  return order;
}

/** The last vertex of a path leads back to one of its own: drops a soft edge of that cycle, or fails its members. */
function breakCycle(path: Vertex[], back: Vertex): void {
  const from = path.indexOf(back);
  const cycle = path.slice(from);
  const softAt = cycle.findLastIndex(({ cursor, hard }) => cursor >= hard);
  if (softAt === -1) {
    markCycle(cycle);
    (path.at(-1) as Vertex).cursor += 1;
    return;
  }
  // Back to where the soft edge starts: what was below it is visited again from another side.
  const start = cycle[softAt] as Vertex;
  start.edges = start.edges.toSpliced(start.cursor, 1);
  for (const dropped of path.splice(from + softAt + 1)) {
    dropped.state = 'new';
    dropped.cursor = 0;
  }
}

function markCycle(cycle: readonly Vertex[]): void {
  const ids = cycle.map(({ node }) => node.id);
  for (const [index, vertex] of cycle.entries()) {
    vertex.resolution = { ok: false, error: cycleFailed('resolve', [...ids.slice(index), ...ids.slice(0, index), ids[index] as string]) };
  }
}

/** The error of a plugin that leads back to itself; the path begins and ends with it. */
export function cycleFailed(operation: 'resolve' | 'start', path: readonly string[]): PluginError {
  const id = path[0] as string;
  return createError('plugin/cycle', `cannot ${operation} ${id}: its dependencies form a cycle (${path.join(' → ')})`, { plugin: id, details: { path } });
}
