/**
 * `@plinth/cli/vite/client`: the part of the Vite plugin that runs in the application, and the types
 * of `plinth:…` imports.
 *
 * @module
 */
/// <reference path="./modules.d.ts" preserve="true" />
import type { Kernel, PluginPackage, PluginSource } from '@plinth/kernel';

/** What is needed of a kernel to replace a plugin. */
export interface SwappingKernel {
  readonly plugins: Pick<
    Kernel['plugins'],
    'activate' | 'get' | 'install' | 'reload' | 'uninstall'
  >;
}

/** A plugin as the Vite plugin writes it into a module. */
export interface PluginModule {
  /** `plinth:` and the folder, relative to Vite's root. */
  readonly origin: string;
  readonly id: string;
  readonly version: string;
  readonly activation: readonly string[];
  /** The package's files by path, `plugin.json` among them. */
  readonly files: Readonly<Record<string, string>>;
  /** Text of its `plugin.sig.json`. */
  readonly signature?: string | undefined;
}

/** The part of `import.meta.hot` that is used. */
interface Hot {
  readonly data: Record<string, unknown>;
  send(event: string, payload: unknown): void;
}

/** A kernel that follows a plugin. */
interface Watcher {
  readonly kernel: SwappingKernel;
  /** What it runs. */
  running: PluginModule;
}

/** The same for each copy of this module. */
const SERVED = Symbol.for('plinth.vite.served');

/**
 * Swaps plugins while Vite's dev server runs: after a save, the kernel replaces the running plugin
 * by its new version and hands its state over. A version that doesn't start is told in the terminal
 * and in Vite's overlay, and the old one still runs. Has no effect in a build.
 *
 * @param sources what `plinth:…` imports give, and the kernel has as sources.
 * @returns a function that ends it, for an application that stops the kernel and goes on.
 * @throws TypeError for a source that isn't imported with `plinth:`.
 * @example
 * import { hotSwap } from '@plinth/cli/vite/client';
 * import notes from 'plinth:../plugins/notes';
 *
 * const kernel = await createKernel({ sources: [notes] });
 * hotSwap(kernel, notes);
 * await kernel.start();
 */
export function hotSwap(kernel: SwappingKernel, ...sources: readonly PluginSource[]): () => void {
  const stops = sources.map(servedOf).map((served) => served.follow(kernel));
  return () => {
    for (const stop of stops) stop();
  };
}

/**
 * Makes the source of an imported plugin. Modules that the Vite plugin writes call it. A module that
 * replaces another one gives its package to the source that the application has already.
 */
export function pluginFromVite(module: PluginModule, hot?: Hot): PluginSource {
  const before = hot?.data.source as ServedPlugin | undefined;
  if (hot === undefined || before === undefined) {
    const made = new ServedPlugin(module);
    if (hot !== undefined) hot.data.source = made;
    return made;
  }
  before.take(module, hot);
  return before;
}

/** Owns the package of one import, and which kernels follow it. */
class ServedPlugin implements PluginSource {
  readonly [SERVED] = true;
  readonly #watchers = new Set<Watcher>();
  #module: PluginModule;
  #turn = Promise.resolve();

  constructor(module: PluginModule) {
    this.#module = module;
  }

  get origin(): string {
    return this.#module.origin;
  }

  async *discover(): AsyncGenerator<PluginPackage> {
    yield packageOf(this.#module);
  }

  follow(kernel: SwappingKernel): () => void {
    const watcher = { kernel, running: this.#module };
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  /** Swaps one version after the other. Versions that were replaced meanwhile are left out. */
  take(module: PluginModule, hot: Hot): void {
    this.#module = module;
    this.#turn = this.#turn.then(async () => {
      for (const watcher of [...this.#watchers])
        if (this.#module === module) await swap(watcher, module, hot);
    });
  }
}

/** Replaces what a kernel runs, and tells the dev server. Never rejects. */
async function swap(watcher: Watcher, module: PluginModule, hot: Hot): Promise<void> {
  const { kernel, running } = watcher;
  if (JSON.stringify(running) === JSON.stringify(module)) return;
  const { origin, id, version } = module;
  try {
    await replace(kernel, module, running);
    watcher.running = module;
    hot.send('plinth:swapped', { origin, id, version });
  } catch (error) {
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    hot.send('plinth:failed', { origin, id, message, stack });
  }
}

function servedOf(source: PluginSource): ServedPlugin {
  if ((source as Partial<ServedPlugin> | undefined)?.[SERVED] === true)
    return source as ServedPlugin;
  throw new TypeError(
    "hotSwap takes sources that are imported with 'plinth:', as in hotSwap(kernel, notes)",
  );
}

async function replace(
  { plugins }: SwappingKernel,
  next: PluginModule,
  before: PluginModule,
): Promise<void> {
  const found = packageOf(next);
  const owner = { owner: found.origin };
  if (next.id === before.id) {
    // An application that has uninstalled the plugin doesn't get it back.
    if (plugins.get(next.id) !== undefined) await plugins.reload(next.id, found, owner);
    return;
  }
  await plugins.install(found, owner);
  try {
    if (next.activation.includes('startup')) await plugins.activate(next.id);
    if (plugins.get(before.id) !== undefined) await plugins.uninstall(before.id);
  } catch (error) {
    await plugins.uninstall(next.id);
    throw error;
  }
}

function packageOf({ origin, files, signature }: PluginModule): PluginPackage {
  const read = async (path: string) => {
    const content = Object.hasOwn(files, path) ? files[path] : undefined;
    if (content === undefined) throw new Error(`${origin} has no ${path}`);
    return content;
  };
  return {
    origin,
    manifest: files['plugin.json'] ?? '',
    held: true,
    code: read,
    ...(signature !== undefined && { signature: async () => signature }),
  };
}
