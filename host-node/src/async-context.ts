/**
 * Carries the context of a plugin's handlers across their awaits, where a runtime has
 * `AsyncLocalStorage`.
 */

import type { AsyncLocalStorage } from 'node:async_hooks';
import type { ContextPort } from '@plinth/sdk/guest';

/**
 * Returns a factory of one context per guest. The class is a parameter, because a walled process
 * gets it from outside.
 */
export function contextOver(Storage: typeof AsyncLocalStorage): () => ContextPort {
  return () => {
    const storage = new Storage<unknown>();
    return { run: (value, work) => storage.run(value, work), current: () => storage.getStore() };
  };
}
