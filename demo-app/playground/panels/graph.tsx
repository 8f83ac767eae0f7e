/** Plugins as a graph: what depends on, needs and wraps what, and the calls that go on now. */
import { useEffect, useState } from 'preact/hooks';
import { type Edge, type Graph, graphOf, type Layout, type Node } from '../model/graph.ts';
import { plainText } from '../model/show-value.ts';
import { useChanges } from '../model/store.ts';
import { messageOf } from '../parts/action.tsx';
import { addressOf } from '../parts/address.ts';
import { useInspector } from '../parts/context.ts';
import { GraphTables } from './graph-tables.tsx';

interface Place {
  readonly x: number;
  readonly y: number;
}

/** The whole panel. */
export function GraphPanel() {
  const { kernel, plugins, traffic } = useInspector();
  useChanges(plugins);
  useChanges(traffic.changes);
  const graph = graphOf(kernel, traffic.flows());
  const shape = JSON.stringify([
    graph.nodes.map(({ id }) => id),
    graph.edges.map(({ key }) => key),
  ]);
  const [layout, setLayout] = useState<Layout>();
  const [failure, setFailure] = useState<string>();
  // A layout depends on the shape alone
  useEffect(() => {
    let current = true;
    import('../model/layout.ts')
      .then(({ layoutOf }) => current && setLayout(layoutOf(graph)))
      .catch((error) => current && setFailure(messageOf(error)));
    return () => {
      current = false;
    };
  }, [shape]);
  if (failure !== undefined) return <p class="problem">The graph can't be drawn: {failure}</p>;
  if (layout === undefined) return <p class="hint">Drawing…</p>;
  return (
    <>
      <ul class="legend hint">
        <li data-kind="depends">depends on a plugin</li>
        <li data-kind="needs">needs a contract</li>
        <li data-kind="wraps">wraps or hooks</li>
        <li data-kind="calls">calls, with their number a second</li>
      </ul>
      <section class="panel graph" tabIndex={0} aria-label="Graph">
        <Drawing graph={graph} layout={layout} />
      </section>
      <GraphTables graph={graph} />
    </>
  );
}

/** The picture. Its plugins are links to their cards, in the order of the list. */
function Drawing({ graph, layout }: { readonly graph: Graph; readonly layout: Layout }) {
  const { nodes, edges } = graph;
  return (
    <svg viewBox={`0 0 ${layout.width} ${layout.height}`} style={{ width: `${layout.width}px` }}>
      <title>{`Graph of ${nodes.length} plugins and ${edges.length} relations`}</title>
      <defs>
        <marker
          id="arrow"
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="10"
          markerHeight="10"
          orient="auto"
          markerUnits="userSpaceOnUse"
        >
          <path d="M0 0 8 4 0 8z" />
        </marker>
      </defs>
      {edges.map((edge) => (
        <Line key={edge.key} edge={edge} place={layout.edges.get(edge.key)} />
      ))}
      {nodes.map((node) => (
        <Box key={node.id} node={node} place={layout.nodes.get(node.id)} />
      ))}
    </svg>
  );
}

function Line({
  edge: { from, to, kind, total, perSecond },
  place,
}: {
  readonly edge: Edge;
  readonly place: (Place & { readonly path: string }) | undefined;
}) {
  if (place === undefined) return null;
  return (
    <g class="edge" data-kind={kind} data-live={perSecond > 0} data-edge={`${from} ${to}`}>
      <path d={place.path} marker-end="url(#arrow)" />
      {total > 0 && (
        <text x={place.x} y={place.y}>
          {perSecond.toFixed(1)}/s
        </text>
      )}
    </g>
  );
}

function Box({ node, place }: { readonly node: Node; readonly place: Place | undefined }) {
  if (place === undefined) return null;
  const { id, name, state, detail } = node;
  const box = (
    <g
      class="node"
      data-state={state}
      data-node={id}
      transform={`translate(${place.x} ${place.y})`}
    >
      <title>{plainText(id, 80)}</title>
      <rect x={-84} y={-26} width={168} height={52} rx={8} />
      <text y={-3}>{plainText(name, 22)}</text>
      <text y={15} class="small">
        {plainText(`${state}${detail}`, 28)}
      </text>
    </g>
  );
  // The application has no card.
  if (state === 'host') return box;
  return <a href={addressOf('plugins', id)}>{box}</a>;
}
