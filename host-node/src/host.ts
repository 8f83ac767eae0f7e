/** The Node host: one worker thread per plugin, or one walled process. */

import { AsyncLocalStorage } from 'node:async_hooks';
import { availableParallelism, loadavg } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { type Host, type LaunchRequest, SparePool } from '@plinth/kernel';
import { checkOptionNames, createError, messageOf } from '@plinth/sdk/contract';
import { contextOver } from './async-context.js';
import { files } from './files.js';
import { ProcessLauncher } from './process.js';
import { type IdleWorker, startWorker, type WorkerSettings } from './worker.js';

/** Options of a Node host. */
export interface NodeHostOptions {
  /**
   * Creates the worker that boots a guest, for applications that bundle their own entry file. It
   * must run `@plinth/host-node/plugin-worker` and use the settings as given.
   */
  readonly createWorker?: (settings: WorkerSettings) => Worker;
  /**
   * Workers that are kept ready for the next plugins; 0 when absent. One costs about as much memory
   * as an idle plugin and saves its start-up, some 20 ms. Heap limits are fixed when a worker
   * starts, so with spares `resources.memory` is rounded up to 64, 128 or 256 MB; a larger one
   * starts its own worker.
   */
  readonly spares?: number;
  /**
   * Whether guests may stop at breakpoints: then none is ended for being unresponsive or slow to
   * start. Defaults to whether this process's inspector is open (`node --inspect`).
   */
  readonly debug?: boolean;
}

/** Heap limits of spares in bytes; 0 means none. */
const MEMORY_CLASSES = [64_000_000, 128_000_000, 256_000_000];
const NO_LIMIT = 0;
/** Milliseconds in which a spare must announce itself. */
const READY = 10_000;

/**
 * Launches guests as worker threads (`worker`), which contain a plugin's faults but are no wall
 * against hostile code; as processes that can access nothing (`process`); and as such processes
 * with hardened JavaScript (`sandbox`).
 *
 * @throws PluginConfigurationError `kernel/invalid-option`.
 */
export function nodeHost(options: NodeHostOptions = {}): Host {
  checkOptionNames('nodeHost', options, ['createWorker', 'spares', 'debug']);
  const { createWorker, spares = 0, debug } = options;
  if (!Number.isSafeInteger(spares) || spares < 0)
    throw createError(
      'kernel/invalid-option',
      `'spares' must be a whole number, not ${messageOf(spares)}`,
    );
  const pool = new SparePool<IdleWorker>(spares, async (memory) => {
    const worker = await startWorker({
      label: 'spare',
      memory: memory === NO_LIMIT ? undefined : memory,
      ready: READY,
      createWorker,
    });
    worker.warmUp();
    return worker;
  });
  const processes = new ProcessLauncher(spares);
  return {
    runtime: 'node',
    isolations: ['worker', 'process', 'sandbox'],
    // Only Node itself has the permission model that walls a process.
    offers: (isolation) =>
      isolation === 'worker' || process.allowedNodeEnvironmentFlags?.has('--permission') === true,
    // Node's HTTP takes tens of milliseconds to load.
    send: async (request) => (await import('./network.js')).sendRequest(request),
    files,
    environment: (name) => (Object.hasOwn(process.env, name) ? process.env[name] : undefined),
    async launch(request) {
      if (request.isolation !== 'worker') return processes.launch(request);
      const kind = classOf(request);
      const worker =
        (kind === undefined ? undefined : pool.take(kind)) ??
        (await startWorker({ label: request.plugin.id, ...request.limits, createWorker }));
      return worker.adopt(request);
    },
    system: () => ({
      versions: { node: process.version.slice(1) },
      memory: process.memoryUsage.rss(),
      cpu: (loadavg()[0] ?? 0) / availableParallelism(),
    }),
    defer: (task) => void setImmediate(task),
    context: contextOver(AsyncLocalStorage),
    debugged: () => debug ?? isInspected(),
    prepare: () => pool.fill(NO_LIMIT),
    async close() {
      await pool.close();
      await processes.close();
    },
  };
}

/**
 * Whether a debugger is or can be attached to this process. Not every runtime with Node's API has
 * an inspector.
 */
function isInspected(): boolean {
  try {
    return process.getBuiltinModule('node:inspector').url() !== undefined;
  } catch {
    return false;
  }
}

/** The smallest class of spares that fits; none for a limit above all of them. */
function classOf({ limits: { memory } }: LaunchRequest): number | undefined {
  return memory === undefined ? NO_LIMIT : MEMORY_CLASSES.find((limit) => memory <= limit);
}
