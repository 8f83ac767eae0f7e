/**
 * Verifies a package in steps, each with its own error code, on the given bytes and nothing else.
 */
import { createError, type ErrorCode } from '../contract/error-codes.js';
import { messageOf } from '../contract/errors.js';
import { cryptoFor } from '../contract/secure.js';
import {
  checkPath,
  digestOf,
  type FileEntry,
  fromBase64,
  keyIdOf,
  MANIFEST_FILE,
  MAX_FILES,
  MAX_SIGNATURE,
  SIGNATURE_FILE,
  type SignatureFile,
  type Statement,
  signedBytes,
  TYPE,
} from './statement.js';

/** A key that an application trusts, and what for. */
export interface TrustedKey {
  /** The raw public key: 32 bytes, or base64 of them. */
  readonly publicKey: string | Uint8Array;
  /** The publisher who owns it. */
  readonly publisher: string;
  /** Ids of plugins it may sign: exact, or prefixes that end in `*`. */
  readonly scopes: readonly string[];
  /**
   * When trust was revoked, in milliseconds since the epoch. It then covers nothing, including what
   * was signed before.
   */
  readonly revokedAt?: number;
  /** When trust ends, in milliseconds since the epoch. */
  readonly expiresAt?: number;
}

/** Keys by the {@link keyIdOf} of their public key. */
export type TrustStore = Readonly<Record<string, TrustedKey>>;

