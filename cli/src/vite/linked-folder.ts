/**
 * One folder that an application imports while Vite's dev server runs. It is built again after a
 * change, one build at a time; a change during a build causes another.
 */
import { sep } from 'node:path';
import { covers, type Watching, watchPaths } from '../dev/watch.js';
import { type LoadedModule, type LoadParts, loadModule } from './load-module.js';

/** What the owner of a folder does about its builds. */
export interface LinkedParts extends LoadParts {
  /** A build has made something else than the one before, or works again. */
  built(linked: LinkedFolder): void;
  failed(linked: LinkedFolder, error: unknown): void;
}

/** Milliseconds in which changes of one save come together. */
const TOGETHER = 15;
/** Milliseconds without a change after which a build that failed is told. */
const SETTLED = 100;

/** Owns the watcher and the latest build of a folder. */
export class LinkedFolder {
  readonly folder: string;
  readonly #parts: LinkedParts;
  #watching: Promise<Watching> | undefined;
  #latest: Promise<LoadedModule> | undefined;
  #work: Promise<void> | undefined;
  /** When the first change was seen that isn't built yet, in milliseconds since the epoch. */
  #pending: number | undefined;
  #closed = false;
  /** The text of what was built last. */
  #text = '';
  /** Whether the last build that was told has failed. */
  #broken = false;
  /** Its name for the application. */
  origin = '';
  /** When the change was seen that was built last, in milliseconds since the epoch. */
  since = 0;
  /** Whether a module could not be served since the last build that worked. */
  refused = false;

  constructor(folder: string, parts: LinkedParts) {
    this.folder = folder;
    this.#parts = parts;
  }

  /**
   * The latest build. The first call builds, and begins to watch.
   *
   * @throws what the build has thrown.
   */
  async build(): Promise<LoadedModule> {
    this.#watching ??= watchPaths([this.folder], () => this.#touch());
    await this.#watching;
    this.#latest ??= this.#load();
    return this.#latest;
  }

  /** Ends watching, and waits for a build that has begun. */
  async close(): Promise<void> {
    this.#closed = true;
    await (await this.#watching?.catch(() => undefined))?.close();
    await this.#work;
  }

  #touch(): void {
    this.#pending ??= Date.now();
    this.#work ??= this.#rebuild().finally(() => {
      this.#work = undefined;
      if (this.#pending !== undefined && !this.#closed) this.#touch();
    });
  }

  async #rebuild(): Promise<void> {
    while (this.#pending !== undefined && !this.#closed) {
      await pass(TOGETHER);
      this.since = this.#pending;
      this.#pending = undefined;
      const before = this.#text;
      this.#latest = this.#load();
      try {
        await this.#latest;
        if (this.#text !== before || this.#broken) this.#parts.built(this);
        this.#broken = false;
      } catch (error) {
        // A file may still be being written. Then another change follows, and causes another build.
        await pass(SETTLED);
        if (this.#pending !== undefined || this.#closed) continue;
        this.#broken = true;
        this.#parts.failed(this, error);
      }
    }
  }

  async #load(): Promise<LoadedModule> {
    const loaded = await loadModule(this.folder, this.#parts);
    const { module, inputs } = loaded;
    this.origin = module.origin;
    this.#text = JSON.stringify(module);
    const beside = inputs.filter(
      (input) => !input.includes(`${sep}node_modules${sep}`) && !covers([this.folder], input),
    );
    (await this.#watching)?.add(beside);
    return loaded;
  }
}

const pass = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
