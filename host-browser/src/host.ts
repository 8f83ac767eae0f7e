/** The browser host: one Web Worker a plugin, or one frame behind a wall with a worker in it. */
import { type Guest, type Host, SparePool } from '@plinth/kernel';
import { createError, REHEARSE } from '@plinth/sdk/contract';
import { sendRequest } from './network.js';
import { startFrame } from './frame.js';
import { startWorker } from './worker.js';

/** How a browser host is made. */
export interface BrowserHostOptions {
  /**
   * Makes the worker that boots a guest. The default is the file beside this module; pass `createWorker` of
   * `@plinth/host-browser/inline` where a bundler or a content delivery network gets in the way, or a function that
   * starts your own file which imports `@plinth/host-browser/plugin-worker`.
   */
  readonly createWorker?: () => Worker;
  /**
   * Where `plinth-frame.html` of this package is served, with `plinth-frame.js` beside it: the page that guests behind a wall run in. Needed where the
   * Content-Security-Policy of the application lets no inline script run; a frame without a file is used when absent.
   */
  readonly frame?: string | URL;
  /** Workers that are kept started for the next plugin; 0 when absent. One saves a plugin its spawn, some 10 ms. */
  readonly spares?: number;
}

/** Spares of a page are all alike: browsers set no heap limits. */
const KIND = 0;
/** Milliseconds until a spare must have announced itself. */
const READY = 10_000;

/**
 * Launches guests as Web Workers, where a fault is the plugin's own, but which are no wall against hostile code; in frames that let nothing
 * in or out (`process`); and in such frames with hardened JavaScript in them (`sandbox`).
 *
 * @throws PluginConfigurationError `kernel/invalid-option`.
 */
export function browserHost({ createWorker, frame, spares = 0 }: BrowserHostOptions = {}): Host {
  if (!Number.isSafeInteger(spares) || spares < 0) throw createError('kernel/invalid-option', `'spares' must be a whole number, not ${String(spares)}`);
  const turns = createTurns();
  const pool = new SparePool<Guest>(spares, async () => {
    const guest = await startWorker('spare', READY, createWorker);
    guest.endpoint.postMessage(REHEARSE);
    return guest;
  });
  return {
    runtime: 'browser',
    isolations: ['worker', 'process', 'sandbox'],
    send: sendRequest,
    async launch(request) {
      if (request.isolation !== 'worker') return startFrame(request, frame === undefined ? undefined : new URL(frame, location.href).href);
      return pool.take(KIND) ?? startWorker(request.plugin.id, request.limits.ready, createWorker);
    },
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
