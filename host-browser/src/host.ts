/** The browser host: one Web Worker per plugin, or one walled frame with a worker in it. */
import type { Guest, Host } from '@plinth/kernel';
import { SparePool } from '@plinth/kernel/spare-pool';
import { checkOptionNames, createError, messageOf, WARM_UP } from '@plinth/sdk/contract';
import { sendRequest } from './network.js';
import { createTurns } from './turns.js';
import { startWorker } from './worker.js';

/** Options of a browser host. */
export interface BrowserHostOptions {
  /**
   * Creates the worker that boots a guest. The default is the file beside this module. Pass
   * `createWorker` of `@plinth/host-browser/inline` where a bundler or a CDN prevents that, or a
   * function that starts your own file which imports `@plinth/host-browser/plugin-worker`.
   */
  readonly createWorker?: () => Worker;
  /**
   * URL of this package's `plinth-frame.html`, with `plinth-frame.js` beside it: the page that
   * walled guests run in. Needed where the application's Content-Security-Policy forbids inline
   * scripts. When absent, frames have no file.
   */
  readonly frame?: string | URL;
  /**
   * Workers that are kept ready for the next plugins; 0 when absent. One saves a plugin its
   * start-up, some 10 ms. Frames, which are kept once one was needed, save most of their start-up
   * cost.
   */
  readonly spares?: number;
  /**
   * Whether guests may stop at breakpoints: then none is ended for being unresponsive or slow to
   * start. Browsers don't report this; false when absent.
   */
  readonly debug?: boolean;
}

/** Kinds of spares. Browsers set no heap limits, so all spares of one isolation are alike. */
const KINDS = { worker: 0, process: 1, sandbox: 2 } as const;
/** Milliseconds in which a spare must announce itself. */
const READY = 10_000;

/**
 * Launches guests as Web Workers (`worker`), which contain a plugin's faults but are no wall
 * against hostile code; in frames without network access (`process`); and in such frames with
 * hardened JavaScript (`sandbox`).
 *
 * @throws PluginConfigurationError `kernel/invalid-option`.
 */
export function browserHost(options: BrowserHostOptions = {}): Host {
  checkOptionNames('browserHost', options, ['createWorker', 'frame', 'spares', 'debug']);
  const { createWorker, frame, spares = 0, debug = false } = options;
  if (!Number.isSafeInteger(spares) || spares < 0)
    throw createError(
      'kernel/invalid-option',
      `'spares' must be a whole number, not ${messageOf(spares)}`,
    );
  const turns = createTurns();
  const page = frame === undefined ? undefined : () => new URL(frame, location.href).href;
  const startFrame: typeof import('./frame.js').startFrame = async (...args) =>
    (await import('./frame.js')).startFrame(...args);
  const pool = new SparePool<Guest>(spares, async (kind) => {
    if (kind !== KINDS.worker) return startFrame('spare', kind === KINDS.sandbox, READY, page?.());
    const guest = await startWorker('spare', READY, createWorker);
    guest.endpoint.postMessage(WARM_UP);
    return guest;
  });
  return {
    runtime: 'browser',
    isolations: ['worker', 'process', 'sandbox'],
    // Frames need a page.
    offers: (isolation) => isolation === 'worker' || typeof document !== 'undefined',
    send: sendRequest,
    async launch(request) {
      const { isolation, plugin, limits } = request;
      const spare = pool.take(KINDS[isolation as keyof typeof KINDS]);
      if (spare !== undefined) return spare;
      return isolation === 'worker'
        ? startWorker(plugin.id, limits.ready, createWorker)
        : startFrame(plugin.id, isolation === 'sandbox', limits.ready, page?.());
    },
    system: () => ({ versions: { browser: navigator.userAgent } }),
    defer: turns.next,
    debugged: () => debug,
    prepare: () => pool.fill(KINDS.worker),
    async close() {
      turns.close();
      await pool.close();
    },
  };
}
