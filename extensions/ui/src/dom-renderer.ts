/** Draws a view into an element of a page. */
import type { PropValue } from './checks.js';
import { Choices } from './choices.js';
import { type Control, type Dressed, dress, alike as hasSameElements, redress } from './dress.js';
import { Echoes } from './echoes.js';
import { FocusRight } from './focus-right.js';
import type { HostNode, SendEvent } from './host-node.js';
import { elementOf, isOnDemand, type Kit } from './kit.js';
import { RowWatch } from './row-watch.js';
import { type Shape, type ShapeScope, uidOfView } from './shape.js';
import type { ViewRenderer } from './showing.js';
import type { TreeListener, ViewTree } from './view-tree.js';

interface Drawn extends Dressed {
  shape: Shape;
  /** Whether it has asked for the focus. */
  focus: boolean;
}

type Movable = Element & { moveBefore?(node: Node, before: Node | null): void };

/** Owns the elements of a view, which outlive the showings of it. */
export class DomRenderer implements ViewRenderer, TreeListener {
  readonly echoes = new Echoes();
  readonly choices = new Choices();
  readonly focus = new FocusRight();
  readonly #body: Element;
  readonly #kit: Kit;
  readonly #scope: ShapeScope;
  readonly #drawn = new WeakMap<HostNode, Drawn | Text>();
  readonly #nodes = new WeakMap<Node, HostNode>();
  /** Keys of radio groups, which elements keep over the showings of their view. */
  readonly #keys = new WeakMap<HostNode, number>();
  readonly #selects = new Set<HostNode>();
  /** Rows of tabs that have changed. */
  readonly #tabs = new Set<HostNode>();
  /** Lists whose rows have changed. */
  readonly #lists = new Set<HostNode>();
  readonly #rows: RowWatch;
  #root: HostNode | undefined;
  #send: SendEvent | undefined;
  #lastKey = 0;

