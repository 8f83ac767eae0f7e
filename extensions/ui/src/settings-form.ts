/** The form for the settings of a plugin, from the `config` of its manifest. */
import type { Manifest } from '@plinth/sdk';

/** One setting. */
export interface SettingsField {
  /** Its name in the settings. */
  readonly name: string;
  readonly title: string;
  readonly description: string | undefined;
  /** `json`: a list or an object, as JSON. */
  readonly kind: 'text' | 'number' | 'checkbox' | 'choice' | 'json';
  /** Of a `choice`. */
  readonly choices: readonly (string | number | boolean)[];
  readonly minimum: number | undefined;
  readonly maximum: number | undefined;
  /** Whether a number is a whole one. */
  readonly whole: boolean;
  readonly required: boolean;
  readonly default: unknown;
  /** Its value now. */
  readonly value: unknown;
  /** The layer that the value is from: `user`, `default`, … */
  readonly from: string | undefined;
}

/** The form for the settings of a plugin. */
export interface SettingsForm {
  readonly title: string;
  readonly fields: readonly SettingsField[];
  /**
   * Sets values of the user. What is undefined falls back to the layer below.
   *
   * @throws PluginConfigurationError `config/invalid` that names what is wrong; nothing is changed.
   */
  set(values: Readonly<Record<string, unknown>>): Promise<void>;
}

/** A kernel, as far as settings need it. */
export interface SettingsKernel {
  readonly plugins: {
    get(id: string): { readonly name?: string; readonly manifest?: Manifest } | undefined;
  };
  readonly config: {
    get(id: string): Readonly<Record<string, unknown>>;
    layers(id: string): Readonly<Record<string, { readonly layer: string }>>;
    set(id: string, patch: Readonly<Record<string, unknown>>): Promise<void>;
  };
}

type Json = Readonly<Record<string, unknown>>;

/**
 * Makes the form for the settings of a plugin. It is as its values are now: make another one after a
 * change.
 *
 * @throws PluginUnavailableError `plugin/not-found`.
 * @example
 * const form = settingsForm(kernel, 'com.example.notes');
 * await form.set({ max: 20 });
 */
export function settingsForm(kernel: SettingsKernel, plugin: string): SettingsForm {
  // It throws for a plugin that there is not.
  const values = kernel.config.get(plugin);
  const { manifest, name = plugin } = kernel.plugins.get(plugin) ?? {};
  const schema = objectOf(manifest?.config);
  const properties = objectOf(schema.properties);
  const required = new Set(Array.isArray(schema.required) ? schema.required : []);
  const shown = objectOf(objectOf(manifest?.contributes.ui).settings);
  const order = (Array.isArray(shown.order) ? shown.order : []).filter(
    (one): one is string => typeof one === 'string' && Object.hasOwn(properties, one),
  );
  const layers = kernel.config.layers(plugin);
  const names = [...new Set([...order, ...Object.keys(properties)])];
  return {
    title: textOf(shown.title) ?? textOf(schema.title) ?? name,
    fields: names.map((one) => ({
      ...fieldOf(one, objectOf(properties[one])),
      required: required.has(one),
      value: values[one],
      from: layers[one]?.layer,
    })),
    set: (patch) => kernel.config.set(plugin, patch),
  };
}

function fieldOf(name: string, schema: Json): Omit<SettingsField, 'required' | 'value' | 'from'> {
  const choices = (Array.isArray(schema.enum) ? schema.enum : []).filter((one) =>
    ['string', 'number', 'boolean'].includes(typeof one),
  );
  return {
    name,
    title: textOf(schema.title) ?? name,
    description: textOf(schema.description),
    kind: choices.length > 0 ? 'choice' : kindOf(schema.type),
    choices,
    minimum: numberOf(schema.minimum),
    maximum: numberOf(schema.maximum),
    whole: schema.type === 'integer',
    default: schema.default,
  };
}

function kindOf(type: unknown): SettingsField['kind'] {
  if (type === 'string') return 'text';
  if (type === 'boolean') return 'checkbox';
  return type === 'number' || type === 'integer' ? 'number' : 'json';
}

const objectOf = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined;
const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' ? value : undefined;
