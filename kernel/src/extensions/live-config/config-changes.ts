/**
 * Changes of configuration, one after the other. Each change is all or nothing. It is checked
 * against the schema, handed to every running version of the plugin, kept, and only then announced.
 * When any step refuses it, the old settings stay, also in the plugin.
 */
import { createError, ERROR_CODES, type Manifest, messageOf } from '@plinth/sdk/contract';
import { Queue } from '../../concurrency.js';
import {
  type ChangeableLayer,
  type ConfigOptions,
  type ConfigStore,
  isSource,
} from '../../config/config-store.js';
import { patched } from '../../config/merge-layers.js';
import { checkSettings, type Settings } from '../../config/settings.js';
import type { SettingsSource } from '../../config/settings-source.js';
import type { StorageAdapter } from '../../host.js';
import type { Announce } from '../../reporting.js';
import type { Log } from '../../telemetry/logger.js';
import type { Watchers } from './watchers.js';

/** What changes need of the kernel. */
export interface ConfigChangeParts {
  readonly store: ConfigStore;
  readonly options: ConfigOptions;
  readonly storage: StorageAdapter;
  readonly tenant: string;
  readonly log: Log;
  readonly announce: Announce;
  readonly watchers: Watchers;
  /** Every installed version of a plugin. */
  manifests(id: string): readonly Manifest[];
  /**
   * Hands the settings to the running versions of a plugin, or only to those in `only`. Adds the
   * versions that have taken them to `taken`.
   */
  reconfigure(id: string, taken: Set<string>, only?: ReadonlySet<string>): Promise<void>;
}

/** The format in which settings are kept. */
const FORMAT = 1;

/** Owns the changes of one tenant's configuration, its settings sources, and its watchers. */
export class ConfigChanges {
  readonly #parts: ConfigChangeParts;
  readonly #sources: { dispose(): void }[] = [];
  readonly #turns = new Queue();
  #closed = false;

  constructor(parts: ConfigChangeParts) {
    this.#parts = parts;
  }

