/** Files of the browser's private file system, as a worker has them open. */

/** A file that this worker alone has open: `FileSystemSyncAccessHandle`. */
export interface SyncFile {
  read(into: Uint8Array, options: { readonly at: number }): number;
  write(from: Uint8Array, options: { readonly at: number }): number;
  truncate(size: number): void;
  getSize(): number;
  flush(): void;
  close(): void;
}

/** Tries to open a file that the end of another worker is about to free, and milliseconds between. */
const TRIES = 10;
const AGAIN = 10;

/** The folder of a path from the root, and the name of its file. */
export function splitPath(path: string): { readonly folders: readonly string[]; name: string } {
  const parts = path.split('/');
  return { folders: parts.slice(0, -1), name: parts.at(-1) ?? '' };
}

/** A folder. Undefined: it isn't there, and isn't to be made. */
export async function folderAt(
  folders: readonly string[],
  create: boolean,
): Promise<FileSystemDirectoryHandle | undefined> {
  try {
    let folder = await navigator.storage.getDirectory();
    for (const name of folders) folder = await folder.getDirectoryHandle(name, { create });
    return folder;
  } catch (error) {
    if (!create && isAbsent(error)) return undefined;
    throw error;
  }
}

/** Opens a file, which is made when that is allowed. */
export async function openFile(path: string, create: boolean): Promise<SyncFile> {
  const { folders, name } = splitPath(path);
  const folder = await folderAt(folders, create);
  if (folder === undefined) throw new Error(`there is no file ${name}`);
  const handle = (await folder.getFileHandle(name, { create })) as FileSystemFileHandle & {
    createSyncAccessHandle(): Promise<SyncFile>;
  };
  for (let attempt = 1; ; attempt++)
    try {
      return await handle.createSyncAccessHandle();
    } catch (error) {
      // A worker that has ended frees its locks first, and its files soon after.
      if (attempt >= TRIES || !isInUse(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
}

/** Deletes a file. One that isn't there is deleted already. */
export async function deleteFile(path: string): Promise<void> {
  const { folders, name } = splitPath(path);
  const folder = await folderAt(folders, false);
  await folder?.removeEntry(name).catch((error: unknown) => {
    if (!isAbsent(error)) throw error;
  });
}

/** The content of a file. Undefined: it isn't there. */
export async function contentOf(path: string): Promise<File | undefined> {
  const { folders, name } = splitPath(path);
  try {
    return await (await (await folderAt(folders, false))?.getFileHandle(name))?.getFile();
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** Whether another worker has a file open. */
export const isInUse = (error: unknown): boolean =>
  (error as DOMException | undefined)?.name === 'NoModificationAllowedError';

/** Whether there is no file or folder of that name. */
export const isAbsent = (error: unknown): boolean =>
  (error as DOMException | undefined)?.name === 'NotFoundError';
