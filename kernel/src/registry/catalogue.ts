/** Which plugins there are by id, and by the contracts that they provide. */
import {
  compareVersions,
  isStable,
  type Manifest,
  parseContractId,
  parseNeed,
} from '@plinth/sdk/contract';
import type { GraphNode, MayProvide, Vertex } from './graph-node.js';

/** The available plugins by id, and providers by contract base id, the best version first. */
export interface Catalogue {
  readonly plugins: Lists<Vertex>;
  readonly providers: Lists<Provider>;
}

/** A plugin that provides a contract. */
export interface Provider {
  readonly vertex: Vertex;
  readonly major: number;
}

/** Lists by name. Most have one item, which costs no array. */
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

/** Lists plugins by what others ask for. */
export function catalogueOf(vertices: readonly Vertex[], mayProvide: MayProvide): Catalogue {
  const plugins = new Lists<Vertex>();
  const providers = new Lists<Provider>();
  for (const vertex of vertices) {
    plugins.add(vertex.node.id, vertex);
    const { manifest } = vertex.node;
    for (const { base, major } of wishesOf(manifest).provides)
      if (base === manifest.id || mayProvide(manifest, base))
        providers.add(base, { vertex, major });
  }
  plugins.sort((a, b) => bestFirst(a.node, b.node));
  providers.sort((a, b) =>
    a.vertex.node.id === b.vertex.node.id ? bestFirst(a.vertex.node, b.vertex.node) : 0,
  );
  return { plugins, providers };
}

/** What a manifest says about contracts, parsed. */
interface Wishes {
  readonly needs: readonly { readonly base: string; readonly range: string }[];
  readonly provides: readonly { readonly base: string; readonly major: number }[];
}

/** Kept: manifests never change, but are resolved again whenever a plugin comes or goes. */
const wishes = new WeakMap<Manifest, Wishes>();
const NONE: Wishes = { needs: [], provides: [] };

/** What a manifest asks for. It is read once. */
export function wishesOf(manifest: Manifest): Wishes {
  const { needs, provides = [] } = manifest;
  if (needs.length === 0 && provides.length === 0) return NONE;
  let known = wishes.get(manifest);
  if (known === undefined) {
    known = {
      needs: needs.map((need) => parseNeed(need) as Wishes['needs'][number]),
      provides: provides.map((one) => parseContractId(one) as Wishes['provides'][number]),
    };
    wishes.set(manifest, known);
  }
  return known;
}

/** Stable versions before pre-releases, higher versions before lower ones. */
function bestFirst(a: GraphNode, b: GraphNode): number {
  return (
    Number(isStable(b.version)) - Number(isStable(a.version)) ||
    compareVersions(b.version, a.version)
  );
}
