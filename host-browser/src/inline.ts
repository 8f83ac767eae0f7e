/**
 * The worker as text inside the bundle: for esbuild, Rollup, and libraries served from another origin, where the
 * default worker file isn't beside the page's script. Needs `worker-src blob:` where a Content-Security-Policy is set.
 *
 * @module
 */
import { source } from './worker-source.js';

/**
 * Starts a guest worker from text.
 *
 * @example
 * import { createWorker } from '@plinth/host-browser/inline';
 * const kernel = await createKernel({ host: browserHost({ createWorker }), plugins });
 */
export function createWorker(): Worker {
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  const worker = new Worker(url, { type: 'module', name: 'plinth' });
  // By its first event the worker has fetched the text, or failed to.
  const release = () => URL.revokeObjectURL(url);
  worker.addEventListener('message', release, { once: true });
  worker.addEventListener('error', release, { once: true });
  return worker;
}
