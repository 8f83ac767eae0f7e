/**
 * What is signed: the exact bytes of a statement that lists every file of a package with its size
 * and SHA-256. Signing bytes needs no agreement on how JSON is written. A fixed text precedes them,
 * so that a signature made for another purpose is not valid for a plugin.
 */
import { createError } from '../contract/error-codes.js';
import { sha256 } from '../contract/secure.js';

// Kept with the names, so that code that only reads the file doesn't load its verification.
export { SIGNATURE_FILE } from '../contract/names.js';
/** Name of the manifest's file. */
export const MANIFEST_FILE = 'plugin.json';
/** The type of a signature file's payload. */
export const TYPE = 'plinth/integrity+json';
const DOMAIN = 'plinth-sig';
/** Largest signature file, in characters. */
export const MAX_SIGNATURE = 1_048_576;
/** Most files of a package. */
export const MAX_FILES = 2_000;

/** One file of a package: path, bytes, SHA-256 in hexadecimal digits. */
export type FileEntry = readonly [path: string, size: number, digest: string];

/** What a signature says. */
export interface Statement {
  readonly v: 1;
  readonly id: string;
  readonly version: string;
  readonly files: readonly FileEntry[];
  /**
   * Milliseconds since the epoch after which the package may not be started any more; never when
   * absent.
   */
  readonly expires?: number;
}

/** A signature file. */
export interface SignatureFile {
  readonly v: 1;
  readonly type: string;
  /** {@link keyIdOf} the public key. */
  readonly keyId: string;
  /** The statement's bytes in base64. */
  readonly payload: string;
  /** Ed25519, in base64. */
  readonly sig: string;
}

const utf8 = new TextEncoder();

/** The bytes that are signed. */
export function signedBytes(type: string, payload: Uint8Array): Uint8Array {
  const head = utf8.encode(`${DOMAIN} v1 ${utf8.encode(type).length} ${type} ${payload.length} `);
  const bytes = new Uint8Array(head.length + payload.length);
  bytes.set(head);
  bytes.set(payload, head.length);
  return bytes;
}

/** SHA-256 in hexadecimal digits. */
export const digestOf = (bytes: Uint8Array): Promise<string> =>
  sha256(bytes as Uint8Array<ArrayBuffer>);

/** The id of a public key: the first half of its SHA-256. */
export async function keyIdOf(publicKey: Uint8Array): Promise<string> {
  return (await digestOf(publicKey)).slice(0, 32);
}

/**
 * Lower-case ASCII: the same file in every file system. No device names, no trailing dots, nothing
 * outside the package.
 */
const PATH = /^[A-Za-z0-9_][A-Za-z0-9_.@-]*(\/[A-Za-z0-9_][A-Za-z0-9_.@-]*)*$/;
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/**
 * @throws PluginSignatureError `signature/malformed` for a path that is no plain path inside a
 * package.
 */
export function checkPath(path: unknown): string {
  const plain =
    typeof path === 'string' &&
    path.length <= 200 &&
    PATH.test(path) &&
    path.split('/').every((part) => !part.endsWith('.') && !DEVICE.test(part));
  if (!plain)
    throw createError(
      'signature/malformed',
      `'${String(path).slice(0, 80)}' is not the path of a file in a package`,
    );
  return path;
}

/** The standard alphabet, with padding. */
export function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** @throws an error of the platform for invalid text. */
export function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
