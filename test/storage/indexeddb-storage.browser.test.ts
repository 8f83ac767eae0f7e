/** IndexedDB storage: the suite, and what only browsers do to a database. */
import { createKernel, indexedDBStorage } from '@plinth/host-browser';
import { packageSource } from '@plinth/kernel';
import { PluginError } from '@plinth/sdk';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { rejection } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';
import { storageSuite } from './storage-suite.ts';

const newName = async () => `plinth-${crypto.randomUUID()}`;

storageSuite('IndexedDB', async (name) => indexedDBStorage(name ?? (await newName())), newName);

function deleteDatabase(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = () => resolve();
    request.onerror = () => reject(request.error);
    // Blocked while a connection closes; one that never closes would keep this from ending.
  });
}

it('indexedDBStorage() closes when the database is deleted elsewhere, and starts with an empty one', async () => {
  const name = await newName();
  const storage = indexedDBStorage(name);
  await storage.set('a', 1);
  await deleteDatabase(name);
  expect(await storage.get('a')).toBeUndefined();
  await storage.set('a', 2);
  expect(await storage.get('a')).toBe(2);
  await storage.close();
});

it('indexedDBStorage() holds no connection after close()', async () => {
  const name = await newName();
  const storage = indexedDBStorage(name);
  await storage.set('a', 1);
  await storage.close();
  await deleteDatabase(name);
  expect((await indexedDB.databases()).map((database) => database.name)).not.toContain(name);
});

/** A database created by another program. */
function foreignDatabase(
  name: string,
  version: number,
  make: (database: IDBDatabase) => void,
): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, version);
    request.onupgradeneeded = () => make(request.result);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

