/**
 * Resolving ten thousand plugins with thirty thousand dependencies, compared with a bare Kahn sort
 * over the same edges. This row imports an internal module, because the public API resolves only
 * installed plugins.
 */
import { createKernel, packageSource } from '@plinth/kernel';
import { resolveGraph } from '../../../kernel/dist/registry/dependency-graph.js';
import type { GraphNode, Resolution } from '../../../kernel/dist/registry/graph-node.js';
import { EDGES, MANY, sleepers } from '../many.ts';
import { milliseconds, type Outcomes, ratioFigure } from '../outcome.ts';
import type { Bench } from '../platform.ts';
import { medianOf, sideBySide, timeOf } from '../statistics.ts';

/**
 * Runs of one variant in a round, of which the median counts: one run is as short as a garbage
 * collection.
 */
const REPEATS = 5;
/** Runs until everything is compiled. */
const WARM_UP = 5;

type Edges = readonly (readonly [from: string, to: string])[];

export async function measureResolve10k({ rounds }: Bench): Promise<Outcomes> {
  const nodes = await parsedManifests();
  const edges: Edges = nodes.flatMap(({ id, manifest }) =>
    Object.keys(manifest.dependencies).map((to) => [id, to] as const),
  );
  if (edges.length !== EDGES) throw new Error(`there are ${edges.length} edges`);
  const resolve = () => resolveGraph(nodes);
  const sort = () => levelsOf(nodes, edges);
  for (let time = 0; time < WARM_UP; time++) checkLevels(resolve(), sort());
  const times = await sideBySide(
    rounds,
    () => medianTime(resolve),
    () => medianTime(sort),
  );
  return {
    time: { value: medianOf(times.plinth), rounds: times.plinth },
    ratio: ratioFigure(times.plinth, times.raw, milliseconds),
  };
}

/** Manifests as the kernel parses them. */
async function parsedManifests(): Promise<readonly GraphNode[]> {
  const kernel = await createKernel({
    sources: [packageSource(sleepers(MANY).map((manifest) => ({ manifest })))],
  });
  await kernel.start();
  const nodes = kernel.plugins
    .list()
    .flatMap(({ id, version, manifest }) =>
      version === undefined || manifest === undefined
        ? []
        : [{ key: `${id}@${version}`, id, version, manifest }],
    );
  await kernel.stop();
  return nodes;
}

async function medianTime(work: () => unknown): Promise<number> {
  const times: number[] = [];
  for (let time = 0; time < REPEATS; time++) times.push(await timeOf(async () => work()));
  return medianOf(times);
}

/** Kahn's algorithm only: the level of each plugin, 0 without dependencies. */
function levelsOf(
  nodes: readonly { readonly id: string }[],
  edges: Edges,
): ReadonlyMap<string, number> {
  const places = new Map(
    nodes.map(({ id }) => [id, { id, missing: 0, level: 0, above: [] as string[] }]),
  );
  const placeOf = (id: string) =>
    places.get(id) as {
      readonly id: string;
      missing: number;
      level: number;
      readonly above: string[];
    };
  for (const [from, to] of edges) {
    placeOf(from).missing += 1;
    placeOf(to).above.push(from);
  }
  const levels = new Map<string, number>();
  const ready = [...places.values()].filter(({ missing }) => missing === 0);
  for (let place = ready.pop(); place !== undefined; place = ready.pop()) {
    levels.set(place.id, place.level);
    for (const id of place.above) {
      const above = placeOf(id);
      above.level = Math.max(above.level, place.level + 1);
      above.missing -= 1;
      if (above.missing === 0) ready.push(above);
    }
  }
  return levels;
}

function checkLevels(
  resolved: ReadonlyMap<string, Resolution>,
  levels: ReadonlyMap<string, number>,
): void {
  if (resolved.size !== MANY || levels.size !== MANY)
    throw new Error(`the kernel placed ${resolved.size} plugins, the sort ${levels.size}`);
  for (const [id, found] of resolved) {
    if (!found.ok || found.level !== levels.get(id.slice(0, id.lastIndexOf('@'))))
      throw new Error(
        `the kernel placed ${id} at ${found.ok ? found.level : found.error.message}, the sort at ${levels.get(id)}`,
      );
  }
}
