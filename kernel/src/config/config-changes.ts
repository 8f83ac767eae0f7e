/**
 * Changes of configuration, one after the other. Each is all or nothing: checked against the schema, handed to every running
 * version of the plugin, kept, and only then told; whatever refuses has the old settings stay, in the plugin, too.
 */
import { createError, ERROR_CODES, type Manifest, messageOf } from '@plinth/sdk/contract';
import type { StorageAdapter } from '../host.js';
import type { KernelParts } from '../parts.js';
import type { Log } from '../telemetry/logger.js';
import { type ChangeableLayer, type ConfigOptions, type ConfigStore, isSource } from './config-store.js';
import { checkSettings, type Settings } from './settings.js';
import type { SettingsSource } from './settings-source.js';

/** Gets told when a plugin's settings have changed. */
export type ConfigWatcher = (config: Settings, changed: readonly string[]) => void;

/** What changes need of the kernel. */
export interface ConfigChangeParts {
  readonly store: ConfigStore;
  readonly options: ConfigOptions;
  readonly storage: StorageAdapter;
  readonly tenant: string;
  readonly log: Log;
  readonly announce: KernelParts['announce'];
  /** Every installed version of a plugin. */
  manifests(id: string): readonly Manifest[];
  /** Hands the settings to the plugin where it runs, or only to some of its versions; tells which have taken them. */
  reconfigure(id: string, taken: Set<string>, only?: ReadonlySet<string>): Promise<void>;
}

/** How kept settings are written. */
const FORMAT = 1;

/** Owns the changes of one tenant's configuration, the sources it is read from, and who watches it. */
export class ConfigChanges {
  readonly #parts: ConfigChangeParts;
  readonly #watchers = new Map<string, Set<ConfigWatcher>>();
  readonly #sources: { dispose(): void }[] = [];
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(parts: ConfigChangeParts) {
    this.#parts = parts;
  }

  /**
   * Reads the layers that aren't in the program: sources, and what was kept.
   *
   * @throws PluginConfigurationError `config/invalid` when a source can't be read.
   */
  async open(): Promise<void> {
    const { options } = this.#parts;
    for (const layer of ['global', 'user'] as const) {
      const source = options[layer];
      if (source === undefined || !isSource(source)) continue;
      for (const [id, values] of Object.entries(await source.load())) this.#parts.store.replace(id, layer, checkSettings(values, id, layer));
      const watched = source.watch?.(() => void this.#inTurn(() => this.#reread(layer, source)));
      if (watched !== undefined) this.#sources.push(watched);
    }
    await this.#readKept();
  }

  /** Changes keys of a layer; a key set to undefined is taken out. */
  set(id: string, patch: Readonly<Record<string, unknown>>, layer: string): Promise<void> {
    return this.#inTurn(async () => {
      if (layer !== 'global' && layer !== 'user' && layer !== 'runtime')
        throw createError('config/invalid', `the layer '${layer}' cannot be changed at run time`, { plugin: id, details: { layer } });
      const checked = checkSettings(patch, id, layer);
      const after = { ...this.#parts.store.layer(id, layer), ...checked };
      await this.#apply(id, layer, Object.freeze(Object.fromEntries(Object.entries(after).filter(([, value]) => value !== undefined))), Object.keys(patch));
    });
  }

  watch(id: string, watcher: ConfigWatcher): void {
    const watchers = this.#watchers.get(id) ?? new Set();
    watchers.add(watcher);
    this.#watchers.set(id, watchers);
  }

  unwatch(id: string, watcher: ConfigWatcher): void {
    this.#watchers.get(id)?.delete(watcher);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const source of this.#sources.splice(0)) source.dispose();
    await this.#turn.catch(() => {});
    this.#watchers.clear();
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const run = this.#turn.then(change, change);
    this.#turn = run.catch(() => {});
    return run;
  }

