/** Resolves which plugins need which: ranges, gaps, cycles with their path, parallel levels. */
import { createError, type PluginError, satisfies } from '@plinth/sdk/contract';
import { type Catalogue, catalogueOf, type Provider, wishesOf } from './catalogue.js';
import type { GraphNode, MayProvide, Resolution, Vertex, WhyNot } from './graph-node.js';

/**
 * Resolves a set of plugins against each other, to the highest stable version that fits. Pure, and
 * without recursion, because chains may be thousands of plugins long. Answers by key.
 */
export function resolveGraph(
  nodes: readonly GraphNode[],
  mayProvide: MayProvide = () => true,
  whyNot?: WhyNot,
): ReadonlyMap<string, Resolution> {
  const vertices = nodes.map(
    (node): Vertex => ({
      node,
      edges: [],
      hard: 0,
      cursor: 0,
      state: 'new',
      resolution: undefined,
    }),
  );
  const catalogue = catalogueOf(vertices, mayProvide);
  for (const vertex of vertices) {
    const error = connect(vertex, catalogue, whyNot);
    if (error !== undefined) vertex.resolution = { ok: false, error };
  }
  for (const vertex of orderOf(vertices)) vertex.resolution ??= place(vertex);
  const resolutions = new Map<string, Resolution>();
  for (const { node, resolution } of vertices) resolutions.set(node.key, resolution as Resolution);
  return resolutions;
}

/** A plugin's place, once everything below it has one. */
function place({ node, edges, hard }: Vertex): Resolution {
  let level = 0;
  const dependencies: string[] = [];
  for (let at = 0; at < edges.length; at++) {
    const to = edges[at] as Vertex;
    const below = to.resolution;
    if (below?.ok) {
      if (!dependencies.includes(to.node.key)) dependencies.push(to.node.key);
      if (below.level >= level) level = below.level + 1;
    } else if (at < hard && below !== undefined)
      return { ok: false, error: dependencyFailed(node.id, to.node.id, below.error) };
  }
  return { ok: true, dependencies, level };
}

/**
 * The error of a plugin whose dependency can't run. It names the whole chain down to the cause.
 *
 * @param contract what it lacks, where any provider of that would do.
 */
export function dependencyFailed(
  id: string,
  dependency: string,
  cause: PluginError | Error,
  contract?: string,
): PluginError {
  const below =
    (cause as PluginError).code === 'plugin/dependency-failed'
      ? ((cause as PluginError).details.path as readonly string[])
      : [dependency];
  const path = [id, ...below];
  const root = rootCause(cause);
  const fate = (root as PluginError).code === 'plugin/unavailable' ? 'is not there' : 'failed';
  return createError(
    'plugin/dependency-failed',
    `cannot start ${id}: ${path.at(-1)} ${fate} (${path.join(' → ')}): ${root.message}`,
    { plugin: id, details: { path, ...(contract !== undefined && { contract }) }, cause },
  );
}

function rootCause(error: Error): Error {
  return (error as PluginError).code === 'plugin/dependency-failed' && error.cause instanceof Error
    ? rootCause(error.cause)
    : error;
}

/** Finds a plugin's edges. Answers why it can't have them. */
function connect(
  vertex: Vertex,
  { plugins, providers }: Catalogue,
  whyNot: WhyNot | undefined,
): PluginError | undefined {
  const edges: Vertex[] = [];
  const { id, manifest } = vertex.node;
  const { dependencies, optionalDependencies } = manifest;
  for (const to of Object.keys(dependencies)) {
    const range = dependencies[to] as string;
    const found = plugins.find(to, ({ node }) => satisfies(node.version, range));
    if (found === undefined) {
      const known = plugins.all(to).map(({ node }) => `${to}@${node.version}`);
      return unsatisfied(id, to, range, known.length === 0 ? undefined : known, whyNot?.(to));
    }
    edges.push(found);
  }
  const hard = edges.length;
  for (const to of Object.keys(optionalDependencies)) {
    const range = optionalDependencies[to] as string;
    const found = plugins.find(to, ({ node }) => satisfies(node.version, range));
    if (found !== undefined) edges.push(found);
  }
  for (const { base, range } of wishesOf(manifest).needs) {
    const suits = ({ major }: Provider) => satisfies(`${major}.0.0`, range);
    // A plugin doesn't serve itself.
    const fits = (one: Provider) => one.vertex.node.id !== id && suits(one);
    // The version that a dependency on the same plugin has chosen, when it provides the contract.
    const provider =
      providers.find(base, (one) => fits(one) && edges.includes(one.vertex)) ??
      providers.find(base, fits);
    // The code says if a need is optional. The manifest gives the order if there is a provider.
    if (provider !== undefined) edges.push(provider.vertex);
    else if (providers.find(base, suits) === undefined) {
      const known = providers.all(base).map(({ major }) => `${base}@${major}`);
      if (known.length > 0) return unsatisfied(id, base, range, known);
    }
  }
  vertex.edges = edges;
  vertex.hard = hard;
  return undefined;
}

function unsatisfied(
  id: string,
  to: string,
  range: string,
  found: readonly string[] | undefined,
  why = 'no plugin or host provides it',
): PluginError {
  const have = found === undefined ? why : `found ${found.join(', ')}`;
  return createError(
    'plugin/unsatisfied',
    `cannot resolve ${id}: needs ${to}@${range}, ${have} (${id} → ${to})`,
    {
      plugin: id,
      details: { needs: to, range, found: found ?? [], path: [id, to] },
    },
  );
}

/**
 * Orders every plugin after what it depends on. A cycle of dependencies fails each of its members.
 * A cycle with a soft edge only loses that edge.
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

/** A path's last vertex leads back to it. Drops a soft edge of the cycle, or fails its members. */
function breakCycle(path: Vertex[], back: Vertex): void {
  const from = path.indexOf(back);
  const cycle = path.slice(from);
  const softAt = cycle.findLastIndex(({ cursor, hard }) => cursor >= hard);
  if (softAt === -1) {
    markCycle(cycle);
    (path.at(-1) as Vertex).cursor += 1;
    return;
  }
  // Returns to where the soft edge starts. What was below it is visited again on another path.
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
    vertex.resolution = {
      ok: false,
      error: cycleFailed('resolve', [
        ...ids.slice(index),
        ...ids.slice(0, index),
        ids[index] as string,
      ]),
    };
  }
}

/** The error of a plugin that depends on itself. The path begins and ends with it. */
export function cycleFailed(operation: 'resolve' | 'start', path: readonly string[]): PluginError {
  const id = path[0] as string;
  return createError(
    'plugin/cycle',
    `cannot ${operation} ${id}: its dependencies form a cycle (${path.join(' → ')})`,
    { plugin: id, details: { path } },
  );
}
