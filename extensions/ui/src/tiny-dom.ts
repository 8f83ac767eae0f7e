/**
 * As much of a DOM as a framework needs that renders into one. Every change of what is shown becomes
 * a change for the host. Nothing global is touched.
 */
import type { NodeHandlers, ViewSession } from './session.js';
import type { WireNode } from './wire.js';

type Value = string | number | boolean | null;
type Listener = (this: TinyElement, event: object) => unknown;

const ELEMENT = 1;
const TEXT = 3;

/** A node. */
abstract class TinyNode {
  abstract readonly nodeType: number;
  readonly ownerDocument: TinyDocument;
  readonly id: number;
  parentNode: TinyElement | null = null;

  constructor(document: TinyDocument) {
    this.ownerDocument = document;
    this.id = document.nextId();
  }

  get nextSibling(): TinyNode | null {
    return this.#sibling(1);
  }

  get previousSibling(): TinyNode | null {
    return this.#sibling(-1);
  }

  /** Whether it is shown. */
  get isConnected(): boolean {
    let at: TinyNode = this;
    while (at.parentNode !== null) at = at.parentNode;
    return at === this.ownerDocument.body;
  }

  contains(node: TinyNode | null): boolean {
    for (let at = node; at !== null; at = at.parentNode) if (at === this) return true;
    return false;
  }

  remove(): void {
    this.parentNode?.removeChild(this);
  }

  abstract wire(): WireNode;
  abstract forget(): void;

  #sibling(by: number): TinyNode | null {
    const kids = this.parentNode?.childNodes;
    return kids?.[kids.indexOf(this) + by] ?? null;
  }
}

/** A text. */
class TinyText extends TinyNode {
  readonly nodeType = TEXT;
  readonly nodeName = '#text';
  #data: string;

  constructor(document: TinyDocument, data: string) {
    super(document);
    this.#data = data;
  }

  get data(): string {
    return this.#data;
  }
  set data(data: string) {
    this.#data = String(data);
    if (this.isConnected) this.ownerDocument.session.push([2, this.id, this.#data]);
  }

  get nodeValue(): string {
    return this.#data;
  }
  set nodeValue(data: string) {
    this.data = data;
  }

  wire(): WireNode {
    return [this.id, this.#data];
  }

  forget(): void {}
}

/** An element. Its attributes are the props of the kit. */
class TinyElement extends TinyNode {
  readonly nodeType = ELEMENT;
  readonly localName: string;
  readonly namespaceURI = null;
  readonly childNodes: TinyNode[] = [];
  readonly #props = new Map<string, Value>();
  readonly #handlers: Record<string, NodeHandlers[string]> = {};

  constructor(document: TinyDocument, name: string) {
    super(document);
    this.localName = name;
  }

  get nodeName(): string {
    return this.localName;
  }

  get firstChild(): TinyNode | null {
    return this.childNodes[0] ?? null;
  }

  get lastChild(): TinyNode | null {
    return this.childNodes.at(-1) ?? null;
  }

  get attributes(): readonly { readonly name: string; readonly value: Value }[] {
    return [...this.#props].map(([name, value]) => ({ name, value }));
  }

  appendChild(node: TinyNode): TinyNode {
    return this.insertBefore(node, null);
  }

  insertBefore(node: TinyNode, before: TinyNode | null): TinyNode {
    const wasShown = node.isConnected;
    const from = node.parentNode?.childNodes;
    from?.splice(from.indexOf(node), 1);
    const at = before === null ? this.childNodes.length : this.childNodes.indexOf(before);
    this.childNodes.splice(at, 0, node);
    node.parentNode = this;
    const { session } = this.ownerDocument;
    if (this.isConnected)
      session.push(wasShown ? [4, node.id, this.id, at] : [0, this.id, at, node.wire()]);
    else if (wasShown) session.push([1, node.id]);
    return node;
  }

  removeChild(node: TinyNode): TinyNode {
    if (node.isConnected) this.ownerDocument.session.push([1, node.id]);
    node.forget();
    this.childNodes.splice(this.childNodes.indexOf(node), 1);
    node.parentNode = null;
    return node;
  }

  setAttribute(name: string, value: unknown): void {
    const plain = ['string', 'number', 'boolean'].includes(typeof value)
      ? (value as Value)
      : textOf(value);
    if (Object.is(this.#props.get(name), plain)) return;
    this.#props.set(name, plain);
    this.#tell({ [name]: plain });
  }

  getAttribute(name: string): Value {
    return this.#props.get(name) ?? null;
  }

  removeAttribute(name: string): void {
    if (this.#props.delete(name)) this.#tell({ [name]: null });
  }

  addEventListener(type: string, listener: Listener): void {
    const name = type.slice(0, 1).toLowerCase() + type.slice(1);
    this.#handlers[name] = (detail) =>
      listener.call(this, { type, detail, target: this, currentTarget: this });
    this.#hear();
  }

  removeEventListener(type: string): void {
    delete this.#handlers[type.slice(0, 1).toLowerCase() + type.slice(1)];
    this.#hear();
  }

  wire(): WireNode {
    const events = Object.keys(this.#handlers);
    if (events.length > 0) this.ownerDocument.session.handlers.set(this.id, this.#handlers);
    const heard = events.length > 0 ? events : null;
    const kids = this.childNodes.map((kid) => kid.wire());
    return [this.id, this.localName, Object.fromEntries(this.#props), heard, kids];
  }

  forget(): void {
    this.ownerDocument.session.handlers.delete(this.id);
    for (const kid of this.childNodes) kid.forget();
  }

  #tell(props: Readonly<Record<string, Value>>): void {
    if (this.isConnected) this.ownerDocument.session.push([3, this.id, props]);
  }

  #hear(): void {
    if (!this.isConnected) return;
    const { session } = this.ownerDocument;
    session.handlers.set(this.id, this.#handlers);
    session.push([3, this.id, {}, Object.keys(this.#handlers)]);
  }
}

/** Lists and objects travel as JSON. */
const textOf = (value: unknown): string =>
  typeof value === 'object' ? JSON.stringify(value) : String(value);

/** Owns the ids of one showing. Its body is the root, the node 0. */
class TinyDocument {
  readonly nodeType = 9;
  readonly session: ViewSession;
  readonly body: TinyElement;
  #last = -1;

  constructor(session: ViewSession) {
    this.session = session;
    this.body = new TinyElement(this, '#root');
  }

  get documentElement(): TinyElement {
    return this.body;
  }

  nextId(): number {
    this.#last += 1;
    return this.#last;
  }

  createElement(name: string): TinyElement {
    return new TinyElement(this, name);
  }

  createElementNS(_: unknown, name: string): TinyElement {
    return new TinyElement(this, name);
  }

  createTextNode(data: unknown): TinyText {
    return new TinyText(this, String(data));
  }
}

/** The root of a showing, for a framework to render into. */
export const tinyRoot = (session: ViewSession): TinyElement => new TinyDocument(session).body;
