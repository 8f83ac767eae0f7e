/** Configuration: layers merged key by key, weakest first, and who set what. */
import { createError, disposable, type Manifest } from '@plinth/sdk/contract';
import { encodeValue } from '@plinth/sdk/rpc';

/** Layers from weak to strong. */
export const CONFIG_LAYERS = ['defaults', 'global', 'environment', 'user', 'runtime'] as const;
/** The name of a layer. */
export type ConfigLayer = (typeof CONFIG_LAYERS)[number];

/** Settings of plugins, by plugin id. */
export type PluginSettings = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** What the embedder configures. */
export interface ConfigOptions {
  readonly global?: PluginSettings;
  /** Environment variables; `PLINTH_<ID>__<KEY>` is read, everything else ignored. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly user?: PluginSettings;
  readonly runtime?: PluginSettings;
}

/** A key's value and the layer it comes from. */
export interface ConfigSource {
  readonly value: unknown;
  readonly layer: ConfigLayer;
}

/** Gets told when a plugin's settings have changed. */
export type ConfigWatcher = (config: Readonly<Record<string, unknown>>, changed: readonly string[]) => void;

/** Owns every layer of a kernel. */
export class ConfigStore {
  readonly #layers: Record<Exclude<ConfigLayer, 'defaults'>, Map<string, Record<string, unknown>>>;
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #watchers = new Map<string, Set<ConfigWatcher>>();
  readonly #manifest: (id: string) => Manifest | undefined;

  constructor(options: ConfigOptions, manifest: (id: string) => Manifest | undefined) {
    const settings = (from: PluginSettings | undefined, layer: string) => new Map(Object.entries(from ?? {}).map(([id, values]) => [id, checkSettings(values, id, layer)]));
    this.#layers = {
      global: settings(options.global, 'global'),
      environment: new Map(),
      user: settings(options.user, 'user'),
      runtime: settings(options.runtime, 'runtime'),
    };
    this.#env = options.env ?? {};
    this.#manifest = manifest;
  }

  /** The merged settings of a plugin, before its own schema has seen them. */
  get(id: string): Readonly<Record<string, unknown>> {
    return Object.fromEntries(Object.entries(this.layers(id)).map(([key, { value }]) => [key, value]));
  }

  /** Each key with the layer that has the last word. */
  layers(id: string): Readonly<Record<string, ConfigSource>> {
    const merged: Record<string, ConfigSource> = {};
    for (const layer of CONFIG_LAYERS) for (const [key, value] of Object.entries(this.#layer(id, layer))) merged[key] = { value, layer };
    return merged;
  }

  /** Changes keys of one layer; a key set to undefined is taken out. Answers how to take the change back. */
  set(id: string, patch: Readonly<Record<string, unknown>>, layer: ConfigLayer = 'user'): () => void {
    if (layer === 'defaults' || layer === 'environment') throw createError('config/invalid', `the layer '${layer}' cannot be changed at run time`, { plugin: id });
    const checked = checkSettings(patch, id, layer);
    const before = this.#layers[layer].get(id);
    const after = Object.fromEntries(Object.entries({ ...before, ...checked }).filter(([, value]) => value !== undefined));
    this.#layers[layer].set(id, after);
    return () => {
      if (before === undefined) this.#layers[layer].delete(id);
      else this.#layers[layer].set(id, before);
    };
  }

  watch(id: string, watcher: ConfigWatcher): Disposable & { dispose(): void } {
    const watchers = this.#watchers.get(id) ?? new Set();
    watchers.add(watcher);
    this.#watchers.set(id, watchers);
    return disposable(() => watchers.delete(watcher));
  }

  notify(id: string, changed: readonly string[]): void {
    for (const watcher of this.#watchers.get(id) ?? []) watcher(this.get(id), changed);
  }

  #layer(id: string, layer: ConfigLayer): Readonly<Record<string, unknown>> {
    if (layer === 'defaults') return defaultsOf(this.#manifest(id));
    if (layer === 'environment') return environmentOf(this.#env, id, this.#manifest(id));
    return this.#layers[layer].get(id) ?? {};
  }
}

function checkSettings(values: unknown, id: string, layer: string): Record<string, unknown> {
  if (values === null || typeof values !== 'object' || Array.isArray(values))
    throw createError('config/invalid', `the ${layer} configuration of ${id} is not an object`, { plugin: id });
  if (Object.hasOwn(values, '__proto__')) throw createError('config/invalid', `the ${layer} configuration of ${id} has the key '__proto__'`, { plugin: id });
  try {
    return structuredClone(encodeValue(values)) as Record<string, unknown>;
  } catch (cause) {
    throw createError('config/invalid', `the ${layer} configuration of ${id} is not plain data: ${(cause as Error).message}`, { plugin: id, cause });
  }
}

function defaultsOf(manifest: Manifest | undefined): Readonly<Record<string, unknown>> {
  const properties = (manifest?.config as { properties?: Record<string, { default?: unknown }> } | undefined)?.properties ?? {};
  return Object.fromEntries(Object.entries(properties).flatMap(([key, schema]) => (schema?.default === undefined ? [] : [[key, schema.default]])));
}

/** `PLINTH_COM_EXAMPLE_NOTES__MAX_SIZE=5` → `{ maxSize: 5 }`; a value that is JSON is read as JSON, any other is a text. */
function environmentOf(env: Readonly<Record<string, string | undefined>>, id: string, manifest: Manifest | undefined): Readonly<Record<string, unknown>> {
  const prefix = `PLINTH_${id.toUpperCase().replace(/[^A-Z0-9]/g, '_')}__`;
  const known = Object.keys((manifest?.config as { properties?: object } | undefined)?.properties ?? {});
  const settings: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(prefix) || text === undefined) continue;
    const words = name.slice(prefix.length).toLowerCase();
    const plain = words.replaceAll('_', '');
    const key =
      known.find((candidate) => candidate.toLowerCase() === plain || candidate.toLowerCase() === words) ??
      words.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
    settings[key] = parseText(text);
  }
  return settings;
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
