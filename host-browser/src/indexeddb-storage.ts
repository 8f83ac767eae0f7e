/**
 * Storage in IndexedDB: survives the page, shared by every tab of the origin. Writes are strict
 * (acknowledged when they are on disk). A read-modify-write is one transaction, so concurrent tabs
 * lose no update.
 */
import type { StorageAdapter } from '@plinth/kernel';
import { createError, PluginError } from '@plinth/sdk/contract';
import { clear, get, keys, set, type UseStore } from 'idb-keyval';

const STORE = 'values';

/** Milliseconds for which opening waits for other tabs. */
const OPEN_TIMEOUT = 5_000;

/**
 * Opens a database as storage. It is created on first use. A failed connection is retried with the
 * next operation, because a page may get its database back at any time.
 *
 * Each operation rejects with `storage/failed`, which names the database and the cure, when
 * IndexedDB is missing, the browser stores no data for the page, or the database is full or belongs
 * to another program.
 *
 * @example
 * const kernel = await createKernel({ plugins, storage: indexedDBStorage('my-app') });
 */
export function indexedDBStorage(name: string): StorageAdapter {
  const listeners = new Set<(problem: PluginError) => void>();
  const { store, close } = openStore(name, () => {
    const lost = createError(
      'storage/failed',
      `IndexedDB '${name}' was deleted while it was in use: it was made again, and what was in it is gone`,
      {
        details: { database: name },
      },
    );
    for (const tell of listeners) tell(lost);
  });
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
    clear: (prefix) =>
      guarded(name, () => (prefix === '' ? clear(store) : clearWith(prefix, store))),
    onCorrupt: (listener) => void listeners.add(listener),
    problem: () =>
      guarded(name, () => get('', store)).then(
        () => undefined,
        (error: PluginError) => error,
      ),
    update: (key, change) => guarded(name, () => updateIn(key, change, store)),
    close,
  };
}

/**
 * Reads, changes and writes in one transaction. If the change throws, the transaction aborts and
 * the caller gets that error.
 */
function updateIn(
  key: string,
  change: (current: unknown) => unknown,
  store: UseStore,
): Promise<void> {
  return store(
    'readwrite',
    (values) =>
      new Promise<void>((resolve, reject) => {
        const { transaction } = values;
        let thrown: { readonly error: unknown } | undefined;
        const request = values.get(key);
        request.onsuccess = () => {
          try {
            const next = changed(change, request.result);
            if (next === undefined) values.delete(key);
            else values.put(next, key);
          } catch (error) {
            thrown = { error };
            transaction.abort();
          }
        };
        transaction.oncomplete = () => resolve();
        transaction.onabort = () =>
          reject(thrown?.error ?? transaction.error ?? new Error('the transaction was aborted'));
      }),
  );
}

function changed(change: (current: unknown) => unknown, current: unknown): unknown {
  try {
    return change(current);
  } catch (error) {
    throw new ChangeFailed(error);
  }
}

/** Deletes in one transaction: all of them, or none. */
function clearWith(prefix: string, store: UseStore): Promise<void> {
  return store('readwrite', (values) => {
    const { transaction } = values;
    values.delete(startsWith(prefix));
    return new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () =>
        reject(transaction.error ?? new Error('the transaction was aborted'));
    });
  });
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

/** The range of texts that start with a prefix: up to the next text of its length, excluded. */
function startsWith(prefix: string): IDBKeyRange {
  const stem = prefix.replace(/\uffff+$/, '');
  if (stem === '') return IDBKeyRange.lowerBound(prefix);
  const last = stem.length - 1;
  return IDBKeyRange.bound(
    prefix,
    stem.slice(0, last) + String.fromCharCode(stem.charCodeAt(last) + 1),
    false,
    true,
  );
}

/** The error that a change threw: the caller's own, not a failure of the database. */
class ChangeFailed {
  readonly thrown: unknown;
  constructor(thrown: unknown) {
    this.thrown = thrown;
  }
}

/**
 * idb-keyval accepts any store. This one asks for strict durability, and opens again after the
 * connection has ended for any reason.
 *
 * @param lost called when a database that existed is gone.
 */
