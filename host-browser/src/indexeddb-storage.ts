/**
 * Storage in IndexedDB: survives the page, shared by every tab of the origin. Writes are strict (acknowledged when they
 * are on the disk), and read-change-write is one transaction, so two tabs lose no update.
 */
import type { StorageAdapter } from '@plinth/kernel';
import { createError } from '@plinth/sdk/contract';
import { clear, delMany, get, keys, set, type UseStore } from 'idb-keyval';

const STORE = 'values';

/**
 * Opens a database as storage; made when it is first used.
 *
 * @example
 * const kernel = await createKernel({ plugins, storage: indexedDBStorage('my-app') });
 */
export function indexedDBStorage(name: string): StorageAdapter {
  const { store, close } = openStore(name);
  return {
    get: (key) => guarded(name, () => get(key, store)),
    set: (key, value) => guarded(name, () => set(key, value, store)),
    async delete(key) {
      let existed = false;
      await guarded(name, () =>
        updateIn(
          key,
          (current) => {
            existed = current !== undefined;
            return undefined;
          },
          store,
        ),
      );
      return existed;
    },
    keys: (prefix) => guarded(name, () => keysWith(prefix, store)),
    async clear(prefix) {
      if (prefix === '') return guarded(name, () => clear(store));
      const found = await guarded(name, () => keysWith(prefix, store));
      await guarded(name, () => delMany([...found], store));
    },
    update: (key, change) => guarded(name, () => updateIn(key, change, store)),
    close,
  };
}

/** Read, change and write in one transaction. A change that throws aborts it, and that is what the caller gets. */
function updateIn(key: string, change: (current: unknown) => unknown, store: UseStore): Promise<void> {
  return store(
    'readwrite',
    (values) =>
      new Promise<void>((resolve, reject) => {
        const { transaction } = values;
        let thrown: { readonly error: unknown } | undefined;
        const request = values.get(key);
        request.onsuccess = () => {
          try {
            const current: unknown = request.result;
            const next = change(current);
            if (next === undefined) values.delete(key);
            else values.put(next, key);
          } catch (error) {
            thrown = { error };
            transaction.abort();
          }
        };
        transaction.oncomplete = () => resolve();
        transaction.onabort = () => reject(thrown === undefined ? (transaction.error ?? new Error('the transaction was aborted')) : new ChangeFailed(thrown.error));
      }),
  );
}

function keysWith(prefix: string, store: UseStore): Promise<readonly string[]> {
  if (prefix === '') return keys<string>(store);
  return store('readonly', (values) => {
    const request = values.getAllKeys(startsWith(prefix));
    return new Promise<string[]>((resolve, reject) => {
      request.onsuccess = () => resolve(request.result as string[]);
      request.onerror = () => reject(request.error);
    });
  });
}

/** Every text that starts with a prefix: up to the next text of its length, excluded. */
function startsWith(prefix: string): IDBKeyRange {
  const stem = prefix.replace(/\uffff+$/, '');
  if (stem === '') return IDBKeyRange.lowerBound(prefix);
  const last = stem.length - 1;
  return IDBKeyRange.bound(prefix, stem.slice(0, last) + String.fromCharCode(stem.charCodeAt(last) + 1), false, true);
}

/** What a change threw: the caller's own, not a failure of the database. */
class ChangeFailed {
  readonly thrown: unknown;
  constructor(thrown: unknown) {
    this.thrown = thrown;
  }
}

/** idb-keyval takes any store: ours asks for strict durability, and reopens when the browser has closed the database. */
function openStore(name: string): { readonly store: UseStore; close(): Promise<void> } {
  let opened: Promise<IDBDatabase> | undefined;
  let closed = false;
  const open = () => {
    if (closed) throw createError('storage/failed', `IndexedDB '${name}' was closed`, { details: { database: name } });
    opened ??= new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open(name);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE);
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const database = request.result;
        const forget = () => {
          opened = undefined;
        };
        database.onclose = forget;
        // Another tab wants to delete or upgrade it: let go, and open again when needed.
        database.onversionchange = () => {
          forget();
          database.close();
        };
        resolve(database);
      };
    });
    return opened;
  };
  return {
    store: async (mode, run) => run((await open()).transaction(STORE, mode, { durability: 'strict' }).objectStore(STORE)),
    async close() {
      closed = true;
      const closing = opened;
      opened = undefined;
      (await closing?.catch(() => undefined))?.close();
    },
  };
}

async function guarded<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof ChangeFailed) throw cause.thrown;
    if (String((cause as { code?: unknown } | null)?.code).includes('/')) throw cause;
    const full = (cause as DOMException).name === 'QuotaExceededError';
    const what = full ? 'the browser gives this origin no more space' : (cause as Error).message;
    throw createError('storage/failed', `IndexedDB '${name}' failed: ${what}`, { details: { database: name }, cause });
  }
}
