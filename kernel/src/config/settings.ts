/** Settings of one plugin as the different layers write them. */
import { createError, type Issue, type Manifest, unsafeKeys } from '@plinth/sdk/contract';
import { encodeValue } from '@plinth/sdk/rpc';

/** Settings of a plugin. */
export type Settings = Readonly<Record<string, unknown>>;

/** Settings of plugins, by plugin id. */
export type PluginSettings = Readonly<Record<string, Settings>>;

interface ConfigSchema {
  readonly properties?: Readonly<Record<string, { readonly default?: unknown; readonly type?: unknown } | undefined>>;
}

const propertiesOf = (manifest: Manifest | undefined) => (manifest?.config as ConfigSchema | undefined)?.properties ?? {};

/**
 * A copy of settings that nobody can change.
 *
 * @throws PluginConfigurationError `config/invalid` when they aren't plain data.
 */
export function checkSettings(values: unknown, id: string, layer: string): Settings {
  const refuse = (problem: string, cause?: unknown) =>
    createError('config/invalid', `the ${layer} configuration of ${id} ${problem}`, { plugin: id, ...(cause !== undefined && { cause }) });
  if (values === null || typeof values !== 'object' || Array.isArray(values)) throw refuse('is not an object');
  let copy: Settings;
  try {
    copy = structuredClone(encodeValue(values)) as Settings;
  } catch (cause) {
    throw refuse(`is not plain data: ${(cause as Error).message}`, cause);
  }
  const [unsafe] = unsafeKeys(copy);
  if (unsafe !== undefined) throw refuse(`has the key '${unsafe.path}': ${unsafe.message}`);
  return freeze(copy);
}

/** What the manifest's schema says when nobody else does. */
export function defaultsOf(manifest: Manifest | undefined): Settings {
  return freeze(
    structuredClone(Object.fromEntries(Object.entries(propertiesOf(manifest)).flatMap(([key, schema]) => (schema?.default === undefined ? [] : [[key, schema.default]])))),
  );
}

/**
 * `PLINTH_COM_EXAMPLE_NOTES__MAX_SIZE=5` → `{ maxSize: 5 }`. A key that the schema calls a text stays one; any other value
 * that is JSON is read as JSON.
 */
export function environmentOf(env: Readonly<Record<string, string | undefined>>, id: string, manifest: Manifest | undefined): Settings {
  const prefix = environmentPrefix(id);
  const properties = propertiesOf(manifest);
  const known = Object.keys(properties);
  const settings: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(prefix) || text === undefined) continue;
    const words = name.slice(prefix.length).toLowerCase();
    const plain = words.replaceAll('_', '');
    const key =
      known.find((candidate) => candidate.toLowerCase() === plain || candidate.toLowerCase() === words) ??
      words.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
    if (key === '' || key === '__proto__') continue;
    settings[key] = properties[key]?.type === 'string' ? text : parseText(text);
  }
  return settings;
}

/** What the names of a plugin's environment variables begin with. */
export const environmentPrefix = (id: string): string => `PLINTH_${id.toUpperCase().replace(/[^A-Z0-9]/g, '_')}__`;

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** What JSON Schema knows nothing of: dates, bigints, maps and the like. */
export function notJson(value: unknown, path = ''): readonly Issue[] {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)) return [];
  if (Array.isArray(value)) return value.flatMap((one, index) => notJson(one, path === '' ? String(index) : `${path}.${index}`));
  const prototype: unknown = typeof value === 'object' ? Object.getPrototypeOf(value) : undefined;
  if (prototype !== Object.prototype && prototype !== null) return [{ path, message: 'is not a value of JSON' }];
  return Object.entries(value as object).flatMap(([key, one]) => notJson(one, path === '' ? key : `${path}.${key}`));
}

function freeze<T>(value: T): T {
  if (value !== null && typeof value === 'object' && !ArrayBuffer.isView(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) freeze(inner);
  }
  return value;
}
