/** The browser host: one Web Worker a plugin. */
import { type Guest, type Host, SparePool } from '@plinth/kernel';
import { createError, REHEARSE } from '@plinth/sdk/contract';
import { startWorker } from './worker.js';

/** How a browser host is made. */
export interface BrowserHostOptions {
  /**
   * Makes the worker that boots a guest. The default is the file beside this module; pass `createWorker` of
   * `@plinth/host-browser/inline` where a bundler or a content delivery network gets in the way, or a function that
   * starts your own file which imports `@plinth/host-browser/plugin-worker`.
   */
  readonly createWorker?: () => Worker;
  /** Workers that are kept started for the next plugin; 0 when absent. One saves a plugin its spawn, some 10 ms. */
  readonly spares?: number;
}

/** Spares of a page are all alike: browsers set no heap limits. */
const KIND = 0;
/** Milliseconds until a spare must have announced itself. */
const READY = 10_000;

/**
 * Launches guests as Web Workers: a fault is the plugin's own, but it is not a wall against hostile code.
 *
 * @throws PluginConfigurationError `kernel/invalid-option`.
 */
export function browserHost({ createWorker, spares = 0 }: BrowserHostOptions = {}): Host {
  if (!Number.isSafeInteger(spares) || spares < 0) throw createError('kernel/invalid-option', `'spares' must be a whole number, not ${String(spares)}`);
  const turns = createTurns();
  const pool = new SparePool<Guest>(spares, async () => {
    const guest = await startWorker('spare', READY, createWorker);
    guest.endpoint.postMessage(REHEARSE);
    return guest;
  });
  return {
    runtime: 'browser',
    isolations: ['worker'],
    launch: async ({ plugin, limits }) => pool.take(KIND) ?? startWorker(plugin.id, limits.ready, createWorker),
    defer: turns.next,
    prepare: () => pool.fill(KIND),
    async close() {
      turns.close();
      await pool.close();
    },
  };
}

/** Runs tasks after the event loop had a turn, without the delay that nested timers get. */
function createTurns(): { next(task: () => void): void; close(): void } {
  const { port1, port2 } = new MessageChannel();
  const tasks: (() => void)[] = [];
  port1.onmessage = () => tasks.shift()?.();
  return {
    next(task) {
      tasks.push(task);
      port2.postMessage(undefined);
    },
    close() {
      port1.close();
      tasks.length = 0;
    },
  };
}
