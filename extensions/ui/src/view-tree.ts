/**
 * The host's side of a view. Every change is checked against the kit and the limits before anything
 * of it is done, for every renderer.
 */
import type { PropValue } from './checks.js';
import { refuse } from './fault.js';
import type { HostNode } from './host-node.js';
import { type ElementSpec, elementOf, type Kit } from './kit.js';
import type { ViewLimits } from './limits.js';
import { checkRows, lacks, orderOf, placeIn, shown, sizeOf } from './tree-checks.js';

/** Hears each change when it is done. */
export interface TreeListener {
  insert(node: HostNode, at: number): void;
  /** `parent` is where it was. */
  remove(node: HostNode, parent: HostNode): void;
  text(node: HostNode): void;
  /** Props or events have changed. */
  change(node: HostNode): void;
  move(node: HostNode, from: HostNode, at: number): void;
  /** What follows was made after the plugin has heard what was typed up to this number. */
  heard?(order: number): void;
}

/** A class, since thousands are made at once: objects of other objects' parts take much longer. */
class Node implements HostNode {
  readonly id: number;
  readonly type: string;
  readonly spec: ElementSpec;
  parent: Node | undefined;
  depth: number;
  text = '';
  readonly props: Record<string, PropValue> = {};
  events: readonly string[] = NONE;
  readonly kids: Node[] = [];
  /** Characters that it counts. */
  texts = 0;
  images = 0;
  /** Elements that it makes of its props. */
  size = 0;

  constructor(id: number, type: string, spec: ElementSpec, parent: Node | undefined) {
    this.id = id;
    this.type = type;
    this.spec = spec;
    this.parent = parent;
    this.depth = parent === undefined ? 0 : parent.depth + 1;
  }
}

const NONE: readonly string[] = Object.freeze([]);
const PLAIN: ElementSpec = { props: {}, shape: () => ({ tag: 'div', slot: true }) };
const TYPE_MOST = 64;
const EVENTS_MOST = 16;
const PROPS_MOST = 64;

/** Owns the nodes of one showing. */
export class ViewTree {
  /** Where changes are told. The first batch isn't told: a renderer takes it as a whole. */
  listener: TreeListener | undefined;
  /** Props and events that were left out, because the kit has none or their values don't fit. */
  dropped = 0;
  /** Whether the plugin says what it has heard. */
  counts = false;
  readonly #root = new Node(0, '#root', PLAIN, undefined);
  readonly #nodes = new Map<number, Node>([[0, this.#root]]);
  readonly #kit: Kit;
  readonly #limits: ViewLimits;
  #texts = 0;
  #images = 0;
  #sizes = 0;

  constructor(kit: Kit, limits: ViewLimits) {
    this.#kit = kit;
    this.#limits = limits;
  }

  get root(): HostNode {
    return this.#root;
  }

  /** Whether a node is still shown. */
  has(node: HostNode): boolean {
    return this.#nodes.get(node.id) === node;
  }

  /** Reads a batch without doing any of it. @throws ViewRefused */
  read(batch: unknown): readonly unknown[] {
    if (typeof batch !== 'string') refuse('a batch is a text');
    if (batch.length > this.#limits.batch)
      refuse(`a batch has ${batch.length} characters, at most ${this.#limits.batch}`);
    let ops: unknown;
    try {
      ops = JSON.parse(batch);
    } catch {
      // Too deep for the parser is no JSON either.
      refuse('a batch is no JSON');
    }
    if (!Array.isArray(ops)) refuse('a batch is a list of changes');
    if (ops.length > this.#limits.ops)
      refuse(`a batch has ${ops.length} changes, at most ${this.#limits.ops}`);
    return ops;
  }

  /** Does one change. @throws ViewRefused */
  apply(op: unknown): void {
    if (!Array.isArray(op)) refuse('a change is a list');
    switch (op[0]) {
      case 0:
        return this.#insert(op);
      case 1:
        return this.#remove(op);
      case 2:
        return this.#text(op);
      case 3:
        return this.#change(op);
      case 4:
        return this.#move(op);
      case 5:
        this.counts = true;
        return this.listener?.heard?.(orderOf(op[1]));
      default:
        refuse(`there is no change '${shown(op[0])}'`);
    }
  }

  #insert([, id, place, wire]: readonly unknown[]): void {
    const parent = this.#parent(id);
    const at = placeIn(parent.kids, place);
    const node = this.#make(wire, parent);
    parent.kids.splice(at, 0, node);
    checkRows(parent);
    this.listener?.insert(node, at);
  }

  #remove([, id]: readonly unknown[]): void {
    const { node, parent } = this.#child(id);
    parent.kids.splice(parent.kids.indexOf(node), 1);
    this.#drop(node);
    this.listener?.remove(node, parent);
  }

