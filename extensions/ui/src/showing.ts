/** One showing of a view: reads its stream, and sends what happens to its nodes. */
import type { HostCallOptions } from '@plinth/kernel';
import type { Client } from '@plinth/sdk';
import type { View } from './contract.js';
import type { EventDetail, HostNode, SendEvent } from './host-node.js';
import type { ViewSettings } from './view-options.js';
import { type TreeListener, ViewTree } from './view-tree.js';

/** What draws a view. */
export interface ViewRenderer {
  /**
   * Shows a tree in place of what it has shown before. Nodes that stand where one of the same type
   * stood keep their elements, so that focus, scroll and typed text survive an update.
   */
  show(tree: ViewTree, send: SendEvent): TreeListener;
  /**
   * A part of a batch is done, after which the page may show a frame.
   *
   * @param whole whether it was the last part.
   */
  settle?(whole: boolean): void;
}

/** What a showing tells. */
export interface ShowingReports {
  /** The first batch is shown. */
  shown(): void;
  /** Whether presses wait for an answer for too long. */
  busy(busy: boolean): void;
  /** A handler has failed. */
  failed(error: Error): void;
}

/** Milliseconds after which a press without an answer makes the view busy. */
const BUSY_AFTER = 1_000;

/** Milliseconds of a frame. */
const FRAME = 16;
/**
 * The most frames that pass before a view that took too long is drawn again. The clock also counts
 * what other processes take, and a busy machine should still show the view.
 */
const REST_MOST = 8;

/** Owns the stream, the tree and the open events of one showing. */
export class Showing {
  readonly #client: Client<typeof View, HostCallOptions>;
  readonly #settings: ViewSettings;
  readonly #session: string = crypto.randomUUID();
  readonly #end = new AbortController();
  readonly #reports: ShowingReports;
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #late = 0;
  /** When the frame has begun that is counted, and how long changes have taken of it. */
  #since = 0;
  #spent = 0;
  /** When the last batch was done. */
  #worked = 0;

  constructor(
    client: Client<typeof View, HostCallOptions>,
    settings: ViewSettings,
    reports: ShowingReports,
  ) {
    this.#client = client;
    this.#settings = settings;
    this.#reports = reports;
  }

  /**
   * Reads until the stream or the showing ends. The plugin is kept awake until then.
   *
   * @throws ViewRefused, or what the plugin has thrown.
   */
  async run(renderer: ViewRenderer): Promise<void> {
    const { view, props, kit, limits } = this.#settings;
    const { signal } = this.#end;
    try {
      const stream = await this.#client.open(
        { session: this.#session, view, counts: true, ...(props !== undefined && { props }) },
        { signal },
      );
      const batches = stream[Symbol.asyncIterator]();
      const stop = () => void batches.return?.().catch(() => {});
      signal.addEventListener('abort', stop, { once: true });
      try {
        const tree = new ViewTree(kit, limits);
        for (;;) {
          const next = await batches.next();
          if (next.done === true || signal.aborted) return;
          await this.#take(tree, next.value, renderer);
        }
      } finally {
        signal.removeEventListener('abort', stop);
        stop();
      }
    } catch (error) {
      // What a stream that was ended throws is of no interest.
      if (!signal.aborted) throw error;
    } finally {
      this.end();
    }
  }

  /** Ends the showing. What the plugin still sends is not looked at. */
  end(): void {
    this.#end.abort();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#late = 0;
  }

  async #take(tree: ViewTree, batch: unknown, renderer: ViewRenderer): Promise<void> {
    const { budget } = this.#settings.limits;
    let begun = performance.now();
    // After two frames without changes a batch may take two shares: a list in two parts is laid out twice.
    const credit = begun - this.#worked > 2 * FRAME ? budget : 0;
    if (begun - this.#since > FRAME) this.#beginFrame(begun, credit);
    // Reading counts: a batch may be long and change little.
    const ops = tree.read(batch);
    if (tree.listener === undefined) {
      // The first batch is shown as a whole, never by halves.
      for (const op of ops) tree.apply(op);
      tree.listener = renderer.show(tree, async (node, name, detail, order) => {
        if (tree.has(node)) await this.#send(node, name, detail, order);
      });
      renderer.settle?.(true);
      this.#worked = performance.now();
      this.#reports.shown();
      return;
    }
    for (const op of ops) {
      tree.apply(op);
      // One change may be a chart, so the clock is looked at after each.
      if (this.#spent + performance.now() - begun < budget) continue;
      renderer.settle?.(false);
      await this.#count(begun);
      await this.#pause();
      if (this.#end.signal.aborted) return;
      begun = this.#since;
    }
    renderer.settle?.(true);
    await this.#count(begun);
    if (this.#spent >= budget) await this.#pause();
  }

  /** Adds up what was done since then, with what a framework draws of it a microtask later. */
  async #count(begun: number): Promise<void> {
    await undefined;
    this.#worked = performance.now();
    this.#spent += this.#worked - begun;
  }

  /**
   * Gives the page its frames. A plugin that never rests takes its share of each frame and no more;
   * what one change takes beyond its share, the next frames have without it. One that changes a
   * little at a time is never made to wait.
   */
  async #pause(): Promise<void> {
    const shares = Math.floor(this.#spent / this.#settings.limits.budget);
    let frames = Math.min(Math.max(shares, 1), REST_MOST);
    for (; frames > 0 && !this.#end.signal.aborted; frames--) await nextFrame();
    this.#beginFrame(performance.now());
  }

  #beginFrame(now: number, credit = 0): void {
    this.#since = now;
    this.#spent = -credit;
  }

  async #send(
    node: HostNode,
    name: string,
    detail: EventDetail | undefined,
    order: number | undefined,
  ): Promise<void> {
    let late = false;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      late = true;
      this.#late += 1;
      this.#reports.busy(true);
    }, BUSY_AFTER);
    this.#timers.add(timer);
    try {
      await this.#client.event({
        session: this.#session,
        node: node.id,
        name,
        ...(detail !== undefined && { detail }),
        ...(order !== undefined && { order }),
      });
    } catch (error) {
      // After the end no answer is waited for.
      if (!this.#end.signal.aborted) this.#reports.failed(error as Error);
    } finally {
      clearTimeout(timer);
      this.#timers.delete(timer);
      if (late && !this.#end.signal.aborted) {
        this.#late -= 1;
        if (this.#late === 0) this.#reports.busy(false);
      }
    }
  }
}

/** The next frame of a page that is seen, else a moment later: hidden pages have no frames. */
function nextFrame(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof requestAnimationFrame !== 'function' || document.hidden) setTimeout(resolve, 16);
    else {
      const done = () => {
        cancelAnimationFrame(frame);
        clearTimeout(timer);
        resolve();
      };
      const frame = requestAnimationFrame(done);
      // A page that is hidden in between has no next frame.
      const timer = setTimeout(done, 250);
    }
  });
}
