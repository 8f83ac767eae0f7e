/** The browser host: one Web Worker a plugin, or one frame behind a wall with a worker in it. */
import type { Guest, Host } from '@plinth/kernel';
import { SparePool } from '@plinth/kernel/spare-pool';
import { createError, REHEARSE } from '@plinth/sdk/contract';
import { sendRequest } from './network.js';
import { createTurns } from './turns.js';
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
  /**
   * Workers that are kept started for the next plugin; 0 when absent. One saves a plugin its spawn, some 10 ms; frames, which are kept once there has
   * been one, save most of what they cost to start.
   */
  readonly spares?: number;
}

/** Kinds of spares: browsers set no heap limits, so those of one isolation are all alike. */
const KINDS = { worker: 0, process: 1, sandbox: 2 } as const;
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
  const page = frame === undefined ? undefined : () => new URL(frame, location.href).href;
  const startFrame: typeof import('./frame.js').startFrame = async (...args) => (await import('./frame.js')).startFrame(...args);
  const pool = new SparePool<Guest>(spares, async (kind) => {
    if (kind !== KINDS.worker) return startFrame('spare', kind === KINDS.sandbox, READY, page?.());
    const guest = await startWorker('spare', READY, createWorker);
    guest.endpoint.postMessage(REHEARSE);
    return guest;
  });
  return {
    runtime: 'browser',
    isolations: ['worker', 'process', 'sandbox'],
    send: sendRequest,
    async launch(request) {
      const { isolation, plugin, limits } = request;
      const spare = pool.take(KINDS[isolation as keyof typeof KINDS]);
      if (spare !== undefined) return spare;
      return isolation === 'worker' ? startWorker(plugin.id, limits.ready, createWorker) : startFrame(plugin.id, isolation === 'sandbox', limits.ready, page?.());
    },
    defer: turns.next,
    prepare: () => pool.fill(KINDS.worker),
    async close() {
      turns.close();
      await pool.close();
    },
  };
}
