/** The plugins of the applications that one dev server of Vite serves. */
import type { DevEnvironment, ViteDevServer } from 'vite';
import type { BundleOptions } from '../bundle/bundle-plugin.js';
import { Inspector } from '../bundle/inspect.js';
import { LinkedFolder } from './linked-folder.js';
import { ViteError } from './vite-error.js';

/** Characters of an application's report that are told. */
const MOST = 10_000;

/** Owns the folders that are served, and the process that evaluates their modules. */
export class DevPlugins {
  readonly #server: ViteDevServer;
  readonly #options: BundleOptions;
  readonly #moduleId: (folder: string) => string;
  readonly #inspector = new Inspector({ warm: true });
  readonly #folders = new Map<string, LinkedFolder>();

  /** @param moduleId the id of the module of a folder. */
  constructor(server: ViteDevServer, options: BundleOptions, moduleId: (folder: string) => string) {
    this.#server = server;
    this.#options = { minify: false, ...options };
    this.#moduleId = moduleId;
    for (const { hot } of this.#environments) {
      hot.on('plinth:swapped', (fact: unknown) => this.#swapped(fact));
      hot.on('plinth:failed', (fact: unknown, client) => client.send(this.#notStarted(fact)));
    }
  }

  /** The folder, which is watched from its first build on. */
  folder(path: string): LinkedFolder {
    const known = this.#folders.get(path);
    if (known !== undefined) return known;
    const made = new LinkedFolder(path, {
      inspector: this.#inspector,
      options: this.#options,
      root: this.#server.config.root,
      map: true,
      built: (linked) => void this.#update(linked),
      failed: (linked, error) => this.#notBuilt(linked, error),
    });
    this.#folders.set(path, made);
    return made;
  }

  async close(): Promise<void> {
    this.#inspector.close();
    await Promise.all([...this.#folders.values()].map((linked) => linked.close()));
  }

  get #environments(): readonly DevEnvironment[] {
    return Object.values(this.#server.environments);
  }

  /** Sends the new module to the applications that have the one before. */
  async #update(linked: LinkedFolder): Promise<void> {
    const { refused } = linked;
    linked.refused = false;
    for (const environment of this.#environments) {
      const { moduleGraph, hot } = environment;
      const module = moduleGraph.getModuleById(this.#moduleId(linked.folder));
      if (module === undefined) continue;
      if (!refused) await environment.reloadModule(module);
      else {
        // What could not be loaded can't accept an update.
        moduleGraph.invalidateModule(module);
        hot.send({ type: 'full-reload' });
      }
    }
  }

  #notBuilt(linked: LinkedFolder, error: unknown): void {
    const told = new ViteError(error, linked.folder);
    this.#tell(told, !linked.refused);
    for (const { moduleGraph, hot, name } of this.#environments) {
      const module = moduleGraph.getModuleById(this.#moduleId(linked.folder));
      if (module === undefined) continue;
      moduleGraph.invalidateModule(module);
      if (name !== 'client') continue;
      // Vite's client reloads a page whose first update comes while the overlay is shown: it takes
      // the page for one that could not be loaded.
      hot.send({ type: 'update', updates: [] });
      hot.send(told.payload);
    }
  }

  /** A version that was built, and that an application's kernel has refused. */
  #notStarted(fact: unknown): ViteError['payload'] {
    const { message, stack, origin } = (fact ?? {}) as Readonly<Record<string, unknown>>;
    const error = new Error(String(message).slice(0, MOST));
    error.stack = String(stack).slice(0, MOST);
    const told = new ViteError(error, String(origin).slice(0, MOST));
    this.#tell(told, true);
    return told.payload;
  }

  #swapped(fact: unknown): void {
    const { origin, id, version } = (fact ?? {}) as Readonly<Record<string, unknown>>;
    const linked = [...this.#folders.values()].find((one) => one.origin === origin);
    if (linked === undefined) return;
    const words = `${String(id)} ${String(version)}`.slice(0, MOST);
    this.#server.config.logger.info(`swapped ${words} ${Date.now() - linked.since} ms`, {
      timestamp: true,
    });
  }

  /** @param runs whether applications have the version before. */
  #tell(error: ViteError, runs: boolean): void {
    const { message, frame } = error;
    const lines = [message, ...(frame === undefined ? [] : ['', frame])];
    if (runs) lines.push('what ran before still runs');
    this.#server.config.logger.error(lines.join('\n'), { timestamp: true, error });
  }
}
