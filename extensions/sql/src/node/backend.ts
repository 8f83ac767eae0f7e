/** Databases as files of SQLite, which a process of their own works on. */
import type { Backend, PluginData, Terms } from '../backend/backend.js';
import type { Results, Work } from '../backend/work.js';
import { Engine } from './engine.js';
import type { Place } from './protocol.js';
import { Store } from './store.js';

/** What it needs to know. All are bytes. */
export interface FileBounds {
  readonly quota: number;
  readonly memory: number;
}

/** The databases in a directory. */
export function filesIn(directory: string, { quota, memory }: FileBounds): Backend {
  const engine = new Engine(memory);
  const store = new Store(directory, quota);
  return {
    dialect: 'sqlite',
    database: async (tenant, plugin, report) =>
      new FileData(await store.place(tenant, plugin, report), store, engine),
    has: async (tenant, plugin) => store.has(tenant, plugin),
    list: (tenant) => store.list(tenant),
    purge: (tenant, plugin) => store.purge(tenant, plugin),
    onLost: (listener) => engine.onLost(listener),
    close: () => engine.close(),
  };
}

/** One database: its file, and the data from before a migration beside it. */
class FileData implements PluginData {
  readonly #place: Place;
  readonly #store: Store;
  readonly #engine: Engine;

  constructor(place: Place, store: Store, engine: Engine) {
    this.#place = place;
    this.#store = store;
    this.#engine = engine;
  }

  run<W extends Work>(work: W, terms: Terms): Promise<Results[W['op']]> {
    return this.#engine.run(this.#place, work, terms);
  }

  release(): Promise<void> {
    return this.#engine.release(this.#place);
  }

  async keep(terms: Terms): Promise<void> {
    const to = this.#store.before(this.#place);
    await this.#engine.run(this.#place, { op: 'copy', to }, terms);
  }

  async bringBack(terms: Terms): Promise<void> {
    const from = this.#store.before(this.#place);
    await this.#engine.run(this.#place, { op: 'restore', from, check: false }, terms);
    await this.#store.forgetBefore(this.#place);
  }

  forget({ old }: { readonly old: boolean }): Promise<void> {
    return old ? this.#store.forgetOld(this.#place) : this.#store.forgetBefore(this.#place);
  }

  async backup(file: string, terms: Terms): Promise<void> {
    const to = await this.#store.outside(file);
    await this.#store.replace(to, (part) =>
      this.#engine.run(this.#place, { op: 'copy', to: part }, terms),
    );
  }

  async restore(file: string, terms: Terms): Promise<void> {
    const from = await this.#store.outside(file);
    await this.#engine.run(this.#place, { op: 'restore', from, check: true }, terms);
  }
}
