/** Configuration: layers merged leaf by leaf, weakest first, with the source of each value. */
import {
  createError,
  describeIssues,
  didYouMean,
  type Issue,
  type Manifest,
} from '@plinth/sdk/contract';
import type { SchemaNode } from '../schema/schema-guard.js';
import type { Environment, EnvironmentLayer } from './environment.js';
import { mergeLayers, withDefaults } from './merge-layers.js';
import type { ValueValidator } from './schema-validator.js';
import {
  checkSettings,
  defaultsOf,
  notJson,
  type PluginSettings,
  type Settings,
} from './settings.js';
import type { SettingsSource } from './settings-source.js';

/** Layers from weak to strong. */
export const CONFIG_LAYERS = ['defaults', 'global', 'environment', 'user', 'runtime'] as const;
/** The name of a layer. */
export type ConfigLayer = (typeof CONFIG_LAYERS)[number];
/** Layers that can be changed while the kernel runs. */
export type ChangeableLayer = Exclude<ConfigLayer, 'defaults' | 'environment'>;

/** What the embedder configures: settings, or a source of settings. */
export interface ConfigOptions {
  readonly global?: PluginSettings | SettingsSource;
  /** Environment variables. `PLINTH_<ID>__<KEY>` is read, everything else is ignored. */
  readonly env?: Environment;
  /**
   * The user's settings before anything is kept. Changes of this layer are kept in the kernel's
   * storage and then take precedence.
   */
  readonly user?: PluginSettings | SettingsSource;
  readonly runtime?: PluginSettings;
}

/** The value of a leaf and the layer it comes from. */
export interface ConfigSource {
  readonly value: unknown;
  readonly layer: ConfigLayer;
}

