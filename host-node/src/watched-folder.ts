/**
 * A folder of plugins that is watched. What the system reports only says when to look: each look
 * compares all packages with those that were told before, so that no change is missed or told twice.
 */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { PluginPackage, PluginSource, SourceChange } from '@plinth/kernel';
import { SIGNATURE_FILE } from '@plinth/sdk/contract';
import type { FSWatcher } from 'chokidar';

type Tell = (change: SourceChange) => Promise<void>;

/** A source that can be watched, over what finds the packages of a folder. */
export function watchedFolder(
  root: string,
  find: () => AsyncIterable<PluginPackage>,
): PluginSource {
  /** What was found at each place last: the digest of its package. */
  const found = new Map<string, string>();
  return {
    origin: root,
    async *discover() {
      for await (const one of find()) {
        found.set(one.origin, (await stateOf(one)).digest);
        yield one;
      }
    },
    watch(onChange) {
      const watch = new FolderWatch(root, find, new Map(found), onChange);
      return { dispose: () => watch.close() };
    },
  };
}

/** Milliseconds without a change after which a folder is looked at. */
const QUIET = 60;
/** Milliseconds after which it is looked at although it still changes. */
const LONGEST = 1_000;
/** Milliseconds that a package which is gone or incomplete has to come back. */
const GRACE = 250;
/** Milliseconds between looks at a folder that the system can't watch. */
const POLL = 1_000;

/** Owns the watcher, its timers, and the looks, which come one after another. */
class FolderWatch {
  readonly #root: string;
  readonly #find: () => AsyncIterable<PluginPackage>;
  /** What this one was told of each place. */
  readonly #told: Map<string, string>;
  readonly #tell: Tell;
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #poll: NodeJS.Timeout | undefined;
  /** When the first change was seen that has not been looked at. */
  #since: number | undefined;
  #looking: Promise<void> | undefined;
  #closed = false;

  constructor(
    root: string,
    find: () => AsyncIterable<PluginPackage>,
    told: Map<string, string>,
    tell: Tell,
  ) {
    this.#root = root;
    this.#find = find;
    this.#told = told;
    this.#tell = tell;
    this.#watch().catch(() => this.#startPolling());
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearInterval(this.#poll);
    void this.#watcher?.close();
  }

  async #watch(): Promise<void> {
    const { watch } = await import('chokidar');
    if (this.#closed) return;
    this.#watcher = watch(this.#root, {
      ignoreInitial: true,
      persistent: false,
      ignored: (path) => path !== this.#root && isIgnored(basename(path)),
    });
    this.#watcher.on('all', () => this.#touch(QUIET));
    // What has changed since the folder was read.
    this.#watcher.on('ready', () => this.#touch(0));
    // The system has no watches left, for example.
    this.#watcher.on('error', () => this.#startPolling());
  }

  #startPolling(): void {
    if (this.#closed) return;
    this.#poll ??= setInterval(() => this.#touch(0), POLL).unref();
  }

  /** Looks once nothing has changed for a while. */
  #touch(quiet: number): void {
    if (this.#closed) return;
    const now = performance.now();
    this.#since ??= now;
    clearTimeout(this.#timer);
    const rest = Math.max(0, this.#since + LONGEST - now);
    this.#timer = setTimeout(() => this.#begin(), Math.min(quiet, rest)).unref();
  }

  #begin(): void {
    // A look that is in progress is followed by another one.
    if (this.#looking !== undefined) return;
    this.#since = undefined;
    this.#looking = this.#look()
      // A folder that can't be read now is looked at when it changes again.
      .catch(() => {})
      .finally(() => {
        this.#looking = undefined;
        if (this.#since !== undefined) this.#touch(QUIET);
      });
  }

  async #look(): Promise<void> {
    let states = await this.#states();
    if ([...states].some(([origin, state]) => this.#isHalf(origin, state)) || this.#lacks(states)) {
      // A build may be about to write the rest.
      await new Promise((resolve) => setTimeout(resolve, GRACE).unref());
      if (this.#closed) return;
      states = await this.#states();
    }
    for (const origin of [...this.#told.keys()])
      if (!states.has(origin)) {
        this.#told.delete(origin);
        await this.#report({ origin, found: undefined });
      }
    for (const [origin, { digest, found }] of states) {
      if (this.#told.get(origin) === digest) continue;
      this.#told.set(origin, digest);
      await this.#report({ origin, found });
    }
  }

  /** Whether a package has changed, and can't run as it is. */
  #isHalf(origin: string, { digest, whole }: State): boolean {
    return !whole && this.#told.get(origin) !== digest;
  }

  #lacks(states: ReadonlyMap<string, State>): boolean {
    return [...this.#told.keys()].some((origin) => !states.has(origin));
  }

  async #states(): Promise<ReadonlyMap<string, State>> {
    const states = new Map<string, State>();
    try {
      for await (const found of this.#find()) states.set(found.origin, await stateOf(found));
    } catch (error) {
      // The folder itself may be gone, and with it all its plugins.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    return states;
  }

  async #report(change: SourceChange): Promise<void> {
    // The kernel logs why it doesn't use a change.
    if (!this.#closed) await this.#tell(change).catch(() => {});
  }
}

/** Names of nothing that a package is made of. */
const isIgnored = (name: string) =>
  name.startsWith('.') || name === 'node_modules' || name.endsWith('.tmp') || name.endsWith('~');

/** A package as it is now. */
interface State {
  readonly found: PluginPackage;
  /** Differs when its manifest, its bundle or its signature is another one. */
  readonly digest: string;
  /** Whether all of them can be read. */
  readonly whole: boolean;
}

async function stateOf(found: PluginPackage): Promise<State> {
  const hash = createHash('sha256');
  let whole = found.problem === undefined;
  const add = async (name: string, read: () => Promise<string | undefined> | undefined) => {
    const text = await Promise.resolve()
      .then(read)
      .catch((error: NodeJS.ErrnoException) => {
        whole = false;
        return `\0${error.code ?? error.message}`;
      });
    hash.update(`${name}:${text?.length ?? -1}:${text ?? ''}\n`);
  };
  const { manifest } = found;
  await add('plugin.json', async () => String(manifest));
  const main = mainOf(String(manifest));
  if (main === undefined) whole = false;
  else await add(main, () => found.code(main));
  await add(SIGNATURE_FILE, () => found.signature?.());
  return { found, digest: hash.digest('hex'), whole };
}

/** The bundle that a manifest names, if it can be read so far. */
function mainOf(manifest: string): string | undefined {
  try {
    const { main } = Object(JSON.parse(manifest)) as { readonly main?: unknown };
    return typeof main === 'string' ? main : undefined;
  } catch {
    return undefined;
  }
}
