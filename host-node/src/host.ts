/** The Node host: one worker thread a plugin. */
import type { Host } from '@plinth/kernel';
import type { Worker } from 'node:worker_threads';
import { launchWorker, type WorkerSettings } from './worker.js';

/** How a Node host is made. */
export interface NodeHostOptions {
  /**
   * Makes the worker that boots a guest, for applications that bundle their own entry file: it must run
   * `@plinth/host-node/plugin-worker` and use the settings as given.
   */
  readonly createWorker?: (settings: WorkerSettings) => Worker;
}

/** Launches guests as worker threads: a fault is the plugin's own, but it is not a wall against hostile code. */
export function nodeHost(options: NodeHostOptions = {}): Host {
  return {
    runtime: 'node',
    isolations: ['worker'],
    launch: (request) => launchWorker(request, options.createWorker),
    defer: (task) => void setImmediate(task),
  };
}
