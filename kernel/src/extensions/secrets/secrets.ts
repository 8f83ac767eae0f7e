/**
 * Secrets of plugins: set by the application, and readable only by the plugin that they are for.
 * They are in memory alone, or kept in the storage under a key of the application. Kept secrets use
 * AES-GCM, bound to tenant and plugin.
 */
import { createError, cryptoFor, ERROR_CODES, messageOf } from '@plinth/sdk/contract';
import { KeyedQueue } from '../../concurrency.js';
import type { StorageAdapter } from '../../host.js';
import type { Redaction } from '../../telemetry/redaction.js';
import type { EncryptionKey, SecretsOptions } from './secrets-options.js';

/** `kernel.secrets`: the application can do everything except read secrets. */
export interface HostSecrets {
  /**
   * Gives a plugin a secret, under the name that it passes to `ctx.secrets.get`. The plugin needs
   * the permission `secrets.read` for it. It need not be installed yet.
   *
   * @param value 4 to 65 536 characters. A shorter secret can't be told from other text.
   * @throws PluginConfigurationError `secret/invalid`, PluginUnavailableError `secret/locked` when
   * the kept secrets can't be read with this key. Nothing changes then.
   */
  set(plugin: string, name: string, value: string): Promise<void>;
  /** Resolves to whether the secret existed. */
  delete(plugin: string, name: string): Promise<boolean>;
  /** Names of a plugin's secrets, sorted. */
  names(plugin: string): Promise<readonly string[]>;
}

/** What secrets need of the kernel. */
export interface SecretsParts {
  readonly options: SecretsOptions | undefined;
  readonly storage: StorageAdapter;
  readonly tenant: string;
  readonly redaction: Redaction;
}

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}$/;
const MIN_LENGTH = 4;
const MAX_LENGTH = 65_536;
/** The most secrets of one plugin. */
const MAX_SECRETS = 256;
/** The format in which secrets are kept. */
const FORMAT = 1;

interface AesGcm {
  readonly name: 'AES-GCM';
  readonly iv: Uint8Array;
  readonly additionalData: Uint8Array;
}

interface Kept {
  readonly format: number;
  readonly iv: Uint8Array<ArrayBuffer>;
  readonly data: Uint8Array<ArrayBuffer>;
}

type Values = ReadonlyMap<string, string>;

/** Owns the secrets of one tenant. Changes of one plugin's secrets run one after the other. */
export class Secrets implements HostSecrets {
  readonly #parts: SecretsParts;
  readonly #values = new Map<string, Values>();
  readonly #turns = new KeyedQueue();
  #key: Promise<EncryptionKey> | undefined;

  constructor(parts: SecretsParts) {
    this.#parts = parts;
  }