/** What to verify. */
export interface VerifyOptions {
  /** Text of `plugin.sig.json`. */
  readonly signature: string;
  /** Id and version from the manifest. */
  readonly id: string;
  readonly version: string;
  /** The bytes that are parsed and evaluated, by path. Each must be listed and match its entry. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Every path of the package, if known: each must be listed, and each listed one must exist. */
  readonly paths?: readonly string[];
  /** Reads a file that isn't in `files`. */
  read?(path: string): Promise<Uint8Array>;
  readonly keys: TrustStore;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** The signer. */
export interface Verdict {
  readonly keyId: string;
  readonly publisher: string;
}

/**
 * Verifies a package.
 *
 * @throws PluginSignatureError whose code is the step that failed: `signature/malformed`,
 * `signature/unknown-key`, `signature/revoked-key`, `signature/expired`, `signature/invalid`,
 * `signature/mismatch`, `signature/scope`, `signature/file-missing`, `signature/file-changed`,
 * `signature/file-unlisted`.
 */
export async function verifyPackage(options: VerifyOptions): Promise<Verdict> {
  const { id, version, keys, now } = options;
  const refuse = (code: ErrorCode, why: string, cause?: unknown) =>
    createError(code, `the signature of ${id} ${version} is refused: ${why}`, {
      plugin: id,
      details: { version },
      ...(cause !== undefined && { cause }),
    });
  const file = parseFile(options.signature, refuse);
  const { keyId } = file;
  const key = Object.hasOwn(keys, keyId) ? keys[keyId] : undefined;
  if (key === undefined)
    throw refuse('signature/unknown-key', `the key ${keyId} is not trusted here`);
  if (key.revokedAt !== undefined)
    throw refuse('signature/revoked-key', `the key ${keyId} of ${key.publisher} was revoked`);
  if (key.expiresAt !== undefined && now > key.expiresAt)
    throw refuse('signature/expired', `the key ${keyId} of ${key.publisher} has expired`);
  const raw = rawKey(key);
  if (raw === undefined || (await keyIdOf(raw)) !== keyId)
    throw refuse('signature/unknown-key', `what is trusted under ${keyId} is another key, or none`);
  const payload = bytesOf(file.payload);
  const signature = bytesOf(file.sig);
  if (payload === undefined || signature === undefined)
    throw refuse('signature/malformed', 'it is not well formed');
  if (!(await isSigned(raw, signature, signedBytes(file.type, payload), refuse)))
    throw refuse('signature/invalid', 'it does not fit what it signs');
  const statement = parseStatement(payload, refuse);
  if (statement.id !== id || statement.version !== version)
    throw refuse('signature/mismatch', `it was made for ${statement.id} ${statement.version}`);
  if (
    !key.scopes.some((scope) =>
      scope.endsWith('*') ? id.startsWith(scope.slice(0, -1)) : id === scope,
    )
  ) {
    throw refuse(
      'signature/scope',
      `the key ${keyId} of ${key.publisher} may not sign it, only ${key.scopes.join(', ')}`,
    );
  }
  if (statement.expires !== undefined && now > statement.expires)
    throw refuse('signature/expired', 'it has expired');
  await checkFiles(options, statement, refuse);
  return { keyId, publisher: key.publisher };
}

type Refuse = (code: ErrorCode, why: string, cause?: unknown) => Error;

function parseFile(text: string, refuse: Refuse): SignatureFile {
  if (text.length > MAX_SIGNATURE)
    throw refuse('signature/malformed', `it has ${text.length} characters`);
  let file: Partial<SignatureFile> | null;
  try {
    file = JSON.parse(text.replace(/^\ufeff/, '')) as Partial<SignatureFile> | null;
  } catch (cause) {
    throw refuse('signature/malformed', `it is not JSON: ${messageOf(cause)}`, cause);
  }
  const sound =
    file?.v === 1 &&
    file.type === TYPE &&
    typeof file.keyId === 'string' &&
    typeof file.payload === 'string' &&
    typeof file.sig === 'string';
  if (!sound) throw refuse('signature/malformed', 'it is not well formed, or of another kind');
  return file as SignatureFile;
}

function parseStatement(payload: Uint8Array, refuse: Refuse): Statement {
  try {
    const statement = JSON.parse(
      new TextDecoder('utf-8', { fatal: true }).decode(payload),
    ) as Statement;
    const sound =
      statement?.v === 1 &&
      Array.isArray(statement.files) &&
      statement.files.length <= MAX_FILES &&
      (statement.expires === undefined || Number.isFinite(statement.expires));
    if (!sound) throw new TypeError('it has another form');
    const seen = new Set<string>();
    for (const entry of statement.files as readonly unknown[]) {
      const [path, size, digest] = entry as FileEntry;
      if (seen.has(checkPath(path).toLowerCase())) throw new TypeError(`'${path}' is listed twice`);
      seen.add(path.toLowerCase());
      if (!Number.isSafeInteger(size) || size < 0 || !/^[0-9a-f]{64}$/.test(digest))
        throw new TypeError(`'${path}' has no size or digest`);
    }
    return statement;
  } catch (cause) {
    throw refuse(
      'signature/malformed',
      `what it signs is not a list of files: ${messageOf(cause)}`,
      cause,
    );
  }
}

async function checkFiles(
  { files, paths, read }: VerifyOptions,
  statement: Statement,
  refuse: Refuse,
): Promise<void> {
  const listed = new Map(statement.files.map(([path, size, digest]) => [path, { size, digest }]));
  if (!listed.has(MANIFEST_FILE))
    throw refuse('signature/file-unlisted', `it does not cover ${MANIFEST_FILE}`);
  for (const path of [...files.keys(), ...(paths ?? [])]) {
    if (path !== SIGNATURE_FILE && !listed.has(path))
      throw refuse('signature/file-unlisted', `it does not cover '${path}'`);
  }
  const there = paths === undefined ? undefined : new Set(paths);
  for (const [path, { size, digest }] of listed) {
    if (there?.has(path) === false)
      throw refuse('signature/file-missing', `'${path}' is not there`);
    const bytes = files.get(path) ?? (there === undefined ? undefined : await read?.(path));
    if (bytes !== undefined && (bytes.length !== size || (await digestOf(bytes)) !== digest))
      throw refuse('signature/file-changed', `'${path}' is not the file that was signed`);
  }
}

async function isSigned(
  raw: Uint8Array,
  signature: Uint8Array,
  bytes: Uint8Array,
  refuse: Refuse,
): Promise<boolean> {
  if (signature.length !== 64) return false;
  const subtle = cryptoFor('verifying signatures');
  try {
    const key = await subtle.importKey('raw', raw, 'Ed25519', false, ['verify']);
    return await subtle.verify('Ed25519', key, signature, bytes);
  } catch (cause) {
    throw refuse(
      'signature/invalid',
      `this runtime cannot verify Ed25519 here: ${messageOf(cause)}`,
      cause,
    );
  }
}

/** The raw bytes of a trusted key; undefined when they are invalid. */
export function rawKey({ publicKey }: TrustedKey): Uint8Array | undefined {
  const raw = typeof publicKey === 'string' ? bytesOf(publicKey) : publicKey;
  return raw instanceof Uint8Array && raw.length === 32 ? raw : undefined;
}

function bytesOf(text: string): Uint8Array | undefined {
  try {
    return fromBase64(text);
  } catch {
    return undefined;
  }
}
