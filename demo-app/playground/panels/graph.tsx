/** Plugins as a graph: what needs and wraps what, and the calls that go on now. */
import { useEffect, useState } from 'preact/hooks';
import { graphOf, type Layout, type Node } from '../model/graph.ts';
import { plainText } from '../model/show-value.ts';
import { useChanges } from '../model/store.ts';
import { messageOf } from '../parts/action.tsx';
import { useInspector } from '../parts/context.ts';

/** The whole panel. */
export function GraphPanel() {
  const { kernel, plugins, traffic } = useInspector();
  useChanges(plugins);
  useChanges(traffic.changes);
  const graph = graphOf(kernel, traffic.flows());
  const shape = JSON.stringify([
    graph.nodes.map(({ id }) => id),
    graph.edges.map(({ from, to }) => [from, to]),
  ]);
  const [layout, setLayout] = useState<Layout>();
  const [failure, setFailure] = useState<string>();
  // A layout depends on the shape alone
  useEffect(() => {
    let current = true;
    import('../model/layout.ts').then(
      ({ layoutOf }) => current && setLayout(layoutOf(graph)),
      (error) => current && setFailure(messageOf(error)),
    );
    return () => {
      current = false;
    };
  }, [shape]);
  if (failure !== undefined) return <p class="problem">The graph can't be drawn: {failure}</p>;
  if (layout === undefined) return <p class="hint">Drawing…</p>;
  return (
    <>
      <ul class="legend hint">
        <li data-kind="needs">needs</li>
        <li data-kind="wraps">wraps or hooks</li>
        <li data-kind="calls">calls, with their number a second</li>
      </ul>
      <section class="panel graph" tabIndex={0} aria-label="Graph">
        <svg
          role="img"
          aria-label={`Graph of ${graph.nodes.length} plugins and ${graph.edges.length} relations`}
          viewBox={`0 0 ${layout.width} ${layout.height}`}
          style={{ width: `${layout.width}px` }}
        >
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
          {graph.edges.map((edge) => {
            const place = layout.edges.get(`${edge.from}\0${edge.to}`);
            if (place === undefined) return null;
            return (
              <g
                key={`${edge.from}>${edge.to}`}
                class="edge"
                data-kind={edge.kind}
                data-live={edge.perSecond > 0}
              >
                <path d={place.path} marker-end="url(#arrow)" />
                {edge.total > 0 && (
                  <text x={place.x} y={place.y}>
                    {edge.perSecond.toFixed(1)}/s
                  </text>
                )}
              </g>
            );
          })}
          {graph.nodes.map((node) => (
            <Box key={node.id} node={node} place={layout.nodes.get(node.id)} />
          ))}
        </svg>
      </section>
      <EdgeTable edges={graph.edges} />
    </>
  );
}

function Box({
  node,
  place,
}: {
  readonly node: Node;
  readonly place: { readonly x: number; readonly y: number } | undefined;
}) {
  if (place === undefined) return null;
  return (
    <g
      class="node"
      data-state={node.state}
      data-node={node.id}
      transform={`translate(${place.x} ${place.y})`}
    >
      <title>{node.id}</title>
      <rect x={-84} y={-26} width={168} height={52} rx={8} />
      <text y={-3}>{plainText(node.name, 22)}</text>
      <text y={15} class="small">
        {plainText(`${node.state}${node.detail}`, 28)}
      </text>
    </g>
  );
}

/** The same as a table, for screen readers and for long lists. */
function EdgeTable({ edges }: { readonly edges: ReturnType<typeof graphOf>['edges'] }) {
  return (
    <details>
      <summary>The same as a table</summary>
      <table>
        <thead>
          <tr>
            <th scope="col">From</th>
            <th scope="col">To</th>
            <th scope="col">Relation</th>
            <th scope="col">Calls</th>
            <th scope="col">A second</th>
            <th scope="col">Failed</th>
          </tr>
        </thead>
        <tbody>
          {edges.map(({ from, to, kind, total, perSecond, failed }) => (
            <tr key={`${from}>${to}`}>
              <td>{plainText(from, 80)}</td>
              <td>{plainText(to, 80)}</td>
              <td>{kind}</td>
              <td>{total}</td>
              <td>{perSecond.toFixed(1)}</td>
              <td>{failed}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
