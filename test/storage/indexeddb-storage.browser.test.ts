/** IndexedDB storage: the suite, and what only a browser does to a database. */
import { indexedDBStorage } from '@plinth/host-browser';
import { expect, it } from 'vitest';
import { storageSuite } from './storage-suite.ts';

const newName = async () => `plinth-${crypto.randomUUID()}`;

storageSuite('IndexedDB', async (name) => indexedDBStorage(name ?? (await newName())), newName);

function deleteDatabase(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = () => resolve();
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error('blocked by an open connection'));
  });
}

it('indexedDBStorage() lets go when somebody deletes the database, and starts afresh', async () => {
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
