/** One showing of a view, on the side of the plugin. */
import { batchesOf } from './batches.js';
import type { Pictures } from './pictures.js';
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
  /** Ends the showing with an error. */
  fail(error: unknown): void;
  /** Images by URL. */
  readonly pictures: Pictures;
  /** The handlers of each node. */
  readonly handlers: Map<number, NodeHandlers>;
  /** Aborted when the showing ends. */
  readonly signal: AbortSignal;
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * Owns the changes that were not read yet. It is the stream that the host reads: batches are made
 * when one is asked for, so a slow host gets fewer and larger ones.
 */
export class Session implements ViewSession, AsyncIterableIterator<string> {
  readonly handlers = new Map<number, NodeHandlers>();
  readonly pictures: Pictures;
  flush: () => void = () => {};
  refresh: () => void = () => {};
  #ops: ViewOp[] = [];
  /** The rest of changes that were too much for one batch. */
  #batches: readonly string[] = [];
  #wake: (() => void) | undefined;
  #fault: { readonly error: unknown } | undefined;
  /** The order of what was heard last, and of what the host was told last. */
  #heard: number | undefined;
  #told: number | undefined;
  /** Whether the host was given a batch. It shows nothing before the first, be it empty. */
  #begun = false;
  readonly #end = new AbortController();

  /** @param counts whether the host wants to be told what was heard. */
  constructor(pictures: Pictures, counts = false) {
    this.pictures = pictures;
    if (counts) this.#heard = 0;
  }

  get signal(): AbortSignal {
    return this.#end.signal;
  }

  push(op: ViewOp): void {
    this.#ops.push(op);
    this.#wake?.();
  }

  /** What was typed up to this order is known to what is shown from now on. */
  hear(order: number | undefined): void {
    if (this.#heard !== undefined && order !== undefined) this.#heard = order;
  }

  changed(): void {
    this.#wake?.();
  }

  fail(error: unknown): void {
    this.#fault ??= { error };
    this.#wake?.();
  }

  async next(): Promise<IteratorResult<string, undefined>> {
    while (!this.signal.aborted) {
      if (this.#batches.length === 0) {
        this.#look();
        if (this.#ops.length > 0 || !this.#begun)
          this.#batches = batchesOf([...this.#news(), ...this.#ops]);
        this.#begun = true;
        this.#ops = [];
      }
      const [value, ...others] = this.#batches;
      this.#batches = others;
      if (value !== undefined) return { done: false, value };
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    return DONE;
  }

  /** What was heard since the host was told of it. */
  #news(): readonly ViewOp[] {
    if (this.#heard === undefined || this.#heard === this.#told) return [];
    this.#told = this.#heard;
    return [[5, this.#heard]];
  }

  /** A view that throws while it is made has ended, also for the list of what is shown. */
  #look(): void {
    try {
      if (this.#fault !== undefined) throw this.#fault.error;
      this.flush();
    } catch (error) {
      this.#end.abort();
      throw error;
    }
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
