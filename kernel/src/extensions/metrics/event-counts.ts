/** Counts what the kernel's events say of plugins: crashes, restarts and lines of the log. */
import type { EventBus } from '../../events/event-bus.js';
import type { KernelEvents, KernelTopic } from '../../kernel-events.js';
import type { Log, LogEntry } from '../../telemetry/logger.js';

interface Counts {
  crashes: number;
  restarts: number;
  readonly levels: Record<string, number>;
}

/** The most sources that are told apart. */
const MAX_SOURCES = 20_000;

/** Owns the counts by plugin since the kernel was made. */
export class EventCounts {
  readonly #counts = new Map<string, Counts>();
  #closed = false;
  readonly #listening: readonly { dispose(): void }[];

  constructor(bus: EventBus, log: Log) {
    const on = <T extends KernelTopic>(topic: T, listener: (payload: KernelEvents[T]) => void) =>
      bus.on(topic, ({ event }) => {
        if (event.source === 'kernel') listener(event.payload as KernelEvents[T]);
      });
    this.#listening = [
      on('plugin:crashed', ({ id }) => {
        this.#of(id).crashes += 1;
      }),
      on('plugin:restarted', ({ id }) => {
        this.#of(id).restarts += 1;
      }),
      on('plugin:uninstalled', ({ id }) => void this.#counts.delete(id)),
    ];
    log.addSink((entry) => this.#logged(entry));
  }

  #logged({ source, level }: LogEntry): void {
    if (this.#closed) return;
    const { levels } = this.#of(source);
    levels[level] = (levels[level] ?? 0) + 1;
  }

  crashesOf(plugin: string): { readonly crashes: number; readonly restarts: number } {
    const { crashes = 0, restarts = 0 } = this.#counts.get(plugin) ?? {};
    return { crashes, restarts };
  }

  logsOf(plugin: string): {
    readonly lines: number;
    readonly levels: Readonly<Record<string, number>>;
  } {
    const levels = { ...this.#counts.get(plugin)?.levels };
    return { lines: Object.values(levels).reduce((sum, count) => sum + count, 0), levels };
  }

  /** Counts so far, by plugin. */
  all(): ReadonlyMap<string, { readonly crashes: number; readonly restarts: number }> {
    return this.#counts;
  }

  close(): void {
    this.#closed = true;
    for (const one of this.#listening) one.dispose();
  }

  #of(source: string): Counts {
    const known = this.#counts.get(source);
    if (known !== undefined) return known;
    const counts = { crashes: 0, restarts: 0, levels: {} };
    if (this.#counts.size < MAX_SOURCES) this.#counts.set(source, counts);
    return counts;
  }
}
