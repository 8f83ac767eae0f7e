/**
 * Asks for the rows of lists and tables that come into sight, and keeps the place of all others, so
 * that the scroll bar tells the truth.
 */
import type { HostNode } from './host-node.js';
import { ROWS_AT_ONCE, type RowSpan } from './row-span.js';
import { shadowsAround } from './trees.js';

/** Lists of a view that are watched. Others show the rows that they begin with. */
const MOST = 32;
/** Pixels of a row, before one was measured. */
const ROW = 28;

interface Seen {
  node: HostNode;
  /** Its props as its rows stand: a batch that is under way has changed some of them. */
  props: HostNode['props'];
  /** Pixels of a row. */
  tall: number | undefined;
  /** The range that was asked for last: what isn't answered is not asked for twice. */
  asked: string;
  waiting: boolean;
  /** What had the focus last. */
  focused: Element | undefined;
}

/** Owns the listeners and the state of all lists of a view that ask for their rows. */
export class RowWatch {
  readonly #seen = new Map<HTMLElement, Seen>();
  readonly #page: Document;
  readonly #ask: (node: HostNode, span: RowSpan) => Promise<void>;
  readonly #signal: AbortSignal;
  readonly #sizes: ResizeObserver;
  /** Trees whose scrolling is heard. That of a shadow tree isn't told outside of it. */
  readonly #heard = new WeakSet<Node>();
  #frame: number | undefined;

  /** @param signal ends it. */
  constructor(
    page: Document,
    ask: (node: HostNode, span: RowSpan) => Promise<void>,
    signal: AbortSignal,
  ) {
    this.#page = page;
    this.#ask = ask;
    this.#signal = signal;
    this.#sizes = new ResizeObserver((entries) => {
      for (const { target } of entries) {
        const seen = this.#seen.get(target as HTMLElement);
        if (seen !== undefined) seen.tall = undefined;
      }
      this.#later();
    });
    this.#hear(page);
    signal.addEventListener('abort', () => {
      this.#sizes.disconnect();
      this.#seen.clear();
      if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
    });
  }

  /** Whatever a list stands in may scroll. */
  #hear(root: Node): void {
    if (this.#heard.has(root)) return;
    this.#heard.add(root);
    const given = { capture: true, passive: true, signal: this.#signal };
    root.addEventListener('scroll', () => this.#later(), given);
  }

  /** The box of a list shows these rows now. */
  stands(box: HTMLElement, node: HostNode): void {
    if (this.#signal.aborted) return;
    const seen = this.#seen.get(box) ?? this.#watch(box, node);
    if (seen === undefined) return;
    if (seen.node !== node) Object.assign(seen, { node, asked: '', waiting: false });
    seen.props = { ...node.props };
    keepPlaces(box, seen);
    // The row that had the focus is gone: keys go on from the list.
    const { activeElement, body } = this.#page;
    if (seen.focused?.isConnected === false && (activeElement ?? body) === body) {
      seen.focused = undefined;
      box.focus({ preventScroll: true });
    }
    this.#later();
  }

  #watch(box: HTMLElement, node: HostNode): Seen | undefined {
    if (this.#seen.size >= MOST) this.#forget();
    if (this.#seen.size >= MOST) return undefined;
    const seen: Seen = {
      ...{ node, props: node.props, tall: undefined },
      ...{ asked: '', waiting: false, focused: undefined },
    };
    this.#seen.set(box, seen);
    for (const root of shadowsAround(box)) this.#hear(root);
    this.#sizes.observe(box);
    const signal = this.#signal;
    box.addEventListener('focusin', ({ target }) => (seen.focused = target as Element), { signal });
    box.addEventListener(
      'focusout',
      ({ target }) =>
        // An element that is removed may lose the focus before it has gone.
        queueMicrotask(() => {
          if (seen.focused === target && seen.focused?.isConnected) seen.focused = undefined;
        }),
      { signal },
    );
    return seen;
  }

  #later(): void {
    if (this.#signal.aborted || this.#seen.size === 0) return;
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = undefined;
      this.#forget();
      // All are placed before the first is measured: each change in between would lay out the page.
      for (const [box, seen] of this.#seen) keepPlaces(box, seen);
      for (const [box, seen] of this.#seen) this.#look(box, seen);
    });
  }

  /** Lists that are gone. */
  #forget(): void {
    for (const box of [...this.#seen.keys()]) {
      if (box.isConnected) continue;
      this.#seen.delete(box);
      this.#sizes.unobserve(box);
    }
  }

  #look(box: HTMLElement, seen: Seen): void {
    if (seen.waiting || !seen.node.events.includes('range')) return;
    const span = missing(box, seen);
    if (span === undefined) return;
    const asked = `${span.from}-${span.to}`;
    if (asked === seen.asked) return;
    const { node } = seen;
    Object.assign(seen, { asked, waiting: true });
    void this.#ask(node, span).then(() => {
      if (seen.node !== node) return;
      seen.waiting = false;
      this.#later();
    });
  }
}

interface Rows {
  readonly count: number;
  readonly from: number;
  /** Where they stand: a table or a list. */
  readonly list: HTMLElement;
  readonly shown: readonly Element[];
}

function rowsOf(box: Element, { props }: Seen): Rows {
  const list = box.firstElementChild as HTMLElement;
  const slot = list.querySelector(':scope > tbody') ?? list;
  const head = Number(props.head ?? 0);
  const count = Number(props.count ?? 0);
  return {
    count,
    from: Math.min(Number(props.from ?? 0), count),
    list,
    shown: [...slot.children].slice(head),
  };
}

/** Space stands for the rows that aren't there. */
function keepPlaces(box: HTMLElement, seen: Seen): void {
  const { count, from, list, shown } = rowsOf(box, seen);
  const [first, last] = [shown[0], shown.at(-1)];
  if (seen.tall === undefined && first !== undefined && last !== undefined) {
    const all = last.getBoundingClientRect().bottom - first.getBoundingClientRect().top;
    if (all > 0) seen.tall = all / shown.length;
  }
  const tall = seen.tall ?? ROW;
  list.style.marginBlockStart = `${from * tall}px`;
  list.style.marginBlockEnd = `${Math.max(0, count - from - shown.length) * tall}px`;
}

/** The range to ask for, or undefined when what is in sight is there. */
function missing(box: HTMLElement, seen: Seen): RowSpan | undefined {
  const { count, from, list, shown } = rowsOf(box, seen);
  const { tall = ROW } = seen;
  const frame = box.getBoundingClientRect();
  const top = Math.max(frame.top, 0);
  const bottom = Math.min(frame.bottom, box.ownerDocument.defaultView?.innerHeight ?? 0);
  if (bottom <= top || count === 0) return undefined;
  const start = (shown[0] ?? list).getBoundingClientRect().top - from * tall;
  const within = (row: number) => Math.min(Math.max(row, 0), count);
  const first = Math.min(within(Math.floor((top - start) / tall)), count - 1);
  const last = within(Math.ceil((bottom - start) / tall));
  const screen = Math.min(Math.max(last - first, 1), ROWS_AT_ONCE);
  const near = Math.ceil(screen / 2);
  if (within(first - near) >= from && within(last + near) <= from + shown.length) return undefined;
  // A screen before and one behind, as far as they fit.
  const spare = Math.floor((ROWS_AT_ONCE - screen) / 2);
  const more = Math.min(screen, spare);
  return { from: within(first - more), to: within(first + screen + more) };
}
