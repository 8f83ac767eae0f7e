/** Copies of databases as bytes. They pass through a file that only this user can read. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeptDatabases } from './databases.js';

/** A copy of a plugin's database. Undefined for a plugin without one. */
export async function copyOf(
  databases: KeptDatabases,
  plugin: string,
): Promise<Uint8Array | undefined> {
  const all = await databases.list();
  if (!all.some((one) => one.plugin === plugin)) return undefined;
  return withFile(async (file) => {
    await databases.backup(plugin, file);
    return readFile(file);
  });
}

/** Puts a copy in the place of a plugin's database. Without a copy the database is deleted. */
export async function putCopy(
  databases: KeptDatabases,
  plugin: string,
  copy: Uint8Array | undefined,
): Promise<void> {
  if (copy === undefined) return databases.purge(plugin);
  await withFile(async (file) => {
    await writeFile(file, copy, { mode: 0o600 });
    await databases.restore(plugin, file);
  });
}

async function withFile<T>(work: (file: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'plinth-copy-'));
  try {
    return await work(join(folder, 'copy'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
