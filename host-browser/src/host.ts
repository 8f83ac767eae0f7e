/** The browser host: one Web Worker a plugin. */
import type { Host } from '@plinth/kernel';
import { launchWorker } from './worker.js';

/** How a browser host is made. */
export interface BrowserHostOptions {
  /**
   * Makes the worker that boots a guest. The default is the file beside this module; pass `createWorker` of
   * `@plinth/host-browser/inline` where a bundler or a content delivery network gets in the way, or a function that
   * starts your own file which imports `@plinth/host-browser/plugin-worker`.
   */
  readonly createWorker?: () => Worker;
}

/** Launches guests as Web Workers: a fault is the plugin's own, but it is not a wall against hostile code. */
export function browserHost(options: BrowserHostOptions = {}): Host {
  const turns = createTurns();
  return {
    runtime: 'browser',
    isolations: ['worker'],
    launch: (request) => launchWorker(request, options.createWorker),
    defer: turns.next,
    close: async () => turns.close(),
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
