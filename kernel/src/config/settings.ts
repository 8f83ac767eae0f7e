/** The settings of one plugin, as each layer writes them. */
import { createError, type Issue, type Manifest, unsafeKeys } from '@plinth/sdk/contract';
import { encodeValue } from '@plinth/sdk/rpc';

/** Settings of a plugin. */
export type Settings = Readonly<Record<string, unknown>>;

/** Settings of plugins, by plugin id. */
export type PluginSettings = Readonly<Record<string, Settings>>;

interface ConfigSchema {
  readonly properties?: Readonly<
    Record<string, { readonly default?: unknown; readonly type?: unknown } | undefined>
  >;
}

const propertiesOf = (manifest: Manifest | undefined) =>
  (manifest?.config as ConfigSchema | undefined)?.properties ?? {};

/**
 * A frozen copy of settings.
 *
 * @throws PluginConfigurationError `config/invalid` when they aren't plain data.
 */
export function checkSettings(values: unknown, id: string, layer: string): Settings {
  const refuse = (problem: string, cause?: unknown) =>
    createError('config/invalid', `the ${layer} configuration of ${id} ${problem}`, {
      plugin: id,
      ...(cause !== undefined && { cause }),
    });
  if (values === null || typeof values !== 'object' || Array.isArray(values))
    throw refuse('is not an object');
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

/** The defaults from the manifest's schema, which apply when no layer sets a value. */
export function defaultsOf(manifest: Manifest | undefined): Settings {
  return freeze(
    structuredClone(
      Object.fromEntries(
        Object.entries(propertiesOf(manifest)).flatMap(([key, schema]) =>
          schema?.default === undefined ? [] : [[key, schema.default]],
        ),
      ),
    ),
  );
}

/** Values that JSON Schema does not cover: dates, bigints, maps and the like. */
export function notJson(value: unknown, path = ''): readonly Issue[] {
  if (
    value === null ||
    typeof value === 'string' ||
    typeof value === 'boolean' ||
    Number.isFinite(value)
  )
    return [];
  if (Array.isArray(value))
    return value.flatMap((one, index) =>
      notJson(one, path === '' ? String(index) : `${path}.${index}`),
    );
  const prototype: unknown = typeof value === 'object' ? Object.getPrototypeOf(value) : undefined;
  if (prototype !== Object.prototype && prototype !== null)
    return [{ path, message: 'is not a value of JSON' }];
  return Object.entries(value as object).flatMap(([key, one]) =>
    notJson(one, path === '' ? key : `${path}.${key}`),
  );
}

/** Freezes a value that the kernel has made, at every depth. */
export function freeze<T>(value: T): T {
  if (value !== null && typeof value === 'object' && !ArrayBuffer.isView(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) freeze(inner);
  }
  return value;
}
