/** Storages for tests. */
import type { StorageAdapter } from '@plinth/kernel';

/** The same storage, which outlives the kernels that use it; the test that opened it closes it. */
export function outliving(storage: StorageAdapter): StorageAdapter {
  return {
    get: (key) => storage.get(key),
    set: (key, value) => storage.set(key, value),
    delete: (key) => storage.delete(key),
    keys: (prefix) => storage.keys(prefix),
    clear: (prefix) => storage.clear(prefix),
    update: (key, change) => storage.update(key, change),
    close: async () => {},
  };
}
