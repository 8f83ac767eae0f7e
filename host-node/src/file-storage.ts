/**
 * Storage in files: one file per key, written atomically, so that a crash leaves the old value or
 * the new one, never a torn one. One process owns a folder for as long as the storage is open.
 *
 * A file is a header line `plinth1 <sha256> <length of the key>`, then the key and the value. The
 * file name is a hash of the key, because keys are any text; the key inside the file is
 * authoritative. Opening reads only the keys; a value is checked when it is read.
 */

import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { mkdir, readdir, realpath, rename } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { deserialize, serialize } from 'node:v8';
import type { StorageAdapter } from '@plinth/kernel';
import { checkOptionNames, createError, messageOf, PluginError } from '@plinth/sdk/contract';
import {
  DRAFT_END,
  diskProblem,
  patiently,
  readWhole,
  removeFile,
  replaceFile,
} from './durable-file.js';
import { type FolderLock, lockFolder } from './folder-lock.js';

/** Options of a file storage. */
export interface FileStorageOptions {
  /**
   * Called for each damaged file, including those found before. The key then counts as absent and
   * the file is kept as `<name>.corrupt`. Also called when the folder was deleted while in use and
   * was created again without its content.
   */
  readonly onCorrupt?: (error: PluginError) => void;
}

/**
 * Open storages of this process by folder: a second kernel on the same folder shares the first
 * one's.
 */
const open = new Map<string, { readonly store: Promise<FileStore>; users: number }>();
/** Storages that are about to release their folder. */
const closing = new Map<string, Promise<unknown>>();

/**
 * Opens a folder as storage and creates it when needed.
 *
 * @throws PluginUnavailableError `storage/locked` when another process owns the folder; PluginError
 * `storage/failed` when it can't be used, with the path and the cure; PluginConfigurationError
 * `kernel/invalid-option` when the path is no text.
 * @example
 * const kernel = await createKernel({ plugins: './plugins', storage: await fileStorage('./data') });
 */
export async function fileStorage(
  path: string,
  options: FileStorageOptions = {},
): Promise<StorageAdapter> {
  if (typeof path !== 'string' || path === '')
    throw createError(
      'kernel/invalid-option',
      `a data folder is a path, not ${path === '' ? 'an empty text' : messageOf(path)}`,
      { details: { option: 'data' } },
    );
  checkOptionNames('fileStorage', options, ['onCorrupt']);
  const folder = await makeFolder(resolve(path));
  let shared = open.get(folder);
  if (shared === undefined) {
    shared = {
      store: (closing.get(folder) ?? Promise.resolve()).then(() => FileStore.open(folder)),
      users: 0,
    };
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
      if (closed)
        throw createError('storage/failed', `the storage in ${folder} was closed`, {
          details: { folder },
        });
      return store;
    };
    return {
      get: async (key) => live().get(key),
      set: async (key, value) => live().set(key, value),
      delete: async (key) => live().delete(key),
      keys: async (prefix) => live().keys(prefix),
      clear: async (prefix) => live().clear(prefix),
      update: async (key, change) => live().update(key, change),
      cost: (key, value) => live().cost(key, value),
      sizes: async (prefix) => live().sizes(prefix),
      problem: async () => live().problem(),
      onCorrupt: (listener) => void listening.push(live().onCorrupt(listener)),
      close,
    };
  } catch (error) {
    if (open.get(folder) === entry) open.delete(folder);
    throw error;
  }
}

/** Creates a folder when needed. Returns its real path, with all links resolved. */
async function makeFolder(folder: string): Promise<string> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return await realpath(folder);
  } catch (cause) {
    throw unusable(folder, await reasonOf(folder, cause));
  }
}

/**
 * Creating a folder recursively may report that it is missing instead of why it can't be created.
 */
async function reasonOf(folder: string, cause: unknown): Promise<unknown> {
  for (
    let at = folder;
    (cause as NodeJS.ErrnoException).code === 'ENOENT' && dirname(at) !== at;
    at = dirname(at)
  ) {
    const reason = await mkdir(at, { mode: 0o700 }).catch((error: unknown) => error);
    if (reason === undefined) break;
    if ((reason as NodeJS.ErrnoException).code !== 'ENOENT') return reason;
  }
  return cause;
}

