/**
 * The values of a folder, one file for each key. Opening reads only the keys; a value is checked when it
 * is read. Changes of one key come one after the other, and only while the folder is owned.
 */
import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { createError, type PluginError } from '@plinth/sdk/contract';
import { makeFolder, unusable } from './data-folder.js';
import { DRAFT_END, diskProblem, patiently, removeFile, replaceFile } from './durable-file.js';
import { type FolderLock, lockFolder } from './folder-lock.js';
import {
  costOf,
  decodeEntry,
  encodeFile,
  headOf,
  inBlocks,
  nameOf,
  OWN_FILE,
  printable,
  readEntry,
  VALUE_FILE,
} from './value-file.js';

/** Milliseconds for which reading many keys may block the event loop. */
const SLICE = 8;

interface Known {
  readonly name: string;
  /** Bytes of the file. */
  readonly bytes: number;
}

/** Owns the folder's lock, and what is known of its files. */
export class FileStore {
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
    const entry = await readEntry(this.#folder, name);
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
    return costOf(key, value);
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
        const found = headOf(this.#folder, name);
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

  async #read(key: string): Promise<unknown> {
    const name = this.#files.get(key)?.name;
    if (name === undefined) return undefined;
    const entry = await readEntry(this.#folder, name);
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