/** Owns every layer of a kernel. The settings that it returns are frozen. */
export class ConfigStore {
  readonly #layers: Record<ChangeableLayer, Map<string, Settings>> = {
    global: new Map(),
    user: new Map(),
    runtime: new Map(),
  };
  /** How often the layers of each id were changed. */
  readonly #revisions = new Map<string, number>();
  readonly #environment: EnvironmentLayer | undefined;
  readonly #manifest: (id: string) => Manifest | undefined;
  readonly #ids: () => readonly string[];
  readonly #validators = new WeakMap<object, Promise<ValueValidator>>();

  /**
   * @param environment absent where the options have no variables.
   * @param ids the ids of all installed plugins.
   */
  constructor(
    options: ConfigOptions,
    environment: EnvironmentLayer | undefined,
    manifest: (id: string) => Manifest | undefined,
    ids: () => readonly string[],
  ) {
    for (const layer of ['global', 'user', 'runtime'] as const) {
      const from = options[layer];
      if (from !== undefined && !isSource(from))
        for (const [id, values] of Object.entries(from))
          this.#layers[layer].set(id, checkSettings(values, id, layer));
    }
    this.#environment = environment;
    this.#manifest = manifest;
    this.#ids = ids;
  }

  /** The merged settings of a plugin, before they are checked against its schema. */
  get(id: string): Settings {
    return this.#merged(id, this.#manifest(id)).settings;
  }

  /** {@link get} for one of several versions. */
  of(manifest: Manifest): Settings {
    return this.#merged(manifest.id, manifest).settings;
  }

  /** Each leaf by its path, keys joined by dots, with the strongest layer that sets it. */
  layers(id: string): Readonly<Record<string, ConfigSource>> {
    return this.#merged(id, this.#manifest(id)).leaves;
  }

  /** What one layer contains for a plugin. */
  layer(id: string, layer: ChangeableLayer): Settings | undefined {
    return this.#layers[layer].get(id);
  }

  /** The ids that a layer has settings for. */
  ids(layer: ChangeableLayer): readonly string[] {
    return [...this.#layers[layer].keys()];
  }

  /**
   * Settings for ids that no installed plugin has, one line each. Valid once all plugins are known.
   */
  problems(): readonly string[] {
    const ids = this.#ids();
    const unmatched = (['global', 'user', 'runtime'] as const).flatMap((layer) =>
      this.ids(layer).flatMap((id) => (ids.includes(id) ? [] : [[layer, id] as const])),
    );
    return [
      ...unmatched.map(
        ([layer, id]) =>
          `the ${layer} configuration has settings for '${id}', and no plugin of that id is there${didYouMean(id, ids, [])}`,
      ),
      ...(this.#environment?.problems(ids) ?? []),
    ];
  }

  /** A number that changes with each change of a plugin's settings. */
  revision(id: string): number {
    return this.#revisions.get(id) ?? 0;
  }

  /** Replaces the settings of a layer; undefined removes them. Returns the previous settings. */
  replace(
    id: string,
    layer: ChangeableLayer,
    settings: Settings | undefined,
  ): Settings | undefined {
    const before = this.#layers[layer].get(id);
    this.#revisions.set(id, this.revision(id) + 1);
    if (settings === undefined) this.#layers[layer].delete(id);
    else this.#layers[layer].set(id, settings);
    return before;
  }

  /**
   * The merged settings, when they fit the plugin's JSON Schema.
   *
   * @throws PluginConfigurationError `config/invalid` with every problem, each with the layer it
   * comes from; PluginManifestError `manifest/invalid` when the schema itself is invalid.
   */
  async checked(manifest: Manifest): Promise<Settings> {
    const { id, config: schema } = manifest;
    const settings = this.of(manifest);
    if (schema === undefined) return settings;
    const issues = notJson(settings);
    const found = issues.length > 0 ? issues : (await this.#validatorOf(schema, id))(settings);
    if (found.length === 0) return settings;
    const layers = this.#merged(id, manifest).leaves;
    const problems = found.map((issue) => ({ ...issue, ...originOf(issue, layers) }));
    throw createError(
      'config/invalid',
      `the configuration of ${id} is not valid: ${problems.map((one) => describeIssues([{ ...one, message: this.#withOrigin(one, id) }])).join('; ')}`,
      {
        plugin: id,
        details: { issues: problems },
      },
    );
  }

  #validatorOf(schema: SchemaNode, id: string): Promise<ValueValidator> {
    let validator = this.#validators.get(schema);
    if (validator === undefined) {
      validator = import('./schema-validator.js').then(({ validatorOf }) =>
        validatorOf(schema, id),
      );
      this.#validators.set(schema, validator);
    }
    return validator;
  }

  #merged(
    id: string,
    manifest: Manifest | undefined,
  ): { readonly settings: Settings; readonly leaves: Readonly<Record<string, ConfigSource>> } {
    const merged = mergeLayers(
      CONFIG_LAYERS.map((layer) => [layer, this.#layerOf(id, layer, manifest)] as const),
    );
    return withDefaults(merged, manifest, 'defaults');
  }

  #withOrigin({ message, layer }: Issue & { readonly layer?: ConfigLayer }, id: string): string {
    if (layer === undefined) return message;
    const from =
      layer === 'environment' ? `the environment, ${this.#environment?.prefixOf(id)}…` : layer;
    return `${message} (from ${from})`;
  }

  #layerOf(id: string, layer: ConfigLayer, manifest: Manifest | undefined): Settings {
    if (layer === 'defaults') return defaultsOf(manifest);
    const settings =
      layer === 'environment'
        ? this.#environment?.of(id, manifest, this.#ids)
        : this.#layers[layer].get(id);
    return settings ?? {};
  }
}

/** Whether a layer is read from a source. */
export function isSource(from: PluginSettings | SettingsSource): from is SettingsSource {
  return typeof Object(from).load === 'function';
}

function originOf(
  { path }: Issue,
  layers: Readonly<Record<string, ConfigSource>>,
): { readonly layer?: ConfigLayer } {
  const key = Object.keys(layers).find(
    (one) => path === one || path.startsWith(`${one}.`) || one.startsWith(`${path}.`),
  );
  return key === undefined ? {} : { layer: (layers[key] as ConfigSource).layer };
}
