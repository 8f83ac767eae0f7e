/**
 * Storage in files: one file a key, written atomically, so that a crash leaves the old value or the new one, never a
 * torn one. One process owns a folder for as long as the storage is open.
 *
 * A file is a header line `plinth1 <sha256> <length of the key>` and then the key and the value. The name is a hash of
 * the key, because keys are any text; the key inside is the truth.
 */
import type { StorageAdapter } from '@plinth/kernel';
import { createError, type PluginError } from '@plinth/sdk/contract';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, realpath, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import writeFileAtomic from 'write-file-atomic';
import { type FolderLock, lockFolder } from './folder-lock.js';

/** How a file storage behaves. */
export interface FileStorageOptions {
  /** Told of each damaged file, those found before included; the key then counts as absent and the file is kept as `<name>.corrupt`. */
  readonly onCorrupt?: (error: PluginError) => void;
}

/** Opened storages of this process by folder: a second kernel on the same folder shares the first one's. */
const open = new Map<string, { readonly store: Promise<FileStore>; users: number }>();
/** Those that are about to let go of their folder. */
const closing = new Map<string, Promise<unknown>>();

/**
 * Opens a folder as storage, making it when needed.
 *
 * @throws PluginUnavailableError `storage/locked` when another process owns the folder.
 * @example
 * const kernel = await createKernel({ plugins: './plugins', storage: await fileStorage('./data') });
 */
export async function fileStorage(path: string, options: FileStorageOptions = {}): Promise<StorageAdapter> {
  const folder = await makeFolder(resolve(path));
  let shared = open.get(folder);
  if (shared === undefined) {
    shared = { store: (closing.get(folder) ?? Promise.resolve()).then(() => FileStore.open(folder)), users: 0 };
    open.set(folder, shared);
  }
  const entry = shared;
  entry.users += 1;
  let closed = false;
  const listening: (() => void)[] = [];
  const close = async () => {
    if (closed) return;
    closed = true;
    for (const undo of listening) undo();
    entry.users -= 1;
    if (entry.users > 0) return;
    open.delete(folder);
    const done = entry.store.then((store) => store.close());
    closing.set(folder, done);
    await done.finally(() => {
      if (closing.get(folder) === done) closing.delete(folder);
    });
  };
  try {
    const store = await entry.store;
    if (options.onCorrupt !== undefined) listening.push(store.onCorrupt(options.onCorrupt));
    const live = () => {
      if (closed) throw createError('storage/failed', `the storage in ${folder} was closed`, { details: { folder } });
      return store;
    };
    return {
      get: async (key) => live().get(key),
      set: async (key, value) => live().set(key, value),
      delete: async (key) => live().delete(key),
      keys: async (prefix) => live().keys(prefix),
      clear: async (prefix) => live().clear(prefix),
      update: async (key, change) => live().update(key, change),
      onCorrupt: (listener) => void listening.push(live().onCorrupt(listener)),
      close,
    };
  } catch (error) {
    if (open.get(folder) === entry) open.delete(folder);
    throw error;
  }
}

/** Makes a folder when needed; answers its one true path, whatever links led there. */
async function makeFolder(folder: string): Promise<string> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return await realpath(folder);
  } catch (cause) {
    throw createError('storage/failed', `cannot use ${folder} for data: ${(cause as Error).message}`, { details: { folder }, cause });
  }
}

const MAGIC = 'plinth1';
/** Only names that this storage makes: a user's own files in the folder stay as they are. */
const VALUE_FILE = /^[0-9a-f]{64}\.value$/;
/** What a killed writer leaves. */
const TEMPORARY_FILE = /^(?:[0-9a-f]{64}\.value|owner\.json)\.\d+$/;

class FileStore {
  readonly #folder: string;
  readonly #lock: FolderLock;
  /** What was set aside: each of the folder's users hears all of it, whenever it comes. */
  readonly #corrupt: PluginError[] = [];
  readonly #listeners = new Set<(error: PluginError) => void>();
  /** Every key and its file. */
  readonly #files = new Map<string, string>();
  /** The last write of each key: writes of one key follow one another, different keys don't wait. */
  readonly #writes = new Map<string, Promise<unknown>>();

  private constructor(folder: string, lock: FolderLock) {
    this.#folder = folder;
    this.#lock = lock;
  }

  static async open(folder: string): Promise<FileStore> {
    const lock = await lockFolder(folder);
    const store = new FileStore(folder, lock);
    try {
      await store.#index();
      return store;
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** Tells of what was set aside and will be; answers what ends that. */
  onCorrupt(listener: (error: PluginError) => void): () => void {
    // One function may be given twice, and each time it is one more listener.
    const tell = (error: PluginError) => listener(error);
    for (const error of this.#corrupt) tell(error);
    this.#listeners.add(tell);
    return () => this.#listeners.delete(tell);
  }

  async get(key: string): Promise<unknown> {
    await this.#writes.get(key)?.catch(() => {});
    const name = this.#files.get(key);
    if (name === undefined) return undefined;
    const entry = await this.#parse(name);
    // In its turn: a write that came in between has replaced the file, and must not be set aside with it.
    return entry === undefined ? this.#inTurn(key, () => this.#read(key)) : decodeEntry(entry);
  }

  /** Takes the value as it is now; what the caller does to it later isn't stored. */
  set(key: string, value: unknown): Promise<void> {
    const bytes = encodeFile(key, value);
    return this.#inTurn(key, async () => {
      this.#lock.check();
      await this.#write(key, bytes);
    });
  }

  keys(prefix: string): readonly string[] {
    return [...this.#files.keys()].filter((key) => key.startsWith(prefix));
  }

  async delete(key: string): Promise<boolean> {
    let existed = false;
    await this.update(key, (current) => {
      existed = current !== undefined;
      return undefined;
    });
    return existed;
  }

  async clear(prefix: string): Promise<void> {
    await Promise.all(this.keys(prefix).map((key) => this.delete(key)));
  }

  /** Reads, changes and writes with no other write of the key in between; resolves when the value is on the disk. */
  update(key: string, change: (current: unknown) => unknown): Promise<void> {
    return this.#inTurn(key, async () => {
      this.#lock.check();
      const current = await this.#read(key);
      const next = change(current);
      if (next === undefined) await this.#remove(key);
      else await this.#write(key, encodeFile(key, next));
    });
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#writes.values());
    await this.#lock.release();
  }

