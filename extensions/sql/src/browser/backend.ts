/** Databases as files of the browser's private file system, which a worker works on. */
import { createError } from '@plinth/sdk/contract';
import { type Backend, type Terms, WorkError } from '../backend/backend.js';
import { Engine } from '../sqlite/engine.js';
import { FileData } from '../sqlite/file-data.js';
import { PAGE, type Place } from '../sqlite/protocol.js';
import { contentOf, deleteFile, folderAt, splitPath } from './files.js';
import { Store } from './store.js';
import { WorkerHost } from './worker-host.js';

/** What it needs to know. `quota` and `memory` are bytes, `lock` is milliseconds. */
export interface PageBounds {
  readonly quota: number;
  readonly memory: number;
  readonly lock: number;
}

/** Milliseconds between two tries while another page has a database. */
const AGAIN = 20;
/** Where a file says which kind of log it has, and the value for one without a log beside it. */
const KIND = { from: 18, value: new Uint8Array([1, 1]), to: 20 };

/** The databases in a folder. */
export function privateFilesIn(directory: string, { quota, memory, lock }: PageBounds): Backend {
  const engine = new Engine(() => new WorkerHost(memory));
  const store = new Store(directory, quota);
  return {
    dialect: 'sqlite',
    database: async (tenant, plugin, report) =>
      new PageData(await store.place(tenant, plugin, report), store, engine),
    has: (tenant, plugin) => store.has(tenant, plugin),
    list: (tenant) => store.list(tenant),
    async purge(tenant, plugin) {
      const place = await store.place(tenant, plugin, () => {});
      await whenFree(lock, () => engine.run(place, { op: 'clear' }, { time: lock }));
      await store.remove(place);
    },
    async check(tenant) {
      await store.check(tenant);
      engine.check();
    },
    onLost: (listener) => engine.onLost(listener),
    close: () => engine.close(),
  };
}

/** One database, whose copies are values of the application. */
class PageData extends FileData {
  readonly #store: Store;

  constructor(place: Place, store: Store, engine: Engine) {
    super(place, store, engine);
    this.#store = store;
  }

  async backup(file: string | undefined, terms: Terms): Promise<Blob> {
    if (file !== undefined)
      throw createError('sql/failed', 'in a page, backup(plugin) answers a Blob, without a file');
    const to = this.#store.copy(this.place);
    try {
      await this.engine.run(this.place, { op: 'copy', to }, terms);
      const content = await contentOf(to);
      if (content === undefined) throw new Error('the copy is gone');
      // The file goes now, and what is read of it later would fail.
      return new Blob([await content.arrayBuffer()], { type: 'application/vnd.sqlite3' });
    } finally {
      await discard(to);
    }
  }

  async restore(blob: string | Blob, terms: Terms): Promise<void> {
    if (!(blob instanceof Blob))
      throw createError('sql/failed', 'in a page, restore(plugin, blob) takes a Blob or a File');
    const most = this.place.pages * PAGE;
    if (blob.size > most)
      throw new WorkError('quota', `the file has ${blob.size} bytes, and the quota is ${most}`);
    const from = this.#store.copy(this.place);
    try {
      await write(from, blob);
      await this.engine.run(this.place, { op: 'restore', from, check: true }, terms);
    } finally {
      await discard(from);
    }
  }
}

/** Deletes a copy. One that a worker has open still is deleted later, by age. */
const discard = (path: string): Promise<void> => deleteFile(path).catch(() => {});

/** Writes a copy into a file, as one without a log beside it. */
async function write(path: string, blob: Blob): Promise<void> {
  const { folders, name } = splitPath(path);
  const folder = (await folderAt(folders, true)) as FileSystemDirectoryHandle;
  const file = await (await folder.getFileHandle(name, { create: true })).createWritable();
  const { from, value, to } = KIND;
  const content = blob.size < to ? blob : new Blob([blob.slice(0, from), value, blob.slice(to)]);
  await content.stream().pipeTo(file);
}

/** Does work, and tries again while another page has the database. @throws WorkError. */
async function whenFree(lock: number, work: () => Promise<unknown>): Promise<void> {
  const until = performance.now() + lock;
  for (;;)
    try {
      await work();
      return;
    } catch (error) {
      const busy = error instanceof WorkError && error.kind === 'busy';
      if (!busy || performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
}
