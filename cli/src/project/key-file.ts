/** Reads keys that `plinth keygen` has written. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { keyIdOf, rawKey, type SigningKey } from '@plinth/sdk/signing';
import { CliError } from '../terminal/cli-error.js';

/** A public key. */
export type PublicKey = Pick<SigningKey, 'keyId' | 'publicKey'>;

/** @throws CliError `key/unreadable`, or `key/not-secret` for a public key. */
export async function readSecretKey(path: string): Promise<SigningKey> {
  const key = await readKey(path);
  const { privateKey } = key as Partial<SigningKey>;
  if (typeof privateKey !== 'string')
    throw new CliError('key/not-secret', `${path} holds a public key, which signs nothing`, {
      cure: 'Name the file that ends in .key.',
    });
  return { ...key, privateKey };
}

/** @throws CliError `key/unreadable`. */
export async function readKey(path: string): Promise<PublicKey> {
  const file = resolve(path);
  const refused = (why: string, cause?: unknown) =>
    new CliError('key/unreadable', `${file} can't be read as a key: ${why}`, {
      cause,
      cure: 'plinth keygen writes keys. Restore the file if it was changed.',
    });
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw refused(error.code === 'ENOENT' ? 'it is not there' : error.message, error);
  });
  let key: Partial<SigningKey> | null;
  try {
    key = JSON.parse(text) as Partial<SigningKey> | null;
  } catch (cause) {
    throw refused('it is not JSON', cause);
  }
  const { keyId, publicKey } = key ?? {};
  if (typeof keyId !== 'string' || typeof publicKey !== 'string')
    throw refused("it has no 'keyId' and 'publicKey'");
  const raw = rawKey({ publicKey, publisher: '', scopes: [] });
  if (raw === undefined || (await keyIdOf(raw)) !== keyId)
    throw refused('its public key is damaged, or is not the one of its id');
  return { ...key, keyId, publicKey };
}
