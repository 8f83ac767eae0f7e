/** Keeps what React shows of a view, and says which node has changed. */
import type { PropValue } from './checks.js';
import { Choices } from './choices.js';
import { Echoes } from './echoes.js';
import { FocusRight } from './focus-right.js';
import type { HostNode, SendEvent } from './host-node.js';
import { isOnDemand, type Kit } from './kit.js';
import { RowWatch } from './row-watch.js';
import { type ShapeScope, uidOfView } from './shape.js';
import type { ViewRenderer } from './showing.js';
import type { TreeListener, ViewTree } from './view-tree.js';

/** Owns the nodes that are shown, and who listens to them. */
export class ReactRenderer implements ViewRenderer, TreeListener {
  readonly kit: Kit;
  readonly scope: ShapeScope;
  readonly echoes = new Echoes();
  readonly choices = new Choices();
  readonly focus = new FocusRight();
  readonly #elements = new WeakMap<Node, HostNode>();
  readonly #keys = new WeakMap<HostNode, number>();
  readonly #versions = new WeakMap<HostNode, number>();
  readonly #listeners = new WeakMap<HostNode, Set<() => void>>();
  readonly #subscribers = new WeakMap<HostNode, (listener: () => void) => () => void>();
  readonly #rooted = new Set<() => void>();
  readonly #changed = new Set<HostNode>();
  #rows: RowWatch | undefined;
  #root: HostNode | undefined;
  #send: SendEvent | undefined;
  #lastKey = 0;

  constructor(kit: Kit, close: string) {
    this.kit = kit;
    this.scope = { uid: uidOfView(), words: { close }, keyOf: (node) => this.keyOf(node) };
  }

  get root(): HostNode | undefined {
    return this.#root;
  }

  /** Hears of another root. */
  readonly onRoot = (listener: () => void): (() => void) => {
    this.#rooted.add(listener);
    return () => this.#rooted.delete(listener);
  };

  nodeOf(element: Node): HostNode | undefined {
    return this.#elements.get(element);
  }

  /** An element of the page shows a node. */
  stands(element: Element, node: HostNode): void {
    this.#elements.set(element, node);
    if (isOnDemand(this.kit, node)) this.#rows?.stands(element as HTMLElement, node);
  }

  /** Asks for rows as they come into sight, until the signal is aborted. */
  watch(page: Document, signal: AbortSignal): void {
    this.#rows = new RowWatch(
      page,
      async (node, span) => this.#send?.(node, 'range', span),
      signal,
    );
  }

  send(node: HostNode, name: string, detail?: PropValue, order?: number): void {
    this.focus.used();
    void this.#send?.(node, name, detail, order);
  }

  /** The key of a node: over an update that of the node whose place it has taken. */
  keyOf(node: HostNode): number {
    const known = this.#keys.get(node);
    if (known !== undefined) return known;
    this.#lastKey += 1;
    this.#keys.set(node, this.#lastKey);
    return this.#lastKey;
  }

  versionOf(node: HostNode): number {
    return this.#versions.get(node) ?? 0;
  }

  /** Hears of changes of one node. The same function each time, as React asks for. */
  subscriberOf(node: HostNode): (listener: () => void) => () => void {
    const known = this.#subscribers.get(node);
    if (known !== undefined) return known;
    const listeners = new Set<() => void>();
    this.#listeners.set(node, listeners);
    const subscribe = (listener: () => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    };
    this.#subscribers.set(node, subscribe);
    return subscribe;
  }

  show(tree: ViewTree, send: SendEvent): this {
    if (this.#root !== undefined) this.#adopt(this.#root, tree.root);
    this.#root = tree.root;
    this.#send = send;
    this.echoes.begin(tree.counts);
    for (const listener of [...this.#rooted]) listener();
    return this;
  }

  /** Tells React once for all changes of a part of a batch. */
  settle(whole: boolean): void {
    const changed: HostNode[] = [];
    for (const node of [...this.#changed]) {
      const onDemand = isOnDemand(this.kit, node);
      // A list is moved to its rows only when all of them have changed.
      if (onDemand && !whole) continue;
      this.#changed.delete(node);
      changed.push(node);
      // Each row says where it stands among all rows. Of tabs one can be reached by keys, and which
      // one depends on all.
      for (const kid of onDemand || node.type === 'tabs' ? node.kids : []) {
        this.#touch(kid);
        this.#changed.delete(kid);
        changed.push(kid);
      }
    }
    for (const node of changed)
      for (const listener of [...(this.#listeners.get(node) ?? [])]) listener();
  }

  insert(node: HostNode): void {
    this.#touch(node.parent);
  }

  remove(_: HostNode, parent: HostNode): void {
    this.#touch(parent);
  }

  heard(order: number): void {
    this.echoes.saw(order);
  }

  text(node: HostNode): void {
    this.#touch(node);
  }

  change(node: HostNode): void {
    this.#touch(node);
    // The choices of a group show which of them is taken.
    for (const kid of node.type === 'radio' ? node.kids : []) this.#touch(kid);
    if (node.parent?.type === 'tabs') this.#touch(node.parent);
  }

  move(node: HostNode, from: HostNode): void {
    this.#touch(from);
    this.#touch(node.parent);
  }

  #touch(node: HostNode | undefined): void {
    if (node === undefined) return;
    this.#versions.set(node, this.versionOf(node) + 1);
    this.#changed.add(node);
  }

  #adopt(was: HostNode, node: HostNode): void {
    this.#keys.set(node, this.keyOf(was));
    for (const [at, kid] of node.kids.entries()) {
      const before = was.kids[at];
      if (before?.type === kid.type) this.#adopt(before, kid);
    }
  }
}
