/**
 * State of extensions in the kernel's storage: one value per name and id, with an upgradable
 * format.
 */
import { createError, ERROR_CODES, messageOf } from '@plinth/sdk/contract';
import type { StorageAdapter } from '../host.js';
import { extensionPrefix } from '../storage/extension-keys.js';

/** What a document holds, and how it is read. */
export interface DocumentSpec<T> {
  /** Unique in the extension: small letters, digits and `-`. */
  readonly name: string;
  /** One per plugin, which is deleted with the plugin's data; or one for the whole tenant. */
  readonly per: 'plugin' | 'tenant';
  /** The format that is written, from 1 on. */
  readonly version: number;
  /** Parses the kept value. Throws its problem. */
  parse(value: unknown): T;
  /** From each former version to the next. */
  readonly upgrade?: Readonly<Record<number, (value: unknown) => unknown>>;
  /** Replaces a document that can't be read. When absent, such a document is an error. */
  damaged?(id: string, error: Error): T;
}

/** Documents of one kind. `id` is a plugin's id for `per: 'plugin'`, and absent otherwise. */
export interface Documents<T> {
  /**
   * @throws PluginError `storage/failed`, `storage/corrupt`; PluginConfigurationError
   * `registry/newer-format`.
   */
  get(id?: string): Promise<T | undefined>;
  /** @throws PluginConfigurationError `registry/newer-format`: nothing newer is overwritten. */
  set(value: T, id?: string): Promise<void>;
  /** Changes the kept value in one step; `undefined` deletes it. */
  update(change: (current: T | undefined) => T | undefined, id?: string): Promise<void>;
  /** Ids with a kept value, sorted. */
  ids(): Promise<readonly string[]>;
}

interface Kept {
  readonly format: number;
  readonly value: unknown;
}

const NAME = /^[a-z][a-z0-9-]{0,63}$/;

/**
 * Opens the documents of one kind.
 *
 * @throws PluginConfigurationError `kernel/invalid-option`.
 */
export function openDocuments<T>(
  storage: StorageAdapter,
  tenant: string,
  extension: string,
  spec: DocumentSpec<T>,
): Documents<T> {
  const { name, per, version } = spec;
  const whose = `the document '${name}' of the extension '${extension}'`;
  if (!NAME.test(name) || !Number.isSafeInteger(version) || version < 1)
    throw createError(
      'kernel/invalid-option',
      `${whose} needs a name of small letters, digits and '-', and a version from 1 on`,
      { details: { extension } },
    );
  const prefix = `${extensionPrefix(tenant)}${extension}\0${name}\0`;
  const keyOf = (id: string | undefined): string => {
    if ((per === 'plugin') === (id === undefined || id === ''))
      throw createError(
        'storage/invalid-key',
        per === 'plugin' ? `${whose} is kept by plugin: name it` : `${whose} has no id`,
      );
    return prefix + (id ?? '');
  };
  const read = (kept: unknown, id = ''): T | undefined =>
    kept === undefined ? undefined : parseKept(spec, whose, kept, id);
  return {
    get: (id) => within(whose, async () => read(await storage.get(keyOf(id)), id)),
    set: (value, id) =>
      within(whose, () =>
        storage.update(keyOf(id), (kept) => {
          refuseNewer(kept, whose, version);
          return { format: version, value } satisfies Kept;
        }),
      ),
    update: (change, id) =>
      within(whose, () =>
        storage.update(keyOf(id), (kept) => {
          const value = change(read(kept, id));
          return value === undefined ? undefined : ({ format: version, value } satisfies Kept);
        }),
      ),
    ids: () =>
      within(whose, async () =>
        (await storage.keys(prefix)).map((key) => key.slice(prefix.length)).sort(),
      ),
  };
}

function parseKept<T>(spec: DocumentSpec<T>, whose: string, kept: unknown, id: string): T {
  const { version, upgrade = {} } = spec;
  const { format, value } = (kept ?? {}) as Partial<Kept>;
  refuseNewer(kept, whose, version);
  try {
    if (!Number.isSafeInteger(format)) throw new Error('it has no format');
    let current: unknown = value;
    for (let at = format as number; at < version; at++) {
      const step = upgrade[at];
      if (step === undefined) throw new Error(`nothing upgrades format ${at}`);
      current = step(current);
    }
    return spec.parse(current);
  } catch (cause) {
    const error = createError('storage/corrupt', `${whose} is damaged: ${messageOf(cause)}`, {
      cause,
    });
    if (spec.damaged === undefined) throw error;
    return spec.damaged(id, error);
  }
}

/** A newer format is unknown, so the document is neither read nor overwritten. */
function refuseNewer(kept: unknown, whose: string, version: number): void {
  const { format } = (kept ?? {}) as Partial<Kept>;
  if (typeof format === 'number' && format > version)
    throw createError(
      'registry/newer-format',
      `${whose} has format ${format}, and this one writes ${version}: use the newer release`,
      { details: { format, known: version } },
    );
}

/** Gives failures of the storage a code. */
async function within<R>(whose: string, work: () => Promise<R>): Promise<R> {
  try {
    return await work();
  } catch (cause) {
    if (Object.hasOwn(ERROR_CODES, String((cause as { code?: unknown } | null)?.code))) throw cause;
    throw createError('storage/failed', `${whose} could not be kept: ${messageOf(cause)}`, {
      cause,
    });
  }
}