  set(plugin: string, name: string, value: string): Promise<void> {
    return this.#turns.run(plugin, async () => {
      this.#check(plugin, name);
      if (typeof value !== 'string' || value.length < MIN_LENGTH || value.length > MAX_LENGTH)
        throw createError(
          'secret/invalid',
          `the secret '${name}' of ${plugin} must be a text of ${MIN_LENGTH} to ${MAX_LENGTH} characters`,
          { plugin, details: { name } },
        );
      const before = await this.#load(plugin);
      if (before.size >= MAX_SECRETS && !before.has(name))
        throw createError(
          'secret/invalid',
          `${plugin} has ${MAX_SECRETS} secrets, more are not kept`,
          { plugin, details: { name } },
        );
      this.#parts.redaction.add(value);
      await this.#keep(plugin, new Map([...before, [name, value]]));
    });
  }

  delete(plugin: string, name: string): Promise<boolean> {
    return this.#turns.run(plugin, async () => {
      this.#check(plugin, name);
      const after = new Map(await this.#load(plugin));
      if (!after.delete(name)) return false;
      await this.#keep(plugin, after);
      return true;
    });
  }

  names(plugin: string): Promise<readonly string[]> {
    return this.#turns.run(plugin, async () => [...(await this.#load(plugin)).keys()].sort());
  }

  /** Reads a secret for the plugin itself, whose permission has been checked. */
  get(plugin: string, name: string): Promise<string | undefined> {
    return this.#turns.run(plugin, async () => (await this.#load(plugin)).get(name));
  }

  /** The plugins whose secrets are in memory. */
  known(): readonly string[] {
    return [...this.#values].flatMap(([plugin, values]) => (values.size > 0 ? [plugin] : []));
  }

  /** Deletes all secrets of a plugin, including unreadable ones. */
  purge(plugin: string): Promise<void> {
    return this.#turns.run(plugin, async () => {
      const { options, storage } = this.#parts;
      if (options?.key !== undefined)
        await this.#stored(plugin, () => storage.delete(this.#slot(plugin)));
      this.#values.delete(plugin);
    });
  }

  #check(plugin: string, name: string): void {
    if (
      typeof plugin === 'string' &&
      NAME.test(plugin) &&
      typeof name === 'string' &&
      NAME.test(name)
    )
      return;
    throw createError(
      'secret/invalid',
      `'${String(name).slice(0, 80)}' is not a name for a secret of '${String(plugin).slice(0, 80)}': letters, digits, '.', '_' and '-', at most 128`,
    );
  }

  #slot(plugin: string): string {
    // No plugin can have this id.
    return `${this.#parts.tenant}\0plinth\0secrets\0${plugin}`;
  }

  async #load(plugin: string): Promise<Values> {
    const known = this.#values.get(plugin);
    if (known !== undefined) return known;
    const values =
      this.#parts.options?.key === undefined
        ? new Map<string, string>()
        : await this.#read(plugin, this.#parts.options.key);
    for (const value of values.values()) this.#parts.redaction.add(value);
    this.#values.set(plugin, values);
    return values;
  }

  async #read(plugin: string, secretKey: EncryptionKey | Uint8Array): Promise<Values> {
    const kept = (await this.#stored(plugin, () => this.#parts.storage.get(this.#slot(plugin)))) as
      | Kept
      | undefined;
    if (kept === undefined) return new Map();
    try {
      if (kept.format !== FORMAT)
        throw new TypeError(`it has format ${String(kept.format)}, this version knows ${FORMAT}`);
      const plain = await cryptoFor('reading kept secrets').decrypt(
        this.#algorithm(plugin, kept.iv),
        await this.#cryptoKey(secretKey),
        kept.data,
      );
      return new Map(
        Object.entries(JSON.parse(new TextDecoder().decode(plain)) as Record<string, string>),
      );
    } catch (cause) {
      // The entry is left as it is, because another key may fit.
      throw createError(
        'secret/locked',
        `the secrets of ${plugin} cannot be read with the key that was given: ${messageOf(cause) || 'it is another one, or they were changed'}`,
        {
          plugin,
          cause,
        },
      );
    }
  }

  async #keep(plugin: string, values: Values): Promise<void> {
    const secretKey = this.#parts.options?.key;
    if (secretKey !== undefined) {
      const iv = crypto.getRandomValues(new Uint8Array(12));
      const plain = new TextEncoder().encode(JSON.stringify(Object.fromEntries(values)));
      const data = new Uint8Array(
        await cryptoFor('keeping secrets').encrypt(
          this.#algorithm(plugin, iv),
          await this.#cryptoKey(secretKey),
          plain,
        ),
      );
      const slot = this.#slot(plugin);
      const { storage } = this.#parts;
      await this.#stored<unknown>(plugin, () =>
        values.size === 0
          ? storage.delete(slot)
          : storage.set(slot, { format: FORMAT, iv, data } satisfies Kept),
      );
    }
    this.#values.set(plugin, values);
  }

  /**
   * The additional data binds the entry to one plugin of one tenant, so that it can't be read for
   * another.
   */
  #algorithm(plugin: string, iv: Uint8Array<ArrayBuffer>): AesGcm {
    return { name: 'AES-GCM', iv, additionalData: new TextEncoder().encode(this.#slot(plugin)) };
  }

  #cryptoKey(given: EncryptionKey | Uint8Array): Promise<EncryptionKey> {
    this.#key ??=
      given instanceof Uint8Array
        ? cryptoFor('keeping secrets').importKey('raw', new Uint8Array(given), 'AES-GCM', false, [
            'encrypt',
            'decrypt',
          ])
        : Promise.resolve(given);
    return this.#key;
  }

  async #stored<T>(plugin: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (Object.hasOwn(ERROR_CODES, String((cause as { code?: unknown } | null)?.code)))
        throw cause;
      throw createError(
        'storage/failed',
        `the secrets of ${plugin} could not be read or kept: ${messageOf(cause)}`,
        { plugin, cause },
      );
    }
  }
}
