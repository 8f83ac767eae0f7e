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

/** What is between two of them. */
export interface Edge {
  readonly from: string;
  readonly to: string;
  /** `needs`: it needs or depends on it. `wraps`: its middleware or hooks reach it. Else it calls. */
  readonly kind: 'needs' | 'wraps' | 'calls';
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
  /** By `from\0to`; `x` and `y` are the place of a label. */
  readonly edges: ReadonlyMap<
    string,
    { readonly path: string; readonly x: number; readonly y: number }
  >;
}

/** Plugins that are drawn. A graph of more is no picture any more. */
const MOST_NODES = 150;

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
  const known = new Set(nodes.map(({ id }) => id));
  const edges = new Map<string, Edge>();
  const put = (from: string, to: string, kind: Edge['kind'], flow?: Flow) => {
    if (from === to || !known.has(from) || !known.has(to)) return;
    const key = `${from}\0${to}`;
    const { perSecond = 0, total = 0, failed = 0 } = flow ?? {};
    edges.set(key, { from, to, kind: edges.get(key)?.kind ?? kind, perSecond, total, failed });
  };
  for (const { id, dependencies, manifest } of plugins) {
    for (const other of dependencies) put(id, other, 'needs');
    for (const other of kernel.plugins.explain(id).uses?.plugins ?? []) put(id, other.id, 'needs');
    const { middleware } = kernel.plugins.capabilities(id);
    const targets = [
      ...middleware.map((target) => target.slice(target.indexOf(':') + 1)),
      ...(manifest?.permissions?.hooks?.handle ?? []),
    ];
    for (const target of targets) put(id, target.split(':')[0] as string, 'wraps');
  }
  for (const flow of flows) put(flow.from, flow.to, 'calls', flow);
  return { nodes, edges: [...edges.values()] };
}
