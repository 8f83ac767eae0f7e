/** The graph as tables, for screen readers and for long lists. */
import type { Edge, Graph, Node } from '../model/graph.ts';
import { plainText } from '../model/show-value.ts';
import { addressOf } from '../parts/address.ts';

export function GraphTables({ graph: { nodes, edges } }: { readonly graph: Graph }) {
  return (
    <details>
      <summary>The same as a table</summary>
      <div class="wide">
        <Relations edges={edges} />
      </div>
      <Plugins nodes={nodes} />
    </details>
  );
}

function Relations({ edges }: { readonly edges: readonly Edge[] }) {
  return (
    <table aria-label="Relations">
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
        {edges.map(({ key, from, to, kind, total, perSecond, failed }) => (
          <tr key={key}>
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
  );
}

function Plugins({ nodes }: { readonly nodes: readonly Node[] }) {
  return (
    <table aria-label="Plugins">
      <thead>
        <tr>
          <th scope="col">Plugin</th>
          <th scope="col">State</th>
        </tr>
      </thead>
      <tbody>
        {nodes.map(({ id, name, state, detail }) => (
          <tr key={id}>
            <th scope="row">
              {state === 'host' ? name : <a href={addressOf('plugins', id)}>{name}</a>}
            </th>
            <td>{`${state}${detail}`}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