  constructor(body: Element, kit: Kit, close: string, signal: AbortSignal) {
    this.#body = body;
    this.#kit = kit;
    this.#scope = {
      uid: uidOfView(),
      words: { close },
      keyOf: (node) => this.#keyOf(node),
    };
    this.#rows = new RowWatch(
      body.ownerDocument,
      async (node, span) => this.#send?.(node, 'range', span),
      signal,
    );
  }

  /** The node that an element shows. */
  nodeOf(element: Node): HostNode | undefined {
    return this.#nodes.get(element);
  }

  /** Tells the plugin what has happened to a node. */
  send(node: HostNode, name: string, detail?: PropValue, order?: number): void {
    this.focus.used();
    void this.#send?.(node, name, detail, order);
  }

  show(tree: ViewTree, send: SendEvent): this {
    this.#send = send;
    this.echoes.begin(tree.counts);
    this.#selects.clear();
    this.#tabs.clear();
    this.#lists.clear();
    this.#kids(this.#body, this.#root?.kids ?? [], tree.root.kids);
    this.#root = tree.root;
    return this;
  }

  /** Takes away what stands there. */
  clear(): void {
    this.#body.replaceChildren();
    this.#root = undefined;
    this.#send = undefined;
  }

  /**
   * A list of choices can only be set when its choices are there, and a list is moved to its rows
   * only when all of them have changed.
   */
  settle(whole: boolean): void {
    for (const node of this.#selects) {
      const control = this.#of(node)?.control;
      const { value } = node.props;
      if (control === undefined || value === undefined) continue;
      if (control.localName === 'select')
        this.choices.set(control as HTMLSelectElement, String(value));
      else control.value = String(value);
    }
    this.#selects.clear();
    // One of them can be reached by keys, and which one depends on all.
    for (const node of this.#tabs) for (const kid of node.kids) this.#redraw(kid);
    this.#tabs.clear();
    if (!whole) return;
    for (const node of this.#lists) {
      // Each row says where it stands among all rows.
      for (const kid of node.kids) this.#redraw(kid);
      const box = this.#of(node)?.element;
      if (box?.isConnected) this.#rows.stands(box as HTMLElement, node);
    }
    this.#lists.clear();
  }

  insert(node: HostNode, at: number): void {
    this.#place(node, this.#draw(node), at);
    this.#touched(node.parent);
  }

  remove(node: HostNode, parent: HostNode): void {
    this.#elementOf(node)?.remove();
    for (const changed of [this.#selects, this.#tabs, this.#lists]) changed.delete(node);
    this.#touched(parent);
  }

  heard(order: number): void {
    this.echoes.saw(order);
  }

  text(node: HostNode): void {
    const text = this.#drawn.get(node);
    if (text instanceof Text) text.data = node.text;
  }

  change(node: HostNode): void {
    this.#redraw(node);
    this.#touched(node);
    // The choices of a group show which of them is taken.
    if (node.type === 'radio') for (const kid of node.kids) this.#redraw(kid);
  }

  move(node: HostNode, from: HostNode, at: number): void {
    const element = this.#elementOf(node);
    if (element !== undefined) this.#place(node, element, at);
    this.#touched(from);
    this.#touched(node.parent);
  }

  #touched(node: HostNode | undefined): void {
    if (node === undefined) return;
    if (node.type === 'select') this.#selects.add(node);
    if (node.type === 'tabs') this.#tabs.add(node);
    if (node.parent?.type === 'tabs') this.#tabs.add(node.parent);
    if (isOnDemand(this.#kit, node)) this.#lists.add(node);
  }

  #of(node: HostNode): Drawn | undefined {
    const drawn = this.#drawn.get(node);
    return drawn instanceof Text ? undefined : drawn;
  }

  #elementOf(node: HostNode): Element | Text | undefined {
    const drawn = this.#drawn.get(node);
    return drawn instanceof Text ? drawn : drawn?.element;
  }

  #slotOf(node: HostNode | undefined): Element {
    return (node === undefined || node.id === 0 ? undefined : this.#of(node)?.slot) ?? this.#body;
  }

  #shapeOf(node: HostNode): Shape {
    return elementOf(this.#kit, node.type).shape(node, this.#scope);
  }

  #draw(node: HostNode): Element | Text {
    const { ownerDocument } = this.#body;
    if (node.type === '#text') {
      const text = ownerDocument.createTextNode(node.text);
      this.#drawn.set(node, text);
      return text;
    }
    const shape = this.#shapeOf(node);
    const drawn: Drawn = { ...dress(ownerDocument, shape), shape, focus: false };
    this.#drawn.set(node, drawn);
    this.#nodes.set(drawn.element, node);
    for (const kid of node.kids) drawn.slot.append(this.#draw(kid));
    this.#touched(node);
    this.#ask(node, drawn);
    return drawn.element;
  }

  #redraw(node: HostNode): void {
    const drawn = this.#of(node);
    if (drawn === undefined) return;
    const shape = this.#shapeOf(node);
    const before = drawn.shape;
    if (hasSameElements(before, shape)) {
      redress(drawn.element, before, shape, (control, value) => this.#set(node, control, value));
      drawn.shape = shape;
      this.#ask(node, drawn);
    } else this.#rebuild(node, drawn, shape);
  }

  /** Other elements for the same node: what stands inside goes along. */
  #rebuild(node: HostNode, drawn: Drawn, shape: Shape): void {
    const made: Drawn = { ...drawn, ...dress(this.#body.ownerDocument, shape), shape };
    // What stands in a leaf is its shape's own, and the next shape has brought another.
    if (elementOf(this.#kit, node.type).leaf !== true) made.slot.append(...drawn.slot.childNodes);
    drawn.element.replaceWith(made.element);
    this.#drawn.set(node, made);
    this.#nodes.set(made.element, node);
  }

  #set(node: HostNode, control: Control, value: string): void {
    if (node.type === 'select') this.#selects.add(node);
    else this.echoes.set(control, value);
  }

  #place(node: HostNode, element: Element | Text, at: number): void {
    const slot: Movable = this.#slotOf(node.parent);
    const next = node.parent?.kids[at + 1];
    const before = (next && this.#elementOf(next)) ?? null;
    // It keeps the focus and what a frame shows, where the browser has it.
    if (element.isConnected && slot.isConnected && slot.moveBefore !== undefined)
      slot.moveBefore(element, before);
    else slot.insertBefore(element, before);
  }

  /** Nodes of a new showing take over elements of the last one, by type and place. */
  #kids(slot: Element, before: readonly HostNode[], now: readonly HostNode[]): void {
    for (const [at, node] of now.entries()) {
      const was = before[at];
      const stands = was && this.#elementOf(was);
      if (was !== undefined && was.type === node.type && stands !== undefined)
        this.#adopt(was, node);
      else if (stands !== undefined) stands.replaceWith(this.#draw(node));
      else slot.append(this.#draw(node));
    }
    for (const gone of before.slice(now.length)) this.#elementOf(gone)?.remove();
  }

  #adopt(was: HostNode, node: HostNode): void {
    const drawn = this.#drawn.get(was) as Drawn | Text;
    this.#drawn.set(node, drawn);
    this.#keys.set(node, this.#keyOf(was));
    if (drawn instanceof Text) {
      if (drawn.data !== node.text) drawn.data = node.text;
      return;
    }
    this.#nodes.set(drawn.element, node);
    this.#redraw(node);
    this.#touched(node);
    this.#kids((this.#drawn.get(node) as Drawn).slot, was.kids, node.kids);
  }

  #keyOf(node: HostNode): number {
    const known = this.#keys.get(node);
    if (known !== undefined) return known;
    this.#lastKey += 1;
    this.#keys.set(node, this.#lastKey);
    return this.#lastKey;
  }

  /** When an element begins to ask for it. */
  #ask(node: HostNode, drawn: Drawn): void {
    const before = drawn.focus;
    drawn.focus = node.props.focus === true;
    if (!drawn.focus || before) return;
    const target = (drawn.control ?? drawn.element) as HTMLElement;
    // It may not stand in the page yet.
    queueMicrotask(() => this.focus.move(target));
  }
}