  #inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#writes.get(key) ?? Promise.resolve();
    const done = before.then(work, work);
    this.#writes.set(key, done);
    const forget = () => {
      if (this.#writes.get(key) === done) this.#writes.delete(key);
    };
    done.then(forget, forget);
    return done;
  }

  /** Reads the key of every file; sweeps what a killed writer left. */
  async #index(): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      if (VALUE_FILE.test(name)) {
        const entry = await this.#parse(name);
        if (entry === undefined) await this.#setAside(name);
        else this.#files.set(entry.key, name);
      } else if (TEMPORARY_FILE.test(name)) await rm(join(this.#folder, name), { force: true });
    }
  }

  async #read(key: string): Promise<unknown> {
    const name = this.#files.get(key);
    if (name === undefined) return undefined;
    const entry = await this.#parse(name);
    if (entry !== undefined) return decodeEntry(entry);
    this.#lock.check();
    this.#files.delete(key);
    await this.#setAside(name);
    return undefined;
  }

  async #write(key: string, bytes: Buffer): Promise<void> {
    const name = nameOf(key);
    try {
      await writeFileAtomic(join(this.#folder, name), bytes, { mode: 0o600 });
    } catch (cause) {
      const full = (cause as NodeJS.ErrnoException).code === 'ENOSPC';
      throw createError('storage/failed', full ? `cannot store '${printable(key)}': the disk is full` : `cannot store '${printable(key)}': ${(cause as Error).message}`, {
        details: { key: printable(key) },
        cause,
      });
    }
    this.#files.set(key, name);
  }

  async #remove(key: string): Promise<void> {
    const name = this.#files.get(key);
    if (name === undefined) return;
    await rm(join(this.#folder, name), { force: true });
    this.#files.delete(key);
  }

  /** A file's key and the bytes of its value; `undefined` for a file that is gone or isn't what its header and its name say. */
  async #parse(name: string): Promise<FileEntry | undefined> {
    const file = join(this.#folder, name);
    const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (bytes === undefined) return undefined;
    const line = bytes.indexOf(10);
    const [magic, digest, keyLength] = bytes.subarray(0, Math.max(0, line)).toString('latin1').split(' ');
    const body = bytes.subarray(line + 1);
    if (magic !== MAGIC || createHash('sha256').update(body).digest('hex') !== digest) return undefined;
    // The digest is of the body alone: the length is right when the key is the one of the name.
    const length = Number(keyLength);
    if (!Number.isInteger(length) || length < 0 || length % 2 !== 0 || length > body.length) return undefined;
    const key = body.subarray(0, length).toString('utf16le');
    return nameOf(key) === name ? { file, key, value: body.subarray(length) } : undefined;
  }

  /** Keeps a damaged file under another name, and reports it. */
  async #setAside(name: string): Promise<void> {
    const file = join(this.#folder, name);
    try {
      await rename(file, `${file}.corrupt`);
    } catch (error) {
      // Somebody has removed it: nothing is left to keep or to report.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    const error = createError('storage/corrupt', `${file} is damaged: it was set aside as ${name}.corrupt and its key counts as absent`, { details: { file } });
    this.#corrupt.push(error);
    for (const tell of this.#listeners) tell(error);
  }
}

interface FileEntry {
  readonly file: string;
  readonly key: string;
  /** As V8 serializes it. */
  readonly value: Buffer;
}

/** The value of a sound file. One that can't be decoded was written by a later runtime: it is kept for that. */
function decodeEntry({ file, key, value }: FileEntry): unknown {
  try {
    return deserialize(value);
  } catch (cause) {
    throw createError('storage/failed', `cannot read '${printable(key)}': ${file} is sound, but this runtime cannot decode it: ${(cause as Error).message}`, {
      details: { key: printable(key), file },
      cause,
    });
  }
}

function encodeFile(key: string, value: unknown): Buffer {
  const keyBytes = Buffer.from(key, 'utf16le');
  const body = Buffer.concat([keyBytes, serialize(value)]);
  return Buffer.concat([Buffer.from(`${MAGIC} ${createHash('sha256').update(body).digest('hex')} ${keyBytes.length}\n`), body]);
}

const nameOf = (key: string) => `${createHash('sha256').update(key, 'utf16le').digest('hex')}.value`;
const printable = (key: string) => key.replaceAll('\0', '/');
