/** Where the databases of these tests are: in the file system. */
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';

/** Whether a process works on the databases. */
export const inNode = true as boolean;

const folders = new Set<string>();
afterEach(async () => {
  await Promise.all([...folders].map((folder) => rm(folder, { recursive: true, force: true })));
  folders.clear();
});

/** A folder that is deleted after the test. */
export async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'plinth-sql-'));
  folders.add(made);
  return made;
}

/** The content of a file. */
export const read = async (path: string): Promise<Uint8Array> => readFileSync(path);

/** Writes a file. */
export const write = async (path: string, text: string): Promise<void> => writeFileSync(path, text);
