/** Where the databases of these tests are: in the browser's private file system. */
import { onTestFinished } from 'vitest';

/** Whether a process works on the databases. */
export const inNode = false as boolean;

/** A folder that is deleted after the test, when its kernels have stopped. */
export async function folder(): Promise<string> {
  const name = `sql-${crypto.randomUUID()}`;
  onTestFinished(async () => {
    const root = await navigator.storage.getDirectory();
    await root.removeEntry(name, { recursive: true }).catch(() => {});
  });
  return name;
}

/** The content of a file. */
export const read = async (path: string): Promise<Uint8Array> =>
  new Uint8Array(await (await (await fileAt(path)).getFile()).arrayBuffer());

/** Writes a file. */
export async function write(path: string, text: string): Promise<void> {
  const file = await (await fileAt(path)).createWritable();
  await file.write(text);
  await file.close();
}

/** A file, which is made if it isn't there. */
async function fileAt(path: string): Promise<FileSystemFileHandle> {
  const names = path.split('/');
  let at = await navigator.storage.getDirectory();
  for (const name of names.slice(0, -1)) at = await at.getDirectoryHandle(name, { create: true });
  return at.getFileHandle(names.at(-1) as string, { create: true });
}