function openStore(
  name: string,
  lost: () => void,
): { readonly store: UseStore; close(): Promise<void> } {
  let opened: Promise<IDBDatabase> | undefined;
  /** The database that {@link opened} resolved to. */
  let live: IDBDatabase | undefined;
  let known = false;
  let closed = false;
  /** Running transactions finish; the next operation gets a new connection. */
  const leave = (database: IDBDatabase) => {
    database.close();
    if (live !== database) return;
    live = undefined;
    opened = undefined;
  };
  const open = () => {
    if (closed)
      throw createError('storage/failed', `IndexedDB '${name}' was closed`, {
        details: { database: name },
      });
    if (opened !== undefined) return opened;
    const opening = openDatabase(name, leave).then(({ database, made }) => {
      // The connection was closed, or opened again, before this one was ready.
      if (opened !== opening) database.close();
      else live = database;
      if (made && known) lost();
      known = true;
      return database;
    });
    opened = opening;
    // The next operation opens it again.
    opening.catch(() => {
      if (opened === opening) opened = undefined;
    });
    return opening;
  };
  const valuesOf = (database: IDBDatabase, mode: IDBTransactionMode) =>
    database.transaction(STORE, mode, { durability: 'strict' }).objectStore(STORE);
  const begin = async (mode: IDBTransactionMode) => {
    const database = await open();
    try {
      return valuesOf(database, mode);
    } catch (cause) {
      // The connection has ended, and not every browser reports it. Nothing was done yet.
      if ((cause as DOMException).name !== 'InvalidStateError') throw cause;
      leave(database);
      return valuesOf(await open(), mode);
    }
  };
  return {
    store: async (mode, run) => {
      const values = await begin(mode);
      try {
        return await run(values);
      } catch (error) {
        if (isBroken(error)) leave(values.transaction.db);
        throw error;
      }
    },
    async close() {
      closed = true;
      const closing = opened;
      opened = undefined;
      live = undefined;
      (await closing?.catch(() => undefined))?.close();
    },
  };
}

/** Errors of the connection, not of the operation. */
const isBroken = (error: unknown) =>
  [
    'UnknownError',
    'InvalidStateError',
    'AbortError',
    'NotFoundError',
    'TransactionInactiveError',
  ].includes((error as DOMException | null)?.name ?? '');

/** @param leave called when the connection must not be used any more. */
function openDatabase(
  name: string,
  leave: (database: IDBDatabase) => void,
): Promise<{ readonly database: IDBDatabase; readonly made: boolean }> {
  return new Promise((resolve, reject) => {
    let made = false;
    let waitsFor = 'the browser does not open it';
    let over = false;
    const request = indexedDB.open(name);
    const timer = setTimeout(() => {
      over = true;
      reject(
        new Error(
          `${waitsFor}: nothing has happened for ${OPEN_TIMEOUT} ms. Close the other tabs of this origin, or reload them`,
        ),
      );
    }, OPEN_TIMEOUT);
    request.onblocked = () => {
      waitsFor = 'another tab holds an older version of it';
    };
    request.onupgradeneeded = () => {
      // A version above 1 was made by another program, and so was its content.
      made = true;
      request.result.createObjectStore(STORE);
    };
    request.onerror = () => {
      clearTimeout(timer);
      reject(request.error);
    };
    request.onsuccess = () => {
      clearTimeout(timer);
      const database = request.result;
      if (over) return database.close();
      database.onclose = () => leave(database);
      // Another tab wants to delete or upgrade it: close, and open again when needed.
      database.onversionchange = () => leave(database);
      if (hasOurFormat(database)) return resolve({ database, made });
      database.close();
      reject(
        createError(
          'storage/failed',
          `IndexedDB '${name}' belongs to another program: choose another name`,
          { details: { database: name } },
        ),
      );
    };
  });
}

/** Whether a database has the format of this storage. */
function hasOurFormat(database: IDBDatabase): boolean {
  if (!database.objectStoreNames.contains(STORE)) return false;
  const { keyPath, autoIncrement } = database.transaction(STORE, 'readonly').objectStore(STORE);
  return keyPath === null && !autoIncrement;
}

async function guarded<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof ChangeFailed) throw cause.thrown;
    if (cause instanceof PluginError) throw cause;
    const reason = (cause as DOMException | null)?.name;
    throw createError('storage/failed', `IndexedDB '${name}' failed: ${reasonOf(cause)}`, {
      details: { database: name, ...(reason && { reason }) },
      cause,
    });
  }
}

/** The meaning of a failure, and its cure. */
function reasonOf(cause: unknown): string {
  if (typeof indexedDB === 'undefined')
    return 'there is none here: give createKernel another storage, or none to keep data in memory';
  const { name, message } = cause as DOMException;
  switch (name) {
    case 'QuotaExceededError':
      return 'the browser gives this origin no more space: delete what is not needed, or ask for more with navigator.storage.persist()';
    case 'SecurityError':
      return 'the browser keeps no data for this page: it is in a private window or a sandboxed frame, or cookies are blocked. Give createKernel no storage to keep data in memory';
    case 'VersionError':
      return 'it belongs to another program: choose another name';
    default:
      return message || String(cause);
  }
}
