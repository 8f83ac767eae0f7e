/** What the graph of dependencies is made of, and what it answers. */
import type { Manifest, PluginError } from '@plinth/sdk/contract';

/** Whether a plugin may answer an open contract. */
export type MayProvide = (manifest: Manifest, contract: string) => boolean;

/** What the graph must know about a plugin. */
export interface GraphNode {
  /** Unique. Several versions of one plugin differ in it. */
  readonly key: string;
  readonly id: string;
  readonly version: string;
  readonly manifest: Manifest;
}

/** A plugin's place, or the reason why it has none. */
export type Resolution =
  | { readonly ok: true; readonly dependencies: readonly string[]; readonly level: number }
  | { readonly ok: false; readonly error: PluginError };

/** Why a plugin isn't among the resolved ones, where that is known. */
export type WhyNot = (id: string) => string | undefined;

/** A plugin while the graph is being resolved. */
export interface Vertex {
  readonly node: GraphNode;
  /** The plugins that it needs. */
  edges: readonly Vertex[];
  /** How many are required; these come first. Others only give an order, and may be dropped. */
  hard: number;
  /** The next edge to examine, after what is below this one was visited. */
  cursor: number;
  state: 'new' | 'on path' | 'done';
  resolution: Resolution | undefined;
}
