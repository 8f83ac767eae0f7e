/** Storage in memory: for tests, and for plugins whose data need not survive. */
import type { StorageAdapter } from '../host.js';

/** Keeps values in a Map. Each read and write copies the value, as real storage does. */
export function memoryStorage(): StorageAdapter {
  const values = new Map<string, unknown>();
  return {
    get: async (key) => structuredClone(values.get(key)),
    set: async (key, value) => void values.set(key, structuredClone(value)),
    delete: async (key) => values.delete(key),
    keys: async (prefix) => [...values.keys()].filter((key) => key.startsWith(prefix)),
    clear: async (prefix) => {
      for (const key of [...values.keys()]) if (key.startsWith(prefix)) values.delete(key);
    },
    update: async (key, change) => {
      const next = change(structuredClone(values.get(key)));
      if (next === undefined) values.delete(key);
      else values.set(key, structuredClone(next));
    },
    close: async () => values.clear(),
  };
}
