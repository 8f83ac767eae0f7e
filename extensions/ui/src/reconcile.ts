/** Compares what a view wants to show with what is shown, and pushes the difference. */
import { AskedRows, type RowSource } from './asked-rows.js';
import { type Child, type ViewNode, type Wanted, wantedOf } from './child.js';
import type { ViewSession } from './session.js';
import type { ViewProps, WireNode } from './wire.js';

type Props = Record<string, string | number | boolean | null>;

/** A node that is shown. */
interface Node {
  readonly id: number;
  /** Undefined for a text. */
  readonly type?: string;
  readonly key?: unknown;
  text?: string;
  props: Props;
  events: readonly string[];
  kids: Node[];
  /** Of an element whose rows are asked for by range. */
  asked?: AskedRows<Child>;
  /** As it was asked for last. */
  wanted?: ViewNode;
}

/** Owns the ids and the nodes of one showing. */
export class Reconciler {
  readonly #session: ViewSession;
  #last = 0;
  #shown: Node[] = [];

  constructor(session: ViewSession) {
    this.#session = session;
  }

  /** Shows this in place of what was shown before. */
  show(wanted: readonly Wanted[]): void {
    this.#shown = this.#children(0, this.#shown, wanted);
  }

  #make(wanted: Wanted): Node {
    this.#last += 1;
    const id = this.#last;
    if (typeof wanted === 'string') return { id, text: wanted, props: {}, events: [], kids: [] };
    const { type, props } = wanted;
    const node: Node = { id, type, key: props.key, props: {}, events: [], kids: [] };
    const plain = this.#withRows(node, wanted);
    Object.assign(node, this.#take(id, plain));
    node.kids = wantedOf(plain.children).map((child) => this.#make(child));
    return node;
  }

  /** An element with the rows that are in sight, in place of the function that makes them. */
  #withRows(node: Node, wanted: ViewNode): ViewNode {
    const { rows, count } = wanted.props;
    if (typeof rows !== 'function') {
      node.asked?.end();
      delete node.asked;
      return wanted;
    }
    node.wanted = wanted;
    node.asked ??= new AskedRows<Child>({
      sizeOf: (answer) => wantedOf(answer).length,
      came: () => this.#apply(node, withShown(node.wanted as ViewNode, node.asked)),
      failed: (error) => this.#session.fail(error),
    });
    node.asked.ask(rows as RowSource<Child>, count);
    return withShown(wanted, node.asked);
  }

  /** Splits props into plain values and handlers, which stay here. */
  #take(id: number, { type, props: given }: ViewNode): { props: Props; events: readonly string[] } {
    const props: Props = {};
    const handlers: Record<string, (detail: unknown) => unknown> = {};
    for (const [name, value] of Object.entries(given)) {
      if (name === 'key' || value === undefined || value === null) continue;
      if (typeof value === 'function')
        handlers[`${name.slice(2, 3).toLowerCase()}${name.slice(3)}`] = value as () => unknown;
      else props[name] = typeof value === 'object' ? JSON.stringify(value) : (value as string);
    }
    if (type === 'image' && typeof props.url === 'string') {
      const data = this.#session.pictures.get(props.url, this.#session.refresh);
      delete props.url;
      if (data !== undefined) props.data = data;
    }
    const events = Object.keys(handlers);
    if (events.length > 0) this.#session.handlers.set(id, handlers);
    else this.#session.handlers.delete(id);
    return { props, events };
  }

  #forget(node: Node): void {
    this.#session.handlers.delete(node.id);
    node.asked?.end();
    for (const kid of node.kids) this.#forget(kid);
  }

  #patch(node: Node, wanted: Wanted): void {
    if (typeof wanted === 'string') {
      if (wanted !== node.text) this.#session.push([2, node.id, wanted]);
      node.text = wanted;
      return;
    }
    this.#apply(node, this.#withRows(node, wanted));
  }

  #apply(node: Node, wanted: ViewNode): void {
    const before = node.props;
    const { props, events } = this.#take(node.id, wanted);
    const changes: Props = {};
    for (const name in props)
      if (!Object.is(props[name], before[name])) changes[name] = props[name] ?? null;
    for (const name in before) if (!(name in props)) changes[name] = null;
    if (events.join() !== node.events.join())
      this.#session.push([3, node.id, changes as ViewProps, events]);
    else if (Object.keys(changes).length > 0) this.#session.push([3, node.id, changes]);
    node.props = props;
    node.events = events;
    node.kids = this.#children(node.id, node.kids, wantedOf(wanted.children));
  }

  #children(parent: number, have: Node[], wanted: readonly Wanted[]): Node[] {
    const free = new Map<string, Node>();
    const names = naming();
    for (const node of have) free.set(names(node.type, node.key), node);
    const wants = naming();
    const result = wanted.map((one) => {
      const name =
        typeof one === 'string' ? wants(undefined, undefined) : wants(one.type, one.props.key);
      const node = free.get(name);
      if (node === undefined) return one;
      free.delete(name);
      this.#patch(node, one);
      return node;
    });
    const gone = new Set(free.values());
    for (const node of gone) {
      this.#session.push([1, node.id]);
      this.#forget(node);
    }
    const now = have.filter((node) => !gone.has(node));
    return result.map((one, at) => {
      if (now[at] === one) return one as Node;
      if (typeof one === 'object' && 'id' in one) {
        now.splice(now.indexOf(one, at), 1);
        this.#session.push([4, one.id, parent, at]);
        now.splice(at, 0, one);
        return one;
      }
      const node = this.#make(one);
      this.#session.push([0, parent, at, wireOf(node)]);
      now.splice(at, 0, node);
      return node;
    });
  }
}

/** The rows that are there stand behind the children of the element itself. */
function withShown(
  { type, props, children }: ViewNode,
  asked: AskedRows<Child> | undefined,
): ViewNode {
  const { rows: _, ...own } = props;
  const head = wantedOf(children).length;
  const onRange = (span: unknown) => asked?.move(span);
  return {
    type,
    props: { ...own, from: asked?.from ?? 0, head, onRange },
    children: [children, asked?.rows],
  };
}

/** Names siblings: by type and key, or by type and place. Of one key the second is another. */
function naming(): (type: string | undefined, key: unknown) => string {
  const seen = new Map<string, number>();
  return (type = '', key) => {
    const name = key === undefined || key === null ? type : `${type} ${String(key)}`;
    const nth = (seen.get(name) ?? 0) + 1;
    seen.set(name, nth);
    return `${nth} ${name}`;
  };
}

function wireOf({ id, type, text = '', props, events, kids }: Node): WireNode {
  return type === undefined
    ? [id, text]
    : [id, type, props, events.length > 0 ? events : null, kids.map(wireOf)];
}
