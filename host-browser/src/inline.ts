/**
 * The worker as text inside the bundle. For esbuild, Rollup, and libraries served from another
 * origin, where the default worker file isn't beside the page's script. A Content-Security-Policy
 * must allow `worker-src blob:`, and `trusted-types plinth` where it requires Trusted Types.
 *
 * @module
 */
import { trustedUrl } from './trusted.js';
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
  const worker = new Worker(trustedUrl(url), { type: 'module', name: 'plinth' });
  // When its first event fires, the worker has fetched the text or failed to.
  const release = () => URL.revokeObjectURL(url);
  worker.addEventListener('message', release, { once: true });
  worker.addEventListener('error', release, { once: true });
  return worker;
}
