/** The plugins and what is between them, from the kernel's own answers. */
import type { PlaygroundKernel } from '../kernel/playground-kernel.ts';
import { plainText } from './show-value.ts';
import type { Flow } from './traffic.ts';

/** A plugin, or the application (`host`). */
export interface Node {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  /** More in a few words, after the state. */
  readonly detail: string;
}

/**
 * How one uses another. `depends`: its manifest names the plugin. `needs`: its code needs a
 * contract of it. `wraps`: its middleware or hooks reach it. `calls`: it calls, and nothing else is known.
 */
export type Relation = 'depends' | 'needs' | 'wraps' | 'calls';

/** What is between two of them. Two may have several, and one of these has their calls. */
export interface Edge {
  /** Of this edge alone. */
  readonly key: string;
  readonly from: string;
  readonly to: string;
  readonly kind: Relation;
  readonly perSecond: number;
  readonly total: number;
  readonly failed: number;
}

/** The whole. */
export interface Graph {
  readonly nodes: readonly Node[];
  readonly edges: readonly Edge[];
}

/** Where each part stands. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly nodes: ReadonlyMap<string, { readonly x: number; readonly y: number }>;
  /** By key; `x` and `y` are the place of a label. */
  readonly edges: ReadonlyMap<
    string,
    { readonly path: string; readonly x: number; readonly y: number }
  >;
}

/** Plugins that are drawn. A graph of more is no picture any more. */
const MOST_NODES = 150;
/** The relation of two that gets their calls: the first of these that they have. */
const CALLING: readonly Relation[] = ['needs', 'depends', 'wraps', 'calls'];

/** Puts the graph together. */
export function graphOf(kernel: PlaygroundKernel, flows: readonly Flow[]): Graph {
  const plugins = kernel.plugins.list().slice(0, MOST_NODES);
  const nodes: Node[] = plugins.map(({ id, name, version, state, enabled }) => ({
    id,
    name: plainText(name ?? id),
    state: enabled ? state : 'disabled',
    detail: version === undefined ? '' : ` ${plainText(version, 16)}`,
  }));
  if (flows.some(({ from }) => from === 'host'))
    nodes.unshift({ id: 'host', name: 'Application', state: 'host', detail: '' });
  const edges = new Edges(new Set(nodes.map(({ id }) => id)));
  for (const { id, dependencies, manifest } of plugins) {
    for (const other of dependencies) edges.put(id, other, 'depends');
    for (const { id: other, contract } of kernel.plugins.explain(id).uses?.plugins ?? [])
      if (contract !== undefined) edges.put(id, other, 'needs');
    const { middleware } = kernel.plugins.capabilities(id);
    const targets = [
      ...middleware.map((target) => target.slice(target.indexOf(':') + 1)),
      ...(manifest?.permissions?.hooks?.handle ?? []),
    ];
    for (const target of targets) edges.put(id, target.split(':')[0] as string, 'wraps');
  }
  for (const flow of flows) edges.flow(flow);
  return { nodes, edges: edges.all };
}

/** Owns the edges between known nodes, one for each relation of two. */
export class Edges {
  readonly #known: ReadonlySet<string>;
  readonly #edges = new Map<string, Edge>();

  constructor(known: ReadonlySet<string>) {
    this.#known = known;
  }

  get all(): readonly Edge[] {
    return [...this.#edges.values()];
  }

  put(from: string, to: string, kind: Relation): void {
    const key = keyOf(from, to, kind);
    if (from === to || !this.#known.has(from) || !this.#known.has(to) || this.#edges.has(key))
      return;
    this.#edges.set(key, { key, from, to, kind, perSecond: 0, total: 0, failed: 0 });
  }

  /** Gives calls to one edge of the two. */
  flow({ from, to, perSecond, total, failed }: Flow): void {
    const kind = CALLING.find((one) => this.#edges.has(keyOf(from, to, one))) ?? 'calls';
    this.put(from, to, kind);
    const edge = this.#edges.get(keyOf(from, to, kind));
    if (edge !== undefined) this.#edges.set(edge.key, { ...edge, perSecond, total, failed });
  }
}

const keyOf = (from: string, to: string, kind: Relation) => `${from}\0${to}\0${kind}`;
