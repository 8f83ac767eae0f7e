/**
 * The plugins of a project while they are developed, as a source that a kernel follows. Each folder
 * is built by itself, one build at a time; a change during a build causes another. A build that
 * fails changes nothing: what ran before still runs.
 */
import { relative, sep } from 'node:path';
import type { PluginPackage, PluginSource, SourceChange } from '@plinth/host-node';
import { parseManifest } from '@plinth/sdk/contract';
import type { Inspector } from '../bundle/inspect.js';
import { type Loaded, loadPlugin, pluginFolders } from '../project/plugin-folders.js';
import { covers } from './watch.js';

/** What happens to plugins while they are developed. */
export type DevEvent =
  | {
      readonly event: 'added' | 'swapped' | 'removed';
      readonly id: string;
      readonly folder: string;
      readonly version: string;
      /** Milliseconds since the change was seen. */
      readonly ms: number;
    }
  | {
      readonly event: 'failed';
      readonly folder: string;
      readonly error: unknown;
      /** Whether the version before runs on. */
      readonly running: boolean;
    };

type Tell = (change: SourceChange) => Promise<void>;

/** A plugin that the kernel has. */
interface Running {
  readonly id: string;
  readonly version: string;
  readonly found: PluginPackage;
  readonly code: string;
}

/** One folder with a plugin. */
interface Folder {
  inputs: readonly string[];
  running: Running | undefined;
  /** When the first change was seen that isn't built yet; undefined when there is none. */
  since: number | undefined;
  work: Promise<void> | undefined;
}

/** What a session works with. */
export interface DevParts {
  readonly roots: readonly string[];
  readonly inspector: Inspector;
  tell(event: DevEvent): void;
  /** Watches files that went into a plugin, and that watching the roots doesn't include. */
  watch(paths: readonly string[]): void;
}

/** Milliseconds in which changes of one save come together. */
const TOGETHER = 15;
/** Milliseconds without a change after which a build that failed is told. */
const SETTLED = 100;

/** Owns what is known of each folder. */
export class DevSession implements PluginSource {
  readonly #parts: DevParts;
  readonly #folders = new Map<string, Folder>();
  #follower: Tell | undefined;
  #closed = false;

  constructor(parts: DevParts) {
    this.#parts = parts;
  }

  get origin(): string {
    return this.#parts.roots.join(', ');
  }

  /** Builds the plugins. Those that can't be built are told, and come once they can. */
  async build(): Promise<void> {
    for (const folder of await this.#found()) {
      const entry = this.#entry(folder);
      try {
        entry.running = await this.#load(folder, entry);
      } catch (error) {
        this.#parts.tell({ event: 'failed', folder, error, running: false });
      }
    }
  }

  /** Those that were built. A kernel waits for a source, but not for a bundler. */
  async *discover(): AsyncGenerator<PluginPackage> {
    for (const { running } of this.#folders.values())
      if (running !== undefined) yield running.found;
  }

  /** From now on changes reach the kernel, and those that were seen while it started. */
  watch(onChange: Tell): { dispose(): void } {
    this.#follower = onChange;
    for (const [folder, { since }] of this.#folders)
      if (since !== undefined) this.#touch(folder, since);
    return {
      dispose: () => {
        this.#follower = undefined;
      },
    };
  }

  /** A path has changed. */
  changed(path: string): void {
    const now = performance.now();
    for (const [folder, { inputs }] of this.#folders)
      if (isInside(path, folder) || inputs.includes(path)) this.#touch(folder, now);
    const known = [...this.#folders.keys()].some((folder) => isInside(path, folder));
    if (!known && path.endsWith(`${sep}plugin.json`))
      this.#touch(path.slice(0, -`${sep}plugin.json`.length), now);
  }

  /** Waits for builds that have begun, and begins no other. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#folders.values()].map(({ work }) => work));
  }

  async #found(): Promise<readonly string[]> {
    return (await Promise.all(this.#parts.roots.map(pluginFolders))).flat();
  }

  #entry(folder: string): Folder {
    const known = this.#folders.get(folder);
    if (known !== undefined) return known;
    const made: Folder = { inputs: [], running: undefined, since: undefined, work: undefined };
    this.#folders.set(folder, made);
    return made;
  }

  #touch(folder: string, now: number): void {
    const entry = this.#entry(folder);
    entry.since ??= now;
    if (this.#closed || this.#follower === undefined) return;
    entry.work ??= this.#rebuild(folder, entry, this.#follower).finally(() => {
      entry.work = undefined;
      if (entry.since !== undefined) this.#touch(folder, entry.since);
    });
  }

  /** Builds until nothing has changed meanwhile. */
  async #rebuild(folder: string, entry: Folder, report: Tell): Promise<void> {
    while (entry.since !== undefined && !this.#closed) {
      const { since } = entry;
      await new Promise((resolve) => setTimeout(resolve, TOGETHER));
      entry.since = undefined;
      try {
        await this.#apply(folder, entry, report, since);
      } catch (error) {
        // A file may still be being written. Then another change follows, and causes another build.
        await new Promise((resolve) => setTimeout(resolve, SETTLED));
        if (entry.since === undefined)
          this.#parts.tell({
            event: 'failed',
            folder,
            error,
            running: entry.running !== undefined,
          });
      }
    }
  }

  async #apply(folder: string, entry: Folder, report: Tell, since: number): Promise<void> {
    const before = entry.running;
    const tell = (event: 'added' | 'swapped' | 'removed', { id, version }: Running) =>
      this.#parts.tell({ event, id, version, folder, ms: performance.now() - since });
    if (!(await this.#found()).includes(folder)) {
      this.#folders.delete(folder);
      if (before === undefined) return;
      await report({ origin: folder, found: undefined });
      tell('removed', before);
      return;
    }
    const next = await this.#load(folder, entry);
    if (before?.found.manifest === next.found.manifest && before.code === next.code) return;
    // The author who saves a file here consents: what the plugin keeps passes to it.
    await report({ origin: folder, found: next.found, owner: folder });
    entry.running = next;
    if (before !== undefined && before.id !== next.id) tell('removed', before);
    tell(before?.id === next.id ? 'swapped' : 'added', next);
  }

  async #load(folder: string, entry: Folder): Promise<Running> {
    const { found, inputs }: Loaded = await loadPlugin(folder, this.#parts.inspector);
    entry.inputs = inputs;
    const { roots } = this.#parts;
    this.#parts.watch(
      inputs.filter(
        (input) => !input.includes(`${sep}node_modules${sep}`) && !covers(roots, input),
      ),
    );
    if (found.problem !== undefined) throw found.problem;
    const { id, version, main } = parseManifest(found.manifest, found.origin);
    return { id, version, found, code: await found.code(main) };
  }
}

function isInside(path: string, folder: string): boolean {
  const inside = relative(folder, path);
  return inside === '' || !(inside.startsWith('..') || inside.includes(`${sep}node_modules${sep}`));
}