  #text([, id, text]: readonly unknown[]): void {
    const { node } = this.#child(id);
    if (node.type !== '#text') refuse(`node ${node.id} is no text`);
    this.#setText(node, text);
    this.listener?.text(node);
  }

  #change([, id, props, events]: readonly unknown[]): void {
    const { node } = this.#child(id);
    if (node.type === '#text') refuse(`node ${node.id} is a text and has no props`);
    this.#setProps(node, props);
    if (events !== undefined) this.#setEvents(node, events);
    checkRows(node);
    this.listener?.change(node);
  }

  #move([, id, to, place]: readonly unknown[]): void {
    const { node, parent: from } = this.#child(id);
    const parent = this.#parent(to);
    for (let up: Node | undefined = parent; up !== undefined; up = up.parent)
      if (up === node) refuse(`node ${node.id} cannot be moved into itself`);
    // A move among siblings, the usual one, leaves all depths as they are.
    if (from !== parent) this.#deepen(node, parent.depth + 1);
    from.kids.splice(from.kids.indexOf(node), 1);
    const at = placeIn(parent.kids, place);
    parent.kids.splice(at, 0, node);
    node.parent = parent;
    checkRows(parent);
    this.listener?.move(node, from, at);
  }

  #child(id: unknown): { readonly node: Node; readonly parent: Node } {
    const node = this.#nodes.get(id as number);
    if (node?.parent === undefined) refuse(`there is no node '${shown(id)}'`);
    return { node, parent: node.parent };
  }

  #parent(id: unknown): Node {
    const node = this.#nodes.get(id as number);
    if (node === undefined) refuse(`there is no node '${shown(id)}'`);
    if (node.type === '#text' || node.spec.leaf === true)
      refuse(`node ${node.id}, '${node.type}', takes no children`);
    return node;
  }

  #make(wire: unknown, parent: Node): Node {
    if (!Array.isArray(wire)) refuse('a node is a list');
    const [id, type, props, events, kids] = wire as readonly unknown[];
    if (!Number.isSafeInteger(id) || this.#nodes.has(id as number))
      refuse(`'${shown(id)}' is no id of a new node`);
    if (parent.depth >= this.#limits.depth) refuse(`it is deeper than ${this.#limits.depth}`);
    this.#checkSize();
    if (typeof type !== 'string') refuse('the second part of a node is its type or its text');
    const isText = wire.length === 2;
    if (!isText && type.length > TYPE_MOST) refuse(`a type has at most ${TYPE_MOST} characters`);
    const node = isText
      ? new Node(id as number, '#text', PLAIN, parent)
      : new Node(id as number, type, elementOf(this.#kit, type), parent);
    this.#nodes.set(node.id, node);
    if (isText) this.#setText(node, type);
    else this.#fill(node, props ?? {}, events ?? [], kids ?? []);
    return node;
  }

  #fill(node: Node, props: unknown, events: unknown, kids: unknown): void {
    this.#setProps(node, props);
    this.#setEvents(node, events);
    if (!Array.isArray(kids)) refuse('the children of a node are a list');
    if (kids.length > 0 && node.spec.leaf === true) refuse(`'${node.type}' takes no children`);
    for (const kid of kids) node.kids.push(this.#make(kid, node));
    checkRows(node);
  }

  #setText(node: Node, text: unknown): void {
    if (typeof text !== 'string' || text.length > this.#limits.text)
      refuse(`a text has at most ${this.#limits.text} characters`);
    this.#count(node, text.length, 0);
    node.text = text;
  }

  #setProps(node: Node, given: unknown): void {
    if (typeof given !== 'object' || given === null || Array.isArray(given))
      refuse('props are an object');
    const names = Object.keys(given);
    if (names.length > PROPS_MOST) refuse(`an element has at most ${PROPS_MOST} props`);
    const { props, required = [], sizes = {} } = node.spec;
    let sized = false;
    for (const name of names) {
      const check = Object.hasOwn(props, name) ? props[name] : undefined;
      const wanted = (given as Readonly<Record<string, unknown>>)[name];
      const value = check === undefined || wanted === null ? undefined : check(wanted);
      if (value === undefined && wanted !== null) this.dropped += 1;
      // A name that the kit doesn't have may be one that every object has.
      if (check === undefined) continue;
      if (value === undefined) delete node.props[name];
      else node.props[name] = value;
      sized ||= Object.hasOwn(sizes, name);
    }
    const size = sized ? sizeOf(node.spec, node.props) : node.size;
    this.#sizes += size - node.size;
    node.size = size;
    this.#checkSize();
    for (const name of required) {
      if (!lacks(node, name)) continue;
      this.dropped += 1;
      node.props[name] = node.type;
    }
    let texts = 0;
    let images = 0;
    for (const value of Object.values(node.props)) {
      if (typeof value !== 'string') continue;
      if (node.type === 'image') images += value.length;
      else texts += value.length;
    }
    this.#count(node, texts, images);
  }

  #checkSize(): void {
    if (this.#nodes.size + this.#sizes > this.#limits.nodes)
      refuse(`it has more than ${this.#limits.nodes} nodes`);
  }

  #setEvents(node: Node, names: unknown): void {
    if (!Array.isArray(names) || names.length > EVENTS_MOST)
      refuse(`events are a list of at most ${EVENTS_MOST} names`);
    const known = node.spec.events ?? [];
    node.events = known.filter((name) => names.includes(name));
    this.dropped += names.length - node.events.length;
  }

  #count(node: Node, texts: number, images: number): void {
    this.#texts += texts - node.texts;
    this.#images += images - node.images;
    node.texts = texts;
    node.images = images;
    if (this.#texts > this.#limits.total)
      refuse(`its texts have more than ${this.#limits.total} characters`);
    if (this.#images > this.#limits.images)
      refuse(`its images have more than ${this.#limits.images} characters`);
  }

  #drop(node: Node): void {
    this.#nodes.delete(node.id);
    this.#texts -= node.texts;
    this.#images -= node.images;
    this.#sizes -= node.size;
    for (const kid of node.kids) this.#drop(kid);
  }

  #deepen(node: Node, depth: number): void {
    if (depth > this.#limits.depth) refuse(`it is deeper than ${this.#limits.depth}`);
    node.depth = depth;
    for (const kid of node.kids) this.#deepen(kid, depth + 1);
  }
}
