/** One showing of a view, on the side of the plugin. */
import type { ViewOp } from './wire.js';

/** The functions of a node, by event. */
export type NodeHandlers = Readonly<Record<string, (detail: unknown) => unknown>>;

/** Where a view puts its changes, and where its handlers are found. */
export interface ViewSession {
  /** Adds a change. Changes of one turn travel together. */
  push(op: ViewOp): void;
  /** Asks for a look at `flush`: the view may have changed. */
  changed(): void;
  /** Called before changes are handed out. It pushes what has changed until then. */
  flush: () => void;
  /** Called when a handler has run. */
  refresh: () => void;
  /** The handlers of each node. */
  readonly handlers: Map<number, NodeHandlers>;
  /** Aborted when the showing ends. */
  readonly signal: AbortSignal;
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * Owns the changes that were not read yet. It is the stream that the host reads: a batch is made
 * when it is asked for, so a slow host gets fewer and larger ones.
 */
export class Session implements ViewSession, AsyncIterableIterator<string> {
  readonly handlers = new Map<number, NodeHandlers>();
  flush: () => void = () => {};
  refresh: () => void = () => {};
  #ops: ViewOp[] = [];
  #wake: (() => void) | undefined;
  readonly #end = new AbortController();

  get signal(): AbortSignal {
    return this.#end.signal;
  }

  push(op: ViewOp): void {
    this.#ops.push(op);
    this.#wake?.();
  }

  changed(): void {
    this.#wake?.();
  }

  async next(): Promise<IteratorResult<string, undefined>> {
    while (!this.signal.aborted) {
      this.flush();
      if (this.#ops.length > 0) {
        const ops = this.#ops;
        this.#ops = [];
        return { done: false, value: JSON.stringify(ops) };
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    return DONE;
  }

  /** Ends the showing. A read that waits ends with it, which a generator could not promise. */
  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#end.abort();
    this.#wake?.();
    return DONE;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
