/**
 * One file of a value: a header line `plinth1 <sha256> <length of the key>`, then the key and the value.
 * The file name is a hash of the key, because keys are any text; the key inside the file is
 * authoritative.
 */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { createError } from '@plinth/sdk/contract';
import { diskProblem, readWhole } from './durable-file.js';

const MAGIC = 'plinth1';
/** Only names that this storage creates: a user's own files in the folder are not touched. */
export const VALUE_FILE = /^[0-9a-f]{64}\.value$/;
/** Drafts of a killed writer, without the end of their names. */
export const OWN_FILE = /^(?:[0-9a-f]{64}\.value|owner\.json)$/;
/** File systems allocate files in multiples of this many bytes. */
const BLOCK = 4_096;

/** A file that was read. */
export interface FileEntry {
  readonly file: string;
  readonly key: string;
  /** As V8 serializes it. */
  readonly value: Buffer;
}

/**
 * A file's key and size; undefined when the content doesn't match the file's name. Synchronous,
 * because an `await` per file costs more than reading it.
 */
export function headOf(
  folder: string,
  name: string,
): { readonly key: string; readonly bytes: number } | undefined {
  const file = join(folder, name);
  let handle: number | undefined;
  try {
    handle = openSync(file, 'r');
    const { size } = fstatSync(handle);
    const head = HEAD.subarray(0, readSync(handle, HEAD, 0, HEAD.length, 0));
    const header = parseHeader(head, size);
    if (header === undefined) return undefined;
    let keyBytes = head.subarray(header.start, header.start + header.keyLength);
    if (keyBytes.length < header.keyLength) {
      keyBytes = Buffer.alloc(header.keyLength);
      if (readSync(handle, keyBytes, 0, header.keyLength, header.start) < header.keyLength)
        return undefined;
    }
    const key = keyBytes.toString('utf16le');
    return nameOf(key) === name ? { key, bytes: size } : undefined;
  } catch (cause) {
    throw createError('storage/failed', `cannot read ${file}: ${diskProblem(cause)}`, {
      details: { file, folder },
      cause,
    });
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

/**
 * A file's key and the bytes of its value; `undefined` for a file that is gone or doesn't match
 * its header and name.
 */
export async function readEntry(folder: string, name: string): Promise<FileEntry | undefined> {
  const file = join(folder, name);
  let bytes: Buffer;
  try {
    bytes = await readWhole(file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw createError('storage/failed', `cannot read ${file}: ${diskProblem(cause)}`, {
      details: { file, folder },
      cause,
    });
  }
  const header = parseHeader(bytes, bytes.length);
  if (header === undefined) return undefined;
  const body = bytes.subarray(header.start);
  if (createHash('sha256').update(body).digest('hex') !== header.digest) return undefined;
  const key = body.subarray(0, header.keyLength).toString('utf16le');
  return nameOf(key) === name ? { file, key, value: body.subarray(header.keyLength) } : undefined;
}

/** Enough for the header and any plugin's key; longer keys are read separately. */
const HEAD = Buffer.alloc(2_048);
/** A header ends within this many bytes. */
const MAX_HEADER = 128;

interface Header {
  readonly digest: string;
  /** Length of the key in bytes. */
  readonly keyLength: number;
  /** Offset of the key. */
  readonly start: number;
}

/**
 * Reads the first line of a file of `size` bytes. The digest covers only the body; whether the
 * key's length is right follows from the name.
 */
function parseHeader(bytes: Buffer, size: number): Header | undefined {
  const line = bytes.subarray(0, MAX_HEADER).indexOf(10);
  const [magic, digest, keyLength] = bytes
    .subarray(0, Math.max(0, line))
    .toString('latin1')
    .split(' ');
  const length = Number(keyLength);
  const start = line + 1;
  if (
    magic !== MAGIC ||
    digest === undefined ||
    !Number.isInteger(length) ||
    length < 0 ||
    length % 2 !== 0 ||
    length > size - start
  )
    return undefined;
  return { digest, keyLength: length, start };
}

/**
 * The value of an intact file. If it can't be decoded, a later runtime wrote it, and the file is
 * kept for that.
 */
export function decodeEntry({ file, key, value }: FileEntry): unknown {
  try {
    return deserialize(value);
  } catch (cause) {
    throw createError(
      'storage/failed',
      `cannot read '${printable(key)}': ${file} is sound, but this runtime cannot decode it: ${(cause as Error).message}`,
      {
        details: { key: printable(key), file },
        cause,
      },
    );
  }
}

/** @throws PluginError `storage/failed` for a value that can't be serialized. */
function encodeValue(key: string, value: unknown): Buffer {
  try {
    return serialize(value);
  } catch (cause) {
    throw createError(
      'storage/failed',
      `cannot store '${printable(key)}': ${(cause as Error).message}`,
      { details: { key: printable(key) }, cause },
    );
  }
}

/** The whole file of a key and its value. */
export function encodeFile(key: string, value: unknown): Buffer {
  const keyBytes = Buffer.from(key, 'utf16le');
  const body = Buffer.concat([keyBytes, encodeValue(key, value)]);
  return Buffer.concat([
    Buffer.from(`${MAGIC} ${createHash('sha256').update(body).digest('hex')} ${keyBytes.length}\n`),
    body,
  ]);
}

/** The name of a key's file. */
export const nameOf = (key: string) =>
  `${createHash('sha256').update(key, 'utf16le').digest('hex')}.value`;
/** What files of so many bytes take of the disk. */
export const inBlocks = (bytes: number) => Math.ceil(bytes / BLOCK) * BLOCK;

/** What it takes to keep a value. @throws as {@link encodeFile}. */
export const costOf = (key: string, value: unknown): number =>
  inBlocks(MAX_HEADER + key.length * 2 + encodeValue(key, value).length);

/** A key as messages have it. */
export const printable = (key: string) => key.replaceAll('\0', '/');
