/** Databases as files of SQLite, which a process of their own works on. */
import type { Backend, Terms } from '../backend/backend.js';
import { Engine } from '../sqlite/engine.js';
import { FileData } from '../sqlite/file-data.js';
import type { Place } from '../sqlite/protocol.js';
import { Child } from './child.js';
import { Store } from './store.js';

/** What it needs to know. All are bytes. */
export interface FileBounds {
  readonly quota: number;
  readonly memory: number;
}

/** The databases in a directory. */
export function filesIn(directory: string, { quota, memory }: FileBounds): Backend {
  const engine = new Engine(() => new Child(memory));
  const store = new Store(directory, quota);
  return {
    dialect: 'sqlite',
    database: async (tenant, plugin, report) =>
      new NodeData(await store.place(tenant, plugin, report), store, engine),
    has: async (tenant, plugin) => store.has(tenant, plugin),
    list: (tenant) => store.list(tenant),
    tenants: () => store.tenants(),
    purge: (tenant, plugin) => store.purge(tenant, plugin),
    async check(tenant) {
      await store.check(tenant);
      engine.check();
    },
    onLost: (listener) => engine.onLost(listener),
    close: () => engine.close(),
  };
}

/** One database, whose copies are files of the application. */
class NodeData extends FileData {
  readonly #store: Store;

  constructor(place: Place, store: Store, engine: Engine) {
    super(place, store, engine);
    this.#store = store;
  }

  async backup(file: string | undefined, terms: Terms): Promise<undefined> {
    const to = await this.#store.outside(file);
    await this.#store.replace(to, (part) =>
      this.engine.run(this.place, { op: 'copy', to: part }, terms),
    );
  }

  async restore(file: string | Blob, terms: Terms): Promise<void> {
    const from = await this.#store.outside(file);
    await this.engine.run(this.place, { op: 'restore', from, check: true }, terms);
  }
}