  async #apply(id: string, layer: ChangeableLayer, settings: Settings | undefined, keys: readonly string[]): Promise<void> {
    const { store, manifests, reconfigure, announce, log } = this.#parts;
    const before = store.replace(id, layer, settings);
    const taken = new Set<string>();
    try {
      for (const manifest of manifests(id)) await store.checked(manifest);
      await reconfigure(id, taken).catch((error: unknown) => {
        throw refusal(id, error);
      });
      if (layer === 'user') await this.#keep(id, settings);
    } catch (error) {
      store.replace(id, layer, before);
      // Versions that have taken it already get the old settings again.
      if (taken.size > 0) {
        const failed = (failure: unknown) => log.write('kernel', 'error', `could not give ${id} its old configuration back: ${messageOf(failure)}`, { plugin: id });
        await reconfigure(id, new Set(), taken).catch(failed);
      }
      throw error;
    }
    for (const watcher of [...(this.#watchers.get(id) ?? [])]) {
      try {
        watcher(store.get(id), keys);
      } catch (error) {
        log.write('kernel', 'error', `a watcher of the configuration of ${id} threw: ${messageOf(error)}`, { plugin: id });
      }
    }
    // Never the values: a setting may be nobody else's business.
    announce('config:changed', { plugin: id, layer, keys });
  }

  /** A source has changed: what is wrong with it is reported, and what was there stays, plugin by plugin. */
  async #reread(layer: ChangeableLayer, source: SettingsSource): Promise<void> {
    const { store, log } = this.#parts;
    if (this.#closed) return;
    try {
      const loaded = await source.load();
      for (const id of new Set([...Object.keys(loaded), ...store.ids(layer)])) {
        const before = store.layer(id, layer);
        const after = loaded[id] === undefined ? undefined : checkSettings(loaded[id], id, layer);
        const keys = changedKeys(before, after);
        if (keys.length === 0) continue;
        await this.#apply(id, layer, after, keys).catch((error: unknown) => this.#rejected(id, layer, error));
      }
    } catch (error) {
      log.write('kernel', 'error', `${source.name} is not read: ${messageOf(error)}`, { source: source.name });
    }
  }

  #rejected(id: string, layer: ChangeableLayer, error: unknown): void {
    const { log, announce } = this.#parts;
    log.write('kernel', 'error', messageOf(error), { plugin: id, layer });
    announce('config:rejected', { plugin: id, layer, message: messageOf(error) });
  }

  #key(id: string): string {
    // No plugin is called so.
    return `${this.#parts.tenant}\0plinth\0config\0${id}`;
  }

  async #keep(id: string, settings: Settings | undefined): Promise<void> {
    try {
      await this.#parts.storage.set(this.#key(id), { format: FORMAT, settings: settings ?? {} });
    } catch (cause) {
      if (Object.hasOwn(ERROR_CODES, String((cause as { code?: unknown } | null)?.code))) throw cause;
      throw createError('storage/failed', `the configuration of ${id} could not be kept: ${messageOf(cause)}`, { plugin: id, cause });
    }
  }

  /** What can't be read is reported and left as it is: a newer version may know what to do with it. */
  async #readKept(): Promise<void> {
    const { storage, store, log } = this.#parts;
    const prefix = this.#key('');
    try {
      for (const key of await storage.keys(prefix)) {
        const id = key.slice(prefix.length);
        try {
          const kept = (await storage.get(key)) as { readonly format?: unknown; readonly settings?: unknown } | undefined;
          if (kept?.format !== FORMAT) throw createError('registry/newer-format', `it has format ${String(kept?.format)}, this version knows ${FORMAT}`);
          store.replace(id, 'user', checkSettings(kept.settings, id, 'user'));
        } catch (error) {
          log.write('kernel', 'error', `the kept configuration of ${id} is not used: ${messageOf(error)}`, { plugin: id });
        }
      }
    } catch (error) {
      log.write('kernel', 'error', `kept configuration could not be read: ${messageOf(error)}`);
    }
  }
}

/** What a plugin's `configure` threw of its own is its refusal; what Plinth raised, like a time-out, says itself what it is. */
function refusal(id: string, thrown: unknown): unknown {
  const code = String((thrown as { code?: unknown } | null)?.code);
  if (code !== 'call/failed' && Object.hasOwn(ERROR_CODES, code)) return thrown;
  return createError('config/invalid', `${id} refuses its configuration: ${messageOf(thrown)}`, { plugin: id, cause: thrown });
}

function changedKeys(before: Settings = {}, after: Settings = {}): readonly string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]));
}