/** A disk failure as a typed error. Errors that are typed already stay unchanged. */
function unusable(folder: string, cause: unknown): unknown {
  const { code } = cause as NodeJS.ErrnoException;
  if (cause instanceof PluginError) return cause;
  return createError('storage/failed', `cannot use ${folder} for data: ${diskProblem(cause)}`, {
    details: { folder, ...(code && { reason: code }) },
    cause,
  });
}

const MAGIC = 'plinth1';
/** Only names that this storage creates: a user's own files in the folder are not touched. */
const VALUE_FILE = /^[0-9a-f]{64}\.value$/;
/** Drafts of a killed writer, without the end of their names. */
const OWN_FILE = /^(?:[0-9a-f]{64}\.value|owner\.json)$/;
/** File systems allocate files in multiples of this many bytes. */
const BLOCK = 4_096;
/** Milliseconds for which reading many keys may block the event loop. */
const SLICE = 8;

interface Known {
  readonly name: string;
  /** Bytes of the file. */
  readonly bytes: number;
}

class FileStore {
  readonly #folder: string;
  #lock: FolderLock;
  /**
   * Files that were set aside or lost. Each user of the folder hears of all, before and after it
   * opened.
   */
  readonly #corrupt: PluginError[] = [];
  readonly #listeners = new Set<(error: PluginError) => void>();
  /** Every key and its file. */
  #files = new Map<string, Known>();
  /**
   * The last write of each key: writes of one key run in order, different keys don't wait for each
   * other.
   */
  readonly #writes = new Map<string, Promise<unknown>>();
  /** The lock is being acquired again. */
  #renewing: Promise<void> | undefined;

  private constructor(folder: string, lock: FolderLock) {
    this.#folder = folder;
    this.#lock = lock;
  }

  static async open(folder: string): Promise<FileStore> {
    try {
      const lock = await lockFolder(folder);
      const store = new FileStore(folder, lock);
      try {
        store.#files = await store.#index();
        return store;
      } catch (error) {
        await lock.release();
        throw error;
      }
    } catch (cause) {
      throw unusable(folder, cause);
    }
  }

  /** Reports past and future damaged files. Returns a function that removes the listener. */
  onCorrupt(listener: (error: PluginError) => void): () => void {
    // The same function may be given twice; each time adds a listener.
    const tell = (error: PluginError) => listener(error);
    for (const error of this.#corrupt) tell(error);
    this.#listeners.add(tell);
    return () => this.#listeners.delete(tell);
  }

  async get(key: string): Promise<unknown> {
    await this.#writes.get(key)?.catch(() => {});
    const name = this.#files.get(key)?.name;
    if (name === undefined) return undefined;
    const entry = await this.#parse(name);
    // Queued: a write in between has replaced the file, which must not be set aside.
    return entry === undefined ? this.#inTurn(key, () => this.#read(key)) : decodeEntry(entry);
  }

  /** Captures the value now; later changes by the caller aren't stored. */
  set(key: string, value: unknown): Promise<void> {
    const bytes = encodeFile(key, value);
    return this.#change(key, () => this.#write(key, bytes));
  }

  keys(prefix: string): readonly string[] {
    return [...this.#files.keys()].filter((key) => key.startsWith(prefix));
  }

  sizes(prefix: string): ReadonlyMap<string, number> {
    const sizes = new Map<string, number>();
    for (const [key, { bytes }] of this.#files)
      if (key.startsWith(prefix)) sizes.set(key, inBlocks(bytes));
    return sizes;
  }

  cost(key: string, value: unknown): number {
    return inBlocks(MAX_HEADER + key.length * 2 + encodeValue(key, value).length);
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
    await Promise.all(this.keys(prefix).map((key) => this.#change(key, () => this.#remove(key))));
  }

  /**
   * Reads, changes and writes with no other write of the key in between. Resolves when the value is
   * on disk.
   */
  update(key: string, change: (current: unknown) => unknown): Promise<void> {
    return this.#change(key, async () => {
      const current = await this.#read(key);
      const next = change(current);
      if (next === undefined) return this.#remove(key);
      await this.#write(key, encodeFile(key, next));
    });
  }

  /** What prevents use of the folder now. A deleted folder is created again first. */
  async problem(): Promise<PluginError | undefined> {
    try {
      await this.#own();
      return undefined;
    } catch (error) {
      return error as PluginError;
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#writes.values());
    await this.#renewing?.catch(() => {});
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

  /** One change of a key, made only while the folder is owned. */
  #change(key: string, work: () => Promise<void>): Promise<void> {
    return this.#inTurn(key, async () => {
      await this.#own();
      await work();
    });
  }

  /**
   * @throws PluginUnavailableError `storage/locked` when another process owns the folder now;
   * PluginError `storage/failed`.
   */
  async #own(): Promise<void> {
    try {
      if (this.#renewing === undefined && (await this.#lock.state()) === 'held') return;
      this.#renewing ??= this.#renew().finally(() => {
        this.#renewing = undefined;
      });
      await this.#renewing;
    } catch (cause) {
      throw unusable(this.#folder, cause);
    }
  }

  /**
   * The folder was deleted, or another process owned it for a while: its current content counts.
   */
  async #renew(): Promise<void> {
    const folder = this.#folder;
    const before = await this.#lock.state();
    if (before === 'held') return;
    await this.#lock.release();
    await makeFolder(folder);
    this.#lock = await lockFolder(folder);
    const files = await this.#index();
    const lost = [...this.#files.keys()].filter((key) => !files.has(key)).length;
    this.#files = files;
    if (before === 'late' && lost === 0) return;
    this.#tell(
      createError(
        'storage/failed',
        `${folder} was deleted while it was in use: it was made again${lost === 0 ? '' : `, and ${lost} values that were in it are gone`}`,
        {
          details: { folder, lost },
        },
      ),
    );
  }

