/** How secrets are kept, and the check of that. */
import { createError } from '@plinth/sdk/contract';
import { objectAt } from '../../option-checks.js';

/** The part of a `CryptoKey` that is checked. */
export interface EncryptionKey {
  readonly algorithm: { readonly name: string };
  readonly usages: readonly string[];
}

/** How secrets are kept. */
export interface SecretsOptions {
  /**
   * Encrypts kept secrets: 32 random bytes, or a `CryptoKey` for AES-GCM that may encrypt and
   * decrypt. When absent, secrets are in memory alone. The application keeps the key, with whatever
   * its runtime offers.
   */
  readonly key?: EncryptionKey | Uint8Array;
}

/** @throws PluginConfigurationError `kernel/invalid-option` when the key is invalid. */
export function checkSecrets(options: SecretsOptions | undefined): void {
  if (options === undefined) return;
  objectAt('secrets', options);
  const unknown = Object.keys(options).find((key) => key !== 'key');
  const { key } = options;
  const usable =
    key === undefined ||
    (key instanceof Uint8Array
      ? key.length === KEY_BYTES
      : key?.algorithm?.name === 'AES-GCM' &&
        ['encrypt', 'decrypt'].every((usage) => key.usages.includes(usage)));
  if (unknown !== undefined || !usable) {
    const option = `secrets.${unknown ?? 'key'}`;
    throw createError(
      'kernel/invalid-option',
      unknown === undefined
        ? `'secrets.key' must be ${KEY_BYTES} bytes, or a CryptoKey for AES-GCM that may encrypt and decrypt`
        : `'${option}' is not an option`,
      {
        details: { option },
      },
    );
  }
}

const KEY_BYTES = 32;
