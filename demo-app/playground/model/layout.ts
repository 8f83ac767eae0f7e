/** Places a graph in layers, from the callers down. Loaded with the first graph that is drawn. */
import { graphlib, layout } from '@dagrejs/dagre';
import type { Graph, Layout } from './graph.ts';

const WIDTH = 168;
const HEIGHT = 52;

/** The name of a plugin in the graph of the library, which takes ids like `constructor` for known. */
const inside = (id: string) => `plugin ${id}`;

/** Places nodes and edges. */
export function layoutOf({ nodes, edges }: Graph): Layout {
  const graph = new graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: 'TB', nodesep: 36, ranksep: 70, marginx: 12, marginy: 12 });
  for (const { id } of nodes) graph.setNode(inside(id), { width: WIDTH, height: HEIGHT });
  for (const { from, to, key } of edges)
    graph.setEdge(inside(from), inside(to), { width: 44, height: 16, labelpos: 'c' }, key);
  layout(graph);
  const size = graph.graph() as { readonly width?: number; readonly height?: number };
  return {
    width: Math.ceil(size.width ?? 0),
    height: Math.ceil(size.height ?? 0),
    nodes: new Map(
      nodes.map(({ id }) => {
        const { x, y } = graph.node(inside(id)) as Point;
        return [id, { x, y }];
      }),
    ),
    edges: new Map(
      graph.edges().map((edge) => {
        const { points, x, y } = graph.edge(edge) as Point & { readonly points: readonly Point[] };
        return [edge.name ?? '', { path: pathOf(points), x, y }];
      }),
    ),
  };
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** A smooth line: curves to the middle between two points, with the points as their handles. */
function pathOf(points: readonly Point[]): string {
  const [first, ...rest] = points;
  const last = rest.at(-1);
  if (first === undefined || last === undefined) return '';
  const curves = rest.slice(0, -1).map((point, index) => {
    const next = rest[index + 1] as Point;
    const end =
      index === rest.length - 2 ? next : { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 };
    return `Q${point.x} ${point.y} ${end.x} ${end.y}`;
  });
  return `M${first.x} ${first.y}${curves.length === 0 ? `L${last.x} ${last.y}` : curves.join('')}`;
}