describe('indexedDBStorage() when the browser fails', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  });
  const failing = (name: string) => ({
    code: 'storage/failed',
    details: { database: name },
    message: expect.stringContaining(`'${name}'`),
  });

  it.each(['UnknownError', 'InvalidStateError', 'AbortError', 'SecurityError'])(
    'opens again after opening has failed with %s, and reports the reason',
    async (reason) => {
      const name = await newName();
      const storage = indexedDBStorage(name);
      vi.spyOn(IDBFactory.prototype, 'open').mockImplementationOnce(() => {
        throw new DOMException('the browser says no', reason);
      });
      const error = await rejection(storage.set('a', 1));
      expect(error).toBeInstanceOf(PluginError);
      expect(error).toMatchObject({ ...failing(name), details: { database: name, reason } });
      await storage.set('a', 2);
      expect(await storage.get('a')).toBe(2);
      await storage.close();
    },
  );

  it('opens again after the connection has ended without an event', async () => {
    const name = await newName();
    const storage = indexedDBStorage(name);
    const connections: IDBDatabase[] = [];
    const { transaction } = IDBDatabase.prototype;
    vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (
      this: IDBDatabase,
      ...args
    ) {
      connections.push(this);
      return transaction.apply(this, args);
    });
    await storage.set('a', 1);
    for (const use of [
      () => storage.get('a'),
      () => storage.update('a', (n) => (n as number) + 1),
      () => storage.keys(''),
      () => storage.set('b', 1),
      () => storage.clear('b'),
      () => storage.delete('b'),
    ]) {
      connections.at(-1)?.close();
      await use();
    }
    expect(await storage.get('a')).toBe(2);
    await storage.close();
  });

  it('continues after a transaction was aborted', async () => {
    const name = await newName();
    const storage = indexedDBStorage(name);
    await storage.set('a', 1);
    const { transaction } = IDBDatabase.prototype;
    vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementationOnce(function (
      this: IDBDatabase,
      ...args
    ) {
      const begun = transaction.apply(this, args);
      queueMicrotask(() => begun.abort());
      return begun;
    });
    expect(await rejection(storage.set('a', 2))).toMatchObject(failing(name));
    expect(await storage.get('a')).toBe(1);
    await storage.set('a', 3);
    expect(await storage.get('a')).toBe(3);
    await storage.close();
  });

  it.each<[string, number, (database: IDBDatabase) => void]>([
    ['without a store of ours', 1, (database) => database.createObjectStore('things')],
    ['of a later version', 7, (database) => database.createObjectStore('things')],
    [
      'with a store of our name and keys of its own',
      1,
      (database) => database.createObjectStore('values', { keyPath: 'id' }),
    ],
    ['with nothing in it', 1, () => {}],
  ])(
    'leaves a database %s unchanged and names the cure, until it is gone',
    async (_, version, make) => {
      const name = await newName();
      (await foreignDatabase(name, version, make)).close();
      const storage = indexedDBStorage(name);
      for (const use of [
        () => storage.get('a'),
        () => storage.set('a', 1),
        () => storage.clear(''),
        () => storage.update('a', () => 1),
      ]) {
        const error = await rejection(use());
        expect(error).toMatchObject(failing(name));
        expect(error.message).toContain('belongs to another program: choose another name');
      }
      expect(await storage.problem?.()).toMatchObject(failing(name));
      await deleteDatabase(name);
      expect(await storage.problem?.()).toBeUndefined();
      await storage.set('a', 1);
      expect(await storage.get('a')).toBe(1);
      await storage.close();
    },
  );

  it('reports that another tab keeps the database, and opens it when that closes', {
    timeout: 30_000,
  }, async () => {
    const name = await newName();
    // It ignores the request to delete the database, so the next opener has to wait.
    const other = await foreignDatabase(name, 1, (database) =>
      database.createObjectStore('values'),
    );
    const deleting = indexedDB.deleteDatabase(name);
    await new Promise((resolve) => {
      deleting.onblocked = resolve;
    });
    const storage = indexedDBStorage(name);
    const error = await rejection(storage.get('a'));
    expect(error).toMatchObject(failing(name));
    expect(error.message).toContain('Close the other tabs');
    other.close();
    await storage.set('a', 1);
    expect(await storage.get('a')).toBe(1);
    await storage.close();
  });

  it('reports that there is no IndexedDB, and the cure', async () => {
    vi.stubGlobal('indexedDB', undefined);
    const storage = indexedDBStorage('nowhere');
    for (const use of [() => storage.get('a'), () => storage.set('a', 1), () => storage.keys('')]) {
      const error = await rejection(use());
      expect(error).toMatchObject(failing('nowhere'));
      expect(error.message).toContain('to keep data in memory');
    }
    await storage.close();
  });

  it('reports that the browser stores nothing for this page, and the cure', async () => {
    vi.spyOn(IDBFactory.prototype, 'open').mockImplementation(() => {
      throw new DOMException('denied', 'SecurityError');
    });
    const error = await rejection(indexedDBStorage('private').get('a'));
    expect(error).toMatchObject(failing('private'));
    expect(error.message).toMatch(/private window.*to keep data in memory/);
  });

  it('update() of a value that cannot be stored is a typed error, and the old one stays', async () => {
    const storage = indexedDBStorage(await newName());
    await storage.set('a', 1);
    expect(await rejection(storage.update('a', () => () => 1))).toMatchObject({
      code: 'storage/failed',
      details: { reason: 'DataCloneError' },
    });
    expect(await storage.get('a')).toBe(1);
    await storage.close();
  });

  it('clear() of a prefix is one transaction', async () => {
    const storage = indexedDBStorage(await newName());
    await Promise.all(['a1', 'a2', 'b', 'a\uffff'].map((key) => storage.set(key, key)));
    const begun = vi.spyOn(IDBDatabase.prototype, 'transaction');
    await storage.clear('a');
    expect(begun).toHaveBeenCalledTimes(1);
    expect(await storage.keys('')).toEqual(['b']);
    await storage.close();
  });

  it('a kernel reports that its database was deleted, and continues', async () => {
    const name = await newName();
    const plugin = pluginOf(
      'test.a',
      "ctx.commands.handle('count', () => ctx.storage.update('n', (n = 0) => n + 1));",
      { permissions: { storage: { read: true, write: true } } },
    );
    const kernel = await createKernel({
      data: name,
      isolation: 'inline',
      sources: [packageSource([plugin])],
    });
    onTestFinished(() => kernel.stop());
    await kernel.start();
    expect(await kernel.commands.execute('test.a:count')).toBe(1);
    await deleteDatabase(name);
    expect(await kernel.commands.execute('test.a:count')).toBe(1);
    const { status, problems } = await kernel.health();
    expect(status).toBe('degraded');
    expect(problems.map(({ message }) => message).join()).toContain(
      `'${name}' was deleted while it was in use`,
    );
  });
});
