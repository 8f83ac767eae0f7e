/** Signing a package. */

import { createError } from '../contract/error-codes.js';
import { parseManifest } from '../contract/manifest.js';
import { cryptoFor } from '../contract/secure.js';
import {
  checkPath,
  digestOf,
  type FileEntry,
  keyIdOf,
  MANIFEST_FILE,
  SIGNATURE_FILE,
  type SignatureFile,
  type Statement,
  signedBytes,
  TYPE,
  toBase64,
} from './statement.js';

/**
 * A pair of keys, as texts that can be stored: base64 of 32 raw bytes, and of a PKCS #8 document,
 * which must stay secret.
 */
export interface SigningKey {
  readonly keyId: string;
  readonly publicKey: string;
  readonly privateKey: string;
}

/** Creates a new pair of keys. */
export async function createSigningKey(): Promise<SigningKey> {
  const pair = (await cryptoFor('signing').generateKey('Ed25519', true, ['sign', 'verify'])) as {
    readonly publicKey: SecretKey;
    readonly privateKey: SecretKey;
  };
  const raw = new Uint8Array(await cryptoFor('signing').exportKey('raw', pair.publicKey));
  const secret = new Uint8Array(await cryptoFor('signing').exportKey('pkcs8', pair.privateKey));
  return { keyId: await keyIdOf(raw), publicKey: toBase64(raw), privateKey: toBase64(secret) };
}

/** What to sign, and with which key. */
export interface SignOptions {
  /**
   * Every file of the package by its path, including `plugin.json`; a `plugin.sig.json` is ignored.
   */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly key: SigningKey;
  /** Milliseconds since the epoch after which the package may not be started any more. */
  readonly expires?: number;
}

/**
 * Signs a package. Returns the text of its `plugin.sig.json`.
 *
 * @throws PluginManifestError for an invalid manifest; PluginSignatureError `signature/malformed`
 * for files that can't be signed.
 * @example
 * const text = await signPackage({ files: new Map([['plugin.json', manifest], ['plugin.js', bundle]]), key });
 */
export async function signPackage({ files, key, expires }: SignOptions): Promise<string> {
  const manifest = files.get(MANIFEST_FILE);
  if (manifest === undefined)
    throw createError('signature/malformed', `a package without ${MANIFEST_FILE} cannot be signed`);
  const { id, version, main } = parseManifest(
    new TextDecoder('utf-8', { fatal: true }).decode(manifest),
    MANIFEST_FILE,
  );
  if (!files.has(main))
    throw createError(
      'signature/malformed',
      `the package of ${id} lacks '${main}', which its manifest names as 'main'`,
      { plugin: id },
    );
  const entries: FileEntry[] = [];
  for (const path of [...files.keys()].filter((one) => one !== SIGNATURE_FILE).sort()) {
    const bytes = files.get(path) as Uint8Array;
    entries.push([checkPath(path), bytes.length, await digestOf(bytes)]);
  }
  const statement: Statement = {
    v: 1,
    id,
    version,
    files: entries,
    ...(expires !== undefined && { expires }),
  };
  const payload = new TextEncoder().encode(JSON.stringify(statement));
  const secret = await cryptoFor('signing').importKey(
    'pkcs8',
    fromText(key.privateKey),
    'Ed25519',
    false,
    ['sign'],
  );
  const signature = new Uint8Array(
    await cryptoFor('signing').sign('Ed25519', secret, signedBytes(TYPE, payload)),
  );
  const file: SignatureFile = {
    v: 1,
    type: TYPE,
    keyId: key.keyId,
    payload: toBase64(payload),
    sig: toBase64(signature),
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

const fromText = (text: string) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
