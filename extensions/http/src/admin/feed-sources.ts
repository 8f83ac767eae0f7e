/** Where the entries of a feed come from. What costs calls something is on only while it is wanted. */
import { wrapper } from '@plinth/kernel/extension';
import type { HttpPort } from '../exchange.js';
import { Feed, type Recorder, type Sources } from '../feed/feed.js';
import { HeldSources } from '../feed/held.js';
import { jsonWithin } from '../feed/json-within.js';
import { shownEntry } from './log-entries.js';
import type { AdminKernel, TenantParts } from './operation.js';

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
/** Characters of one entry. */
const MOST_OF_ENTRY = 65_536;

interface Disposed {
  dispose(): void;
}

/** Owns the sources of a feed. */
class FeedSources implements Sources {
  readonly #kernel: AdminKernel;
  readonly #port: HttpPort;
  readonly #recorder: Recorder;
  readonly #held: HeldSources;

  constructor(kernel: AdminKernel, port: HttpPort, record: Recorder) {
    this.#kernel = kernel;
    this.#port = port;
    this.#recorder = record;
    const listeners = LIFE.map((topic) =>
      kernel.events.on(topic, ({ payload }) => this.#record(topic, this.#lifeOf(topic, payload))),
    );
    port.own(() => {
      for (const one of listeners) one.dispose();
    });
    this.#held = new HeldSources(port, (name) => this.#listen(name));
  }

  since(name: string): number | undefined {
    return WANTED.includes(name) ? this.#held.since(name) : undefined;
  }

  want(names: ReadonlySet<string>, next: number): () => void {
    return this.#held.want(
      WANTED.filter((name) => names.has(name)),
      next,
    );
  }

  #record(name: string, data: object, full?: () => object): void {
    this.#recorder(
      name,
      jsonWithin(data, MOST_OF_ENTRY),
      full && (() => jsonWithin(full(), MOST_OF_ENTRY)),
    );
  }

  #listen(name: string): () => void {
    if (name === 'log') {
      const { events } = this.#kernel;
      const listener = events.on('log:written', ({ payload }) =>
        this.#record('log', shownEntry(payload)),
      );
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

const feeds = new WeakMap<TenantParts, Feed>();

/** The feed of a tenant for operators. The first request makes it. */
export function feedOf(tenant: TenantParts, kernel: AdminKernel): Feed {
  const known = feeds.get(tenant);
  if (known !== undefined) return known;
  const made = new Feed((record) => new FeedSources(kernel, tenant.parts.port, record));
  feeds.set(tenant, made);
  return made;
}