  /** Reads the key of every file and removes what a killed writer left. */
  async #index(): Promise<Map<string, Known>> {
    const files = new Map<string, Known>();
    let since = performance.now();
    for (const name of await readdir(this.#folder)) {
      if (VALUE_FILE.test(name)) {
        const found = this.#head(name);
        if (found === undefined) await this.#setAside(name);
        else files.set(found.key, { name, bytes: found.bytes });
      } else if (DRAFT_END.test(name) && OWN_FILE.test(name.replace(DRAFT_END, '')))
        await removeFile(join(this.#folder, name));
      if (performance.now() - since < SLICE) continue;
      await setImmediate();
      since = performance.now();
    }
    return files;
  }

  /**
   * A file's key and size; undefined when the content doesn't match the file's name. Synchronous,
   * because an `await` per file costs more than reading it.
   */
  #head(name: string): { readonly key: string; readonly bytes: number } | undefined {
    const file = join(this.#folder, name);
    let handle: number | undefined;
    try {
      handle = openSync(file, 'r');
      const { size } = fstatSync(handle);
      const head = HEAD.subarray(0, readSync(handle, HEAD, 0, HEAD.length, 0));
      const header = parseHeader(head, size);
      if (header === undefined) return undefined;
      let keyBytes = head.subarray(header.start, header.start + header.keyLength);
      if (keyBytes.length < header.keyLength) {
        keyBytes = Buffer.alloc(header.keyLength);
        if (readSync(handle, keyBytes, 0, header.keyLength, header.start) < header.keyLength)
          return undefined;
      }
      const key = keyBytes.toString('utf16le');
      return nameOf(key) === name ? { key, bytes: size } : undefined;
    } catch (cause) {
      throw createError('storage/failed', `cannot read ${file}: ${diskProblem(cause)}`, {
        details: { file, folder: this.#folder },
        cause,
      });
    } finally {
      if (handle !== undefined) closeSync(handle);
    }
  }

  async #read(key: string): Promise<unknown> {
    const name = this.#files.get(key)?.name;
    if (name === undefined) return undefined;
    const entry = await this.#parse(name);
    if (entry !== undefined) return decodeEntry(entry);
    // The loss of the whole folder is reported as such.
    await this.#own();
    if (this.#files.get(key)?.name !== name) return undefined;
    this.#files.delete(key);
    await this.#setAside(name);
    return undefined;
  }

  async #write(key: string, bytes: Buffer): Promise<void> {
    const name = nameOf(key);
    await this.#onDisk('store', key, () => replaceFile(join(this.#folder, name), bytes, 0o600));
    this.#files.set(key, { name, bytes: bytes.length });
  }

  async #remove(key: string): Promise<void> {
    const name = this.#files.get(key)?.name;
    if (name === undefined) return;
    await this.#onDisk('delete', key, () => removeFile(join(this.#folder, name)));
    this.#files.delete(key);
  }

  /** One step that changes the disk. */
  async #onDisk(what: 'store' | 'delete', key: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      throw createError(
        'storage/failed',
        `cannot ${what} '${printable(key)}' in ${this.#folder}: ${diskProblem(cause)}`,
        {
          details: { key: printable(key), folder: this.#folder, ...(code && { reason: code }) },
          cause,
        },
      );
    }
  }

  /**
   * A file's key and the bytes of its value; `undefined` for a file that is gone or doesn't match
   * its header and name.
   */
  async #parse(name: string): Promise<FileEntry | undefined> {
    const file = join(this.#folder, name);
    let bytes: Buffer;
    try {
      bytes = await readWhole(file);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw createError('storage/failed', `cannot read ${file}: ${diskProblem(cause)}`, {
        details: { file, folder: this.#folder },
        cause,
      });
    }
    const header = parseHeader(bytes, bytes.length);
    if (header === undefined) return undefined;
    const body = bytes.subarray(header.start);
    if (createHash('sha256').update(body).digest('hex') !== header.digest) return undefined;
    const key = body.subarray(0, header.keyLength).toString('utf16le');
    return nameOf(key) === name ? { file, key, value: body.subarray(header.keyLength) } : undefined;
  }

  /** Keeps a damaged file under another name and reports it. */
  async #setAside(name: string): Promise<void> {
    const file = join(this.#folder, name);
    let what = `is damaged: it was set aside as ${name}.corrupt and its key counts as absent`;
    try {
      await patiently(() => rename(file, `${file}.corrupt`));
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT')
        throw createError(
          'storage/failed',
          `${file} is damaged, and can't be set aside: ${diskProblem(cause)}`,
          { details: { file, folder: this.#folder }, cause },
        );
      what = 'is gone: another program has removed it, and its key counts as absent';
    }
    this.#tell(createError('storage/corrupt', `${file} ${what}`, { details: { file } }));
  }

  #tell(error: PluginError): void {
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

/** Enough for the header and any plugin's key; longer keys are read separately. */
const HEAD = Buffer.alloc(2_048);
/** A header ends within this many bytes. */
const MAX_HEADER = 128;

interface Header {
  readonly digest: string;
  /** Length of the key in bytes. */
  readonly keyLength: number;
  /** Offset of the key. */
  readonly start: number;
}

/**
 * Reads the first line of a file of `size` bytes. The digest covers only the body; whether the
 * key's length is right follows from the name.
 */
function parseHeader(bytes: Buffer, size: number): Header | undefined {
  const line = bytes.subarray(0, MAX_HEADER).indexOf(10);
  const [magic, digest, keyLength] = bytes
    .subarray(0, Math.max(0, line))
    .toString('latin1')
    .split(' ');
  const length = Number(keyLength);
  const start = line + 1;
  if (
    magic !== MAGIC ||
    digest === undefined ||
    !Number.isInteger(length) ||
    length < 0 ||
    length % 2 !== 0 ||
    length > size - start
  )
    return undefined;
  return { digest, keyLength: length, start };
}

/**
 * The value of an intact file. If it can't be decoded, a later runtime wrote it, and the file is
 * kept for that.
 */
function decodeEntry({ file, key, value }: FileEntry): unknown {
  try {
    return deserialize(value);
  } catch (cause) {
    throw createError(
      'storage/failed',
      `cannot read '${printable(key)}': ${file} is sound, but this runtime cannot decode it: ${(cause as Error).message}`,
      {
        details: { key: printable(key), file },
        cause,
      },
    );
  }
}

function encodeValue(key: string, value: unknown): Buffer {
  try {
    return serialize(value);
  } catch (cause) {
    throw createError(
      'storage/failed',
      `cannot store '${printable(key)}': ${(cause as Error).message}`,
      { details: { key: printable(key) }, cause },
    );
  }
}

function encodeFile(key: string, value: unknown): Buffer {
  const keyBytes = Buffer.from(key, 'utf16le');
  const body = Buffer.concat([keyBytes, encodeValue(key, value)]);
  return Buffer.concat([
    Buffer.from(`${MAGIC} ${createHash('sha256').update(body).digest('hex')} ${keyBytes.length}\n`),
    body,
  ]);
}

const nameOf = (key: string) =>
  `${createHash('sha256').update(key, 'utf16le').digest('hex')}.value`;
const inBlocks = (bytes: number) => Math.ceil(bytes / BLOCK) * BLOCK;
const printable = (key: string) => key.replaceAll('\0', '/');
