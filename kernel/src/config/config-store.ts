/** Configuration: layers merged key by key, weakest first, and who set what. */
import { createError, describeIssues, type Issue, type Manifest } from '@plinth/sdk/contract';
import { checkSettings, defaultsOf, environmentOf, environmentPrefix, notJson, type PluginSettings, type Settings } from './settings.js';
import type { SettingsSource } from './settings-source.js';
import type { SettingsValidator } from './schema-validator.js';

/** Layers from weak to strong. */
export const CONFIG_LAYERS = ['defaults', 'global', 'environment', 'user', 'runtime'] as const;
/** The name of a layer. */
export type ConfigLayer = (typeof CONFIG_LAYERS)[number];
/** Layers that can be changed while the kernel runs. */
export type ChangeableLayer = Exclude<ConfigLayer, 'defaults' | 'environment'>;

/** What the embedder configures: settings, or where they come from. */
export interface ConfigOptions {
  readonly global?: PluginSettings | SettingsSource;
  /** Environment variables; `PLINTH_<ID>__<KEY>` is read, everything else ignored. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What the user has chosen before anything is kept: changes of this layer are kept in the kernel's storage, and count from then on. */
  readonly user?: PluginSettings | SettingsSource;
  readonly runtime?: PluginSettings;
}

/** A key's value and the layer it comes from. */
export interface ConfigSource {
  readonly value: unknown;
  readonly layer: ConfigLayer;
}

/** Owns every layer of a kernel. What it hands out can't be changed. */
export class ConfigStore {
  readonly #layers: Record<ChangeableLayer, Map<string, Settings>> = { global: new Map(), user: new Map(), runtime: new Map() };
  /** How often the layers of an id were changed. */
  readonly #revisions = new Map<string, number>();
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #manifest: (id: string) => Manifest | undefined;
  readonly #validators = new WeakMap<object, Promise<SettingsValidator>>();

  constructor(options: ConfigOptions, manifest: (id: string) => Manifest | undefined) {
    for (const layer of ['global', 'user', 'runtime'] as const) {
      const from = options[layer];
      if (from !== undefined && !isSource(from)) for (const [id, values] of Object.entries(from)) this.#layers[layer].set(id, checkSettings(values, id, layer));
    }
    this.#env = options.env ?? {};
    this.#manifest = manifest;
  }

  /** The merged settings of a plugin, before its own schema has seen them. */
  get(id: string): Settings {
    return merged(this.layers(id));
  }

  /** {@link get} for one of several versions. */
  of(manifest: Manifest): Settings {
    return merged(this.#layersOf(manifest.id, manifest));
  }

  /** Each key with the layer that has the last word. */
  layers(id: string): Readonly<Record<string, ConfigSource>> {
    return this.#layersOf(id, this.#manifest(id));
  }

  /** What a layer itself says of a plugin. */
  layer(id: string, layer: ChangeableLayer): Settings | undefined {
    return this.#layers[layer].get(id);
  }

  /** Ids that a layer says something of. */
  ids(layer: ChangeableLayer): readonly string[] {
    return [...this.#layers[layer].keys()];
  }

  /** Another number with each change of a plugin's settings. */
  revision(id: string): number {
    return this.#revisions.get(id) ?? 0;
  }

  /** Puts settings in the place of a layer's; undefined takes them out. Answers what was there. */
  replace(id: string, layer: ChangeableLayer, settings: Settings | undefined): Settings | undefined {
    const before = this.#layers[layer].get(id);
    this.#revisions.set(id, this.revision(id) + 1);
    if (settings === undefined) this.#layers[layer].delete(id);
    else this.#layers[layer].set(id, settings);
    return before;
  }

  /**
   * The merged settings, when they fit the plugin's JSON Schema.
   *
   * @throws PluginConfigurationError `config/invalid` with every problem, each with the layer it comes from;
   * PluginManifestError `manifest/invalid` when the schema itself is none.
   */
  async checked(manifest: Manifest): Promise<Settings> {
    const { id, config: schema } = manifest;
    const settings = this.of(manifest);
    if (schema === undefined) return settings;
    const issues = notJson(settings);
    const found = issues.length > 0 ? issues : (await this.#validatorOf(schema, id))(settings);
    if (found.length === 0) return settings;
    const layers = this.#layersOf(id, manifest);
    const problems = found.map((issue) => ({ ...issue, ...originOf(issue, layers) }));
    throw createError(
      'config/invalid',
      `the configuration of ${id} is not valid: ${problems.map((one) => describeIssues([{ ...one, message: withOrigin(one, id) }])).join('; ')}`,
      {
        plugin: id,
        details: { issues: problems },
      },
    );
  }

  #validatorOf(schema: object, id: string): Promise<SettingsValidator> {
    let validator = this.#validators.get(schema);
    if (validator === undefined) {
      validator = import('./schema-validator.js').then(({ validatorOf }) => validatorOf(schema, id));
      this.#validators.set(schema, validator);
    }
    return validator;
  }

  #layersOf(id: string, manifest: Manifest | undefined): Readonly<Record<string, ConfigSource>> {
    const all: Record<string, ConfigSource> = {};
    for (const layer of CONFIG_LAYERS) for (const [key, value] of Object.entries(this.#layerOf(id, layer, manifest))) all[key] = { value, layer };
    return all;
  }

  #layerOf(id: string, layer: ConfigLayer, manifest: Manifest | undefined): Settings {
    if (layer === 'defaults') return defaultsOf(manifest);
    if (layer === 'environment') return environmentOf(this.#env, id, manifest);
    return this.#layers[layer].get(id) ?? {};
  }
}

/** Whether a layer is read from somewhere. */
export function isSource(from: PluginSettings | SettingsSource): from is SettingsSource {
  return typeof (from as SettingsSource).load === 'function';
}

const merged = (layers: Readonly<Record<string, ConfigSource>>): Settings => Object.freeze(Object.fromEntries(Object.entries(layers).map(([key, { value }]) => [key, value])));

function originOf({ path }: Issue, layers: Readonly<Record<string, ConfigSource>>): { readonly layer?: ConfigLayer } {
  const key = Object.keys(layers).find((one) => path === one || path.startsWith(`${one}.`));
  return key === undefined ? {} : { layer: (layers[key] as ConfigSource).layer };
}

function withOrigin({ message, layer }: Issue & { readonly layer?: ConfigLayer }, id: string): string {
  if (layer === undefined) return message;
  return `${message} (from ${layer === 'environment' ? `the environment, ${environmentPrefix(id)}…` : layer})`;
}
