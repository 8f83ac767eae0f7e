/** A storage whose disk can be full on demand, for the chaos panel. */
import type { StorageAdapter } from '@plinth/host-browser';

/** A storage, and the switch that makes each of its writes fail. */
export interface FaultStorage {
  readonly storage: StorageAdapter;
  full: boolean;
}

/** Wraps a storage. Reads and deletions go on while the disk is full, as they do on a real one. */
export function faultStorage(real: StorageAdapter): FaultStorage {
  const faults: FaultStorage = {
    full: false,
    storage: {
      get: (key) => real.get(key),
      async set(key, value) {
        refuse();
        await real.set(key, value);
      },
      async update(key, change) {
        refuse();
        await real.update(key, change);
      },
      delete: (key) => real.delete(key),
      keys: (prefix) => real.keys(prefix),
      clear: (prefix) => real.clear(prefix),
      close: () => real.close(),
      cost: real.cost?.bind(real),
      sizes: real.sizes?.bind(real),
      problem: real.problem?.bind(real),
      onCorrupt: real.onCorrupt?.bind(real),
    },
  };
  const refuse = () => {
    if (faults.full) throw new Error('the disk is full: the chaos panel says so');
  };
  return faults;
}