  /**
   * Reads the layers that come from outside the program: sources, and kept settings.
   *
   * @throws PluginConfigurationError `config/invalid` when a source can't be read.
   */
  async open(): Promise<void> {
    const { options } = this.#parts;
    for (const layer of ['global', 'user'] as const) {
      const source = options[layer];
      if (source === undefined || !isSource(source)) continue;
      for (const [id, values] of Object.entries(await source.load()))
        this.#parts.store.replace(id, layer, checkSettings(values, id, layer));
      const watched = source.watch?.(() => void this.#turns.run(() => this.#reread(layer, source)));
      if (watched !== undefined) this.#sources.push(watched);
    }
    await this.#readKept();
  }

  /** Changes keys of a layer, at every depth. A key that is set to undefined is removed. */
  set(id: string, patch: Readonly<Record<string, unknown>>, layer: string): Promise<void> {
    return this.#turns.run(async () => {
      if (layer !== 'global' && layer !== 'user' && layer !== 'runtime')
        throw createError('config/invalid', `the layer '${layer}' cannot be changed at run time`, {
          plugin: id,
          details: { layer },
        });
      const checked = checkSettings(patch, id, layer);
      await this.#apply(
        id,
        layer,
        patched(this.#parts.store.layer(id, layer) ?? {}, checked),
        Object.keys(patch),
      );
    });
  }

  /** Deletes the kept settings of a plugin. */
  purge(id: string): Promise<void> {
    return this.#turns.run(async () => {
      const { storage, store, options } = this.#parts;
      const key = this.#key(id);
      if ((await storage.get(key)) === undefined) return;
      await storage.delete(key);
      const given =
        options.user !== undefined && !isSource(options.user) ? options.user[id] : undefined;
      store.replace(id, 'user', given === undefined ? undefined : checkSettings(given, id, 'user'));
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const source of this.#sources.splice(0)) source.dispose();
    await this.#turns.idle();
    this.#parts.watchers.clear();
  }

  async #apply(
    id: string,
    layer: ChangeableLayer,
    settings: Settings | undefined,
    keys: readonly string[],
  ): Promise<void> {
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
      // Versions that have already taken the new settings get the old ones again.
      if (taken.size > 0) {
        const failed = (failure: unknown) =>
          log.write(
            'kernel',
            'error',
            `could not give ${id} its old configuration back: ${messageOf(failure)}`,
            { plugin: id },
          );
        await reconfigure(id, new Set(), taken).catch(failed);
      }
      throw error;
    }
    this.#parts.watchers.tell(id, store.get(id), keys, (error) =>
      log.write(
        'kernel',
        'error',
        `a watcher of the configuration of ${id} threw: ${messageOf(error)}`,
        { plugin: id },
      ),
    );
    // Announces the keys and never the values, because a setting may be confidential.
    announce('config:changed', { plugin: id, layer, keys });
  }

  /**
   * A source has changed. Errors are reported, and each affected plugin keeps its previous
   * settings.
   */
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
        await this.#apply(id, layer, after, keys).catch((error: unknown) =>
          this.#rejected(id, layer, error),
        );
      }
    } catch (error) {
      log.write('kernel', 'error', `${source.name} is not read: ${messageOf(error)}`, {
        source: source.name,
      });
    }
  }

  #rejected(id: string, layer: ChangeableLayer, error: unknown): void {
    const { log, announce } = this.#parts;
    log.write('kernel', 'error', messageOf(error), { plugin: id, layer });
    announce('config:rejected', { plugin: id, layer, message: messageOf(error) });
  }

  #key(id: string): string {
    // No plugin can have this id.
    return `${this.#parts.tenant}\0plinth\0config\0${id}`;
  }

  async #keep(id: string, settings: Settings | undefined): Promise<void> {
    try {
      await this.#parts.storage.set(this.#key(id), { format: FORMAT, settings: settings ?? {} });
    } catch (cause) {
      if (Object.hasOwn(ERROR_CODES, String((cause as { code?: unknown } | null)?.code)))
        throw cause;
      throw createError(
        'storage/failed',
        `the configuration of ${id} could not be kept: ${messageOf(cause)}`,
        { plugin: id, cause },
      );
    }
  }

  /**
   * Unreadable entries are reported and left as they are, because a newer version may understand
   * them.
   */
  async #readKept(): Promise<void> {
    const { storage, store, log } = this.#parts;
    const prefix = this.#key('');
    try {
      for (const key of await storage.keys(prefix)) {
        const id = key.slice(prefix.length);
        try {
          const kept = (await storage.get(key)) as
            | { readonly format?: unknown; readonly settings?: unknown }
            | undefined;
          if (kept?.format !== FORMAT)
            throw createError(
              'registry/newer-format',
              `it has format ${String(kept?.format)}, this version knows ${FORMAT}`,
            );
          store.replace(id, 'user', checkSettings(kept.settings, id, 'user'));
        } catch (error) {
          log.write(
            'kernel',
            'error',
            `the kept configuration of ${id} is not used: ${messageOf(error)}`,
            { plugin: id },
          );
        }
      }
    } catch (error) {
      log.write('kernel', 'error', `kept configuration could not be read: ${messageOf(error)}`);
    }
  }
}

/**
 * What a plugin's `configure` throws itself is its refusal. Errors that Plinth raised, like a
 * time-out, pass unchanged.
 */
function refusal(id: string, thrown: unknown): unknown {
  const code = String((thrown as { code?: unknown } | null)?.code);
  if (code !== 'call/failed' && Object.hasOwn(ERROR_CODES, code)) return thrown;
  return createError('config/invalid', `${id} refuses its configuration: ${messageOf(thrown)}`, {
    plugin: id,
    cause: thrown,
  });
}

function changedKeys(before: Settings = {}, after: Settings = {}): readonly string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]),
  );
}
