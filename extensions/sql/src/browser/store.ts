/** Where databases are in the browser's private file system. */
import { createError } from '@plinth/sdk/contract';
import type { FilesBeside } from '../sqlite/file-data.js';
import { PAGE, type Place } from '../sqlite/protocol.js';
import { contentOf, deleteFile, folderAt, isAbsent, isInUse, splitPath } from './files.js';

const FILE = 'data.sqlite';
/** Begins the name of the data from before a migration, which is kept until the plugin runs. */
const BEFORE = 'before-';
/** Begins the name of a copy on its way from or to the application. */
const COPY = 'copy-';
/** Milliseconds after which no start and no copy is still in progress. */
const OLD = 3_600_000;

/** Owns a folder. Each plugin of each tenant has a folder in it. */
export class Store implements FilesBeside {
  readonly #root: readonly string[];
  readonly #pages: number;
  /** Pages that update at the same time have copies of their own. */
  readonly #own = crypto.randomUUID();

  /** @param quota bytes of a database. */
  constructor(directory: string, quota: number) {
    this.#root = foldersOf(directory);
    this.#pages = Math.max(1, Math.floor(quota / PAGE));
  }

  /**
   * The database of a plugin.
   *
   * @param report hears the whole reason of a failure.
   * @throws PluginError `sql/failed`, as do all others.
   */
  async place(tenant: string, plugin: string, report: (error: unknown) => void): Promise<Place> {
    try {
      const folders = await this.#foldersOf(tenant, plugin);
      await sweep(folders);
      return { path: [...folders, FILE].join('/'), pages: this.#pages };
    } catch (error) {
      report(error);
      throw unusable(error);
    }
  }

  /** Whether a plugin has a database. */
  async has(tenant: string, plugin: string): Promise<boolean> {
    try {
      const folder = await folderAt(await this.#foldersOf(tenant, plugin), false);
      return folder !== undefined && (await bytesIn(folder)).has;
    } catch (error) {
      throw unusable(error);
    }
  }

  /** Plugins of a tenant with a database, and the bytes of its files. */
  async list(
    tenant: string,
  ): Promise<readonly { readonly plugin: string; readonly bytes: number }[]> {
    const found: { readonly plugin: string; readonly bytes: number }[] = [];
    try {
      const folder = await folderAt(await this.#foldersOf(tenant), false);
      for await (const handle of folder?.values() ?? []) {
        if (handle.kind !== 'directory') continue;
        const { has, bytes } = await bytesIn(handle as FileSystemDirectoryHandle);
        if (has) found.push({ plugin: handle.name, bytes });
      }
    } catch (error) {
      throw unusable(error);
    }
    return found;
  }

  /** Whether the folder of a tenant can be used. */
  async check(tenant: string): Promise<void> {
    try {
      await folderAt(await this.#foldersOf(tenant), false);
    } catch (error) {
      throw unusable(error);
    }
  }

  before(place: Place): string {
    return beside(place, `${BEFORE}${this.#own}.sqlite`);
  }

  async forgetBefore(place: Place): Promise<void> {
    await deleteFile(this.before(place));
  }

  async forgetOld(place: Place): Promise<void> {
    await sweep(splitPath(place.path).folders);
  }

  /** Deletes what is left in the folder of a database that is deleted: copies of each kind. */
  async remove(place: Place): Promise<void> {
    const { folders } = splitPath(place.path);
    const above = await folderAt(folders.slice(0, -1), false);
    await above?.removeEntry(folders.at(-1) as string, { recursive: true }).catch((error) => {
      // Another page may have begun a new database meanwhile.
      if (!isAbsent(error) && !isInUse(error)) throw error;
    });
  }

  /** A new name for a copy on its way. */
  copy(place: Place): string {
    return beside(place, `${COPY}${crypto.randomUUID()}.sqlite`);
  }

  async #foldersOf(tenant: string, ...below: readonly string[]): Promise<readonly string[]> {
    return [...this.#root, await folderName(tenant), ...below];
  }
}

/** Why there is no database: a page in a private window or a frame may have no files. */
function unusable(error: unknown): Error {
  const { name, message } = error as Error;
  return createError(
    'sql/failed',
    `the browser's private file system can't be used: ${name}: ${message}`,
    { cause: error },
  );
}

/** The folders of a path; an empty one has none. */
function foldersOf(directory: string): readonly string[] {
  return directory.split('/').filter((name) => name !== '' && name !== '.');
}

/** Another file in the folder of a database. */
function beside({ path }: Place, name: string): string {
  return [...splitPath(path).folders, name].join('/');
}

/** A name for a folder, which says the tenant where that is possible, and is never another's. */
async function folderName(tenant: string): Promise<string> {
  if (/^[a-z0-9][a-z0-9_-]{0,63}$/.test(tenant)) return tenant;
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(tenant));
  const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0'));
  return `=${hex.join('').slice(0, 40)}`;
}

/** Deletes what an end of a page has left. Younger copies may be those of other pages. */
async function sweep(folders: readonly string[]): Promise<void> {
  const folder = await folderAt(folders, false);
  const names: string[] = [];
  for await (const name of folder?.keys() ?? [])
    if (name.startsWith(COPY) || name.startsWith(BEFORE)) names.push(name);
  for (const name of names) {
    const path = [...folders, name].join('/');
    const found = await contentOf(path);
    if (found !== undefined && Date.now() - found.lastModified > OLD) await deleteFile(path);
  }
}

/** What a database takes, if there is one. */
async function bytesIn(
  folder: FileSystemDirectoryHandle,
): Promise<{ readonly has: boolean; readonly bytes: number }> {
  const sizes = await Promise.all(
    [FILE, `${FILE}-wal`].map(async (name) => {
      const file = await folder.getFileHandle(name).then(
        (handle) => handle.getFile(),
        () => undefined,
      );
      return file?.size ?? 0;
    }),
  );
  const [main = 0, log = 0] = sizes;
  return { has: main > 0, bytes: main + log };
}
