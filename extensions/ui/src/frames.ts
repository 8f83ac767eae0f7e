/** `frames(ctx, …)`: panels of a plugin that draw for themselves. */
import {
  type Call,
  type PluginContext,
  PluginOverloadedError,
  PluginPermissionError,
  PluginUnavailableError,
} from '@plinth/sdk';
import { Frame } from './frame-contract.js';

/** A panel that draws for itself. */
export interface FrameSource {
  /**
   * The text of the script that runs in the frame, at most 1 000 000 characters. It has `plinth`:
   * see {@link FramePage}.
   */
  readonly script: string;
  /** What the frame may call. Inputs and answers are plain data, as JSON carries them. */
  readonly calls?: Readonly<Record<string, (input: never) => unknown>>;
}

/** `plinth`, as the script of a frame has it. */
export interface FramePage {
  /** Resolves to what the application passes to the frame. */
  readonly ready: Promise<unknown>;
  /** Calls a function of `calls`. @throws Error with its message. */
  call(name: string, input?: unknown): Promise<unknown>;
  /** Hears what the plugin sends. Returns what ends it. */
  on(listener: (message: unknown) => void): () => void;
}

/** The frames of a plugin, provided. */
export interface Frames {
  /** Sends a message to all frames of a view. */
  send(view: string, message: unknown): void;
  /** Takes the frames away. */
  dispose(): void;
}

/** Frames of one plugin at once, and messages that one of them may leave unread. */
const MOST_SHOWN = 16;
const MOST_WAITING = 1_000;

/**
 * Provides frames. The manifest has `"provides": ["plinth.frame@1"]` and the right `"contracts": {
 * "provide": ["plinth.frame"] }`, and lists them in `contributes.ui.views` with `"frame": true`.
 *
 * @example
 * frames(ctx, {
 *   map: {
 *     script: `plinth.call('points').then((points) => document.body.append(draw(points)));`,
 *     calls: { points: () => points },
 *   },
 * });
 */
export function frames(
  ctx: Pick<PluginContext, 'provide'>,
  sources: Readonly<Record<string, FrameSource>>,
): Frames {
  const shown = new Map<string, { readonly view: string; readonly queue: Queue }>();
  const registered = ctx.provide(Frame, {
    open({ session, view }, call) {
      checkHost(call);
      const { script } = sourceOf(sources, view);
      if (typeof script !== 'string')
        throw new Error(`the 'script' of the frame '${view}' is a text, and not ${typeof script}`);
      if (shown.size >= MOST_SHOWN)
        throw new PluginOverloadedError(
          'call/overloaded',
          `the frame '${view}' is one too many: ${MOST_SHOWN} are shown`,
        );
      const queue = new Queue(script, () => shown.delete(session));
      shown.set(session, { view, queue });
      return queue;
    },
    async call({ session, name, input }, call) {
      checkHost(call);
      const view = shown.get(session)?.view ?? call.fail('stale', {});
      const { calls = {} } = sourceOf(sources, view);
      const run = Object.hasOwn(calls, name) ? calls[name] : undefined;
      if (run === undefined)
        throw new PluginUnavailableError(
          'call/unknown-command',
          `the frame '${view}' has no call '${name}': there are ${Object.keys(calls).join(', ')}`,
        );
      return JSON.stringify((await run(JSON.parse(input) as never)) ?? null);
    },
  });
  return {
    send(view, message) {
      // What JSON doesn't know, like undefined, is null.
      const text = (JSON.stringify(message) as string | undefined) ?? 'null';
      for (const one of shown.values()) if (one.view === view) one.queue.push(text);
    },
    dispose() {
      registered.dispose();
      for (const { queue } of [...shown.values()]) void queue.return();
    },
  };
}

function sourceOf(sources: Readonly<Record<string, FrameSource>>, view: string): FrameSource {
  const source = Object.hasOwn(sources, view) ? sources[view] : undefined;
  if (source !== undefined) return source;
  throw new PluginUnavailableError(
    'call/unknown-command',
    `no frame '${view}': there are ${Object.keys(sources).join(', ')}`,
  );
}

/** A frame acts with the rights of its plugin, for the user of the application. */
function checkHost({ caller }: Pick<Call, 'caller'>): void {
  if (caller.kind !== 'host')
    throw new PluginPermissionError(
      'permission/denied',
      `frames are shown by the application alone, not by '${caller.id}'`,
    );
}

/** Owns the script until it is read, and the messages that were not read yet. */
class Queue implements AsyncIterableIterator<string> {
  #script: string | undefined;
  readonly #items: string[] = [];
  readonly #ended: () => void;
  #wake: (() => void) | undefined;
  #done = false;

  constructor(script: string, ended: () => void) {
    this.#script = script;
    this.#ended = ended;
  }

  /** The oldest message gives way to a frame that doesn't read. */
  push(text: string): void {
    if (this.#items.length >= MOST_WAITING) this.#items.shift();
    this.#items.push(text);
    this.#wake?.();
  }

  async next(): Promise<IteratorResult<string, undefined>> {
    while (!this.#done) {
      const value = this.#script ?? this.#items.shift();
      this.#script = undefined;
      if (value !== undefined) return { done: false, value };
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#done = true;
    this.#ended();
    this.#wake?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
