/** The Node host: one worker thread a plugin, or one process behind a wall. */
import { type Host, type LaunchRequest, SparePool } from '@plinth/kernel';
import { createError } from '@plinth/sdk/contract';
import type { Worker } from 'node:worker_threads';
import { files } from './files.js';
import { sendRequest } from './network.js';
import { ProcessLauncher } from './process.js';
import { type IdleWorker, startWorker, type WorkerSettings } from './worker.js';

/** How a Node host is made. */
export interface NodeHostOptions {
  /**
   * Makes the worker that boots a guest, for applications that bundle their own entry file: it must run
   * `@plinth/host-node/plugin-worker` and use the settings as given.
   */
  readonly createWorker?: (settings: WorkerSettings) => Worker;
  /**
   * Workers that are kept started for the next plugin; 0 when absent. One costs about as much memory as an idle plugin
   * and saves its spawn, some 20 ms. Heap limits are fixed when a worker starts, so with spares `resources.memory`
   * is rounded up to 64, 128 or 256 MB; a larger one starts its own.
   */
  readonly spares?: number;
}

/** Heap limits of spares in bytes; 0 has none. */
const MEMORY_CLASSES = [64_000_000, 128_000_000, 256_000_000];
const NO_LIMIT = 0;
/** Milliseconds until a spare must have announced itself. */
const READY = 10_000;

/**
 * Launches guests as worker threads, where a fault is the plugin's own, but which are no wall against hostile code; as processes that may
 * reach nothing (`process`); and as such processes with hardened JavaScript in them (`sandbox`).
 *
 * @throws PluginConfigurationError `kernel/invalid-option`.
 */
export function nodeHost({ createWorker, spares = 0 }: NodeHostOptions = {}): Host {
  if (!Number.isSafeInteger(spares) || spares < 0) throw createError('kernel/invalid-option', `'spares' must be a whole number, not ${String(spares)}`);
  const pool = new SparePool<IdleWorker>(spares, async (memory) => {
    const worker = await startWorker({ label: 'spare', memory: memory === NO_LIMIT ? undefined : memory, ready: READY, createWorker });
    worker.rehearse();
    return worker;
  });
  const processes = new ProcessLauncher(spares);
  return {
    runtime: 'node',
    isolations: ['worker', 'process', 'sandbox'],
    send: sendRequest,
    files,
    environment: (name) => (Object.hasOwn(process.env, name) ? process.env[name] : undefined),
    async launch(request) {
      if (request.isolation !== 'worker') return processes.launch(request);
      const kind = classOf(request);
      const worker = (kind === undefined ? undefined : pool.take(kind)) ?? (await startWorker({ label: request.plugin.id, ...request.limits, createWorker }));
      return worker.adopt(request);
    },
    defer: (task) => void setImmediate(task),
    prepare: () => pool.fill(NO_LIMIT),
    async close() {
      await pool.close();
      await processes.close();
    },
  };
}

/** The kind of spare that fits; none is kept for what is larger than all of them. */
function classOf({ limits: { memory } }: LaunchRequest): number | undefined {
  return memory === undefined ? NO_LIMIT : MEMORY_CLASSES.find((limit) => memory <= limit);
}
