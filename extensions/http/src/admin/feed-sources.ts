/** Where the entries of a feed come from. What costs calls something is on only while it is wanted. */
import { wrapper } from '@plinth/kernel/extension';
import type { HttpPort } from '../exchange.js';
import type { AdminKernel } from './operation.js';

/** Steps of plugins. They are always recorded. */
export const LIFE: readonly string[] = [
  'plugin:installed',
  'plugin:activated',
  'plugin:suspended',
  'plugin:resumed',
  'plugin:deactivated',
  'plugin:unloaded',
  'plugin:reloaded',
  'plugin:updated',
  'plugin:rolled-back',
  'plugin:uninstalled',
  'plugin:enabled',
  'plugin:disabled',
  'plugin:failed',
  'plugin:crashed',
  'plugin:quarantined',
];
/** What is recorded while it is wanted. */
export const WANTED: readonly string[] = ['plugin:command', 'plugin:message', 'log', 'metrics'];

const CALLS: readonly string[] = ['plugin:command', 'plugin:message'];
const REDACTED = '[redacted]';
/** A message to a plugin, by its own id or as a `MessageHandler`. */
const MESSAGE = /^(plinth\.message-handler:handle(@.*)?|.*:onMessage)$/;
/** Milliseconds between two entries of metrics. */
const METRICS = 5_000;
/** Milliseconds for which something is still recorded, so that a reader can come back. */
const HELD = 60_000;

type Record = (name: string, data: object, full?: () => object) => void;

interface Disposed {
  dispose(): void;
}

interface Source {
  readonly since: number;
  readers: number;
  readonly stop: () => void;
  ending: Disposed | undefined;
}

/** Owns the sources of a feed. */
export class FeedSources {
  readonly #kernel: AdminKernel;
  readonly #port: HttpPort;
  readonly #record: Record;
  readonly #open = new Map<string, Source>();

  constructor(kernel: AdminKernel, port: HttpPort, record: Record) {
    this.#kernel = kernel;
    this.#port = port;
    this.#record = record;
    const listeners = LIFE.map((topic) =>
      kernel.events.on(topic, ({ payload }) => record(topic, this.#lifeOf(topic, payload))),
    );
    port.own(() => {
      for (const one of listeners) one.dispose();
      for (const name of [...this.#open.keys()]) this.#end(name);
    });
  }

  /** The number of the first entry that could be recorded. Undefined when all are. */
  since(name: string): number | undefined {
    if (!WANTED.includes(name)) return undefined;
    return this.#open.get(name)?.since ?? Number.POSITIVE_INFINITY;
  }

  /** Opens the sources of these names. The result releases them. */
  want(names: ReadonlySet<string>, next: number): () => void {
    const wanted = WANTED.filter((name) => names.has(name));
    for (const name of wanted) {
      const source = this.#open.get(name) ?? this.#start(name, next);
      source.readers += 1;
      source.ending?.dispose();
      source.ending = undefined;
    }
    let released = false;
    return () => {
      if (released) return;
      released = true;
      for (const name of wanted) this.#release(name);
    };
  }

  #start(name: string, since: number): Source {
    const source = { since, readers: 0, stop: this.#listen(name), ending: undefined };
    this.#open.set(name, source);
    return source;
  }

  #release(name: string): void {
    const source = this.#open.get(name);
    if (source === undefined) return;
    source.readers -= 1;
    if (source.readers === 0) source.ending = this.#port.after(HELD, () => this.#end(name));
  }

  #end(name: string): void {
    const source = this.#open.get(name);
    this.#open.delete(name);
    source?.ending?.dispose();
    source?.stop();
  }

  #listen(name: string): () => void {
    if (name === 'log') {
      const { events } = this.#kernel;
      const listener = events.on('log:written', ({ payload }) => this.#record('log', payload));
      return () => listener.dispose();
    }
    if (name === 'metrics') return this.#measure();
    const around = this.#port.intercept({
      place: 'outside',
      kinds: ['command'],
      for: ({ id }) =>
        MESSAGE.test(id) === (name === CALLS[1])
          ? wrapper((call, input, next) => this.#called(name, call, input, next))
          : undefined,
    });
    return () => around.dispose();
  }

  #measure(): () => void {
    const { metrics } = this.#kernel;
    let timer: Disposed;
    const again = () => {
      const { commands: _, ...counts } = metrics.snapshot();
      this.#record('metrics', counts);
      timer = this.#port.after(METRICS, again);
    };
    timer = this.#port.after(0, again);
    return () => timer.dispose();
  }

  /** Lets a call pass, and records how it ended. */
  async #called(
    name: string,
    call: {
      readonly target: { readonly id: string };
      readonly caller: { readonly id: string };
      readonly provider: string;
    },
    input: unknown,
    next: (input: unknown) => Promise<unknown>,
  ): Promise<unknown> {
    const started = performance.now();
    const over = (ok: boolean, result: unknown) => {
      const { target, caller, provider } = call;
      const took = performance.now() - started;
      const whole = (args: unknown, answer: unknown) =>
        name === CALLS[1]
          ? { from: caller.id, to: provider, content: args, ok }
          : {
              plugin_id: provider,
              command: target.id,
              caller: caller.id,
              args,
              result: answer,
              ok,
              took,
            };
      try {
        this.#record(name, whole(REDACTED, REDACTED), () => whole(input, result));
      } catch {
        // A value that can't be shown is no reason for a call to fail.
      }
    };
    try {
      const result = await next(input);
      over(true, result);
      return result;
    } catch (error) {
      over(false, error);
      throw error;
    }
  }

  #lifeOf(topic: string, payload: unknown): object {
    const { id, stack: _, ...more } = payload as Readonly<{ id: string; stack?: string }>;
    const status =
      topic === 'plugin:installed' ? { status: this.#kernel.plugins.get(id)?.state } : {};
    return { plugin_id: id, ...more, ...status };
  }
}
