/** One database as a file, and the data from before a migration beside it. */
import type { PluginData, Terms } from '../backend/backend.js';
import type { Results, Work } from '../backend/work.js';
import type { Engine } from './engine.js';
import type { Place } from './protocol.js';

/** The files beside databases. */
export interface FilesBeside {
  /** Where the data from before a migration is kept. */
  before(place: Place): string;
  /** Deletes the data from before a migration. */
  forgetBefore(place: Place): Promise<void>;
  /** Deletes the data from before a migration that an end of the application has left. */
  forgetOld(place: Place): Promise<void>;
}

/** Does the work on one database by an engine. Copies for the application differ by runtime. */
export abstract class FileData implements PluginData {
  readonly oneWriter = true;
  protected readonly place: Place;
  protected readonly engine: Engine;
  readonly #files: FilesBeside;

  constructor(place: Place, files: FilesBeside, engine: Engine) {
    this.place = place;
    this.#files = files;
    this.engine = engine;
  }

  abstract backup(to: string | undefined, terms: Terms): Promise<Blob | undefined>;
  abstract restore(from: string | Blob, terms: Terms): Promise<void>;

  run<W extends Work>(work: W, terms: Terms): Promise<Results[W['op']]> {
    return this.engine.run(this.place, work, terms);
  }

  release(): Promise<void> {
    return this.engine.release(this.place);
  }

  async keep(terms: Terms): Promise<void> {
    const to = this.#files.before(this.place);
    await this.engine.run(this.place, { op: 'copy', to }, terms);
  }

  async bringBack(terms: Terms): Promise<void> {
    const from = this.#files.before(this.place);
    await this.engine.run(this.place, { op: 'restore', from, check: false }, terms);
    await this.#files.forgetBefore(this.place);
  }

  forget({ old }: { readonly old: boolean }): Promise<void> {
    return old ? this.#files.forgetOld(this.place) : this.#files.forgetBefore(this.place);
  }
}
