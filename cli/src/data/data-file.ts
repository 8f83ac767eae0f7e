/**
 * The file of what a plugin keeps: lines of JSON. The first is a header, the last has the SHA-256 of
 * all before it, and each between them is a key with its value. Values that JSON can't express
 * exactly (dates, maps, bytes, `NaN`, bigints) are base64 of the codec that processes use.
 */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { MessageWriter, readMessage } from '@plinth/sdk/codec';
import {
  boundsOf,
  decodeValue,
  encode,
  MAX_VALUE_BYTES,
  MAX_VALUE_DEPTH,
  NO_BOUNDS,
} from '@plinth/sdk/rpc';
import { CliError } from '../terminal/cli-error.js';
import { printableLine } from '../terminal/printable.js';

const FORMAT = 'plinth-data';
const VERSION = 1;
const WIDEST = boundsOf(MAX_VALUE_BYTES, MAX_VALUE_DEPTH);
/** Bytes in front of what the codec writes: its length. */
const HEAD = 4;
/** Longest key that a storage takes. */
const MAX_KEY = 512;

/** The text of the file. The same data gives the same text. */
export function writeData(plugin: string, values: ReadonlyMap<string, unknown>): string {
  const lines = [...values]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, value]) => JSON.stringify({ key, ...written(value) }));
  const header = JSON.stringify({ format: FORMAT, formatVersion: VERSION, plugin });
  const body = [header, ...lines].join('\n');
  return `${body}\n${JSON.stringify({ entries: lines.length, sha256: digestOf(body) })}\n`;
}

/**
 * The values of a file, all of them checked. The digest finds accidents; it is no signature.
 *
 * @param plugin whose data it has to be.
 * @throws CliError `data/invalid`, with the `reason` in its details: `format`, `version`, `plugin`,
 * `cut` or `edited`.
 */
export function readData(plugin: string, file: string, text: string): ReadonlyMap<string, unknown> {
  const wrong = (reason: string, why: string) =>
    new CliError('data/invalid', `${file} can't be imported: ${why}`, {
      details: { file, reason },
      cure: `plinth data export ${plugin} <file> writes one that can.`,
    });
  const lines = text.trimEnd().split('\n');
  const header = objectIn(lines[0]);
  if (header?.format !== FORMAT) throw wrong('format', 'it is no file of plinth data export');
  if (header.formatVersion !== VERSION)
    throw wrong(
      'version',
      `its format has version ${printableLine(String(header.formatVersion), 20)}, and this plinth reads ${VERSION}`,
    );
  const last = lines.length < 2 ? undefined : objectIn(lines.at(-1));
  if (typeof last?.sha256 !== 'string' || 'key' in last)
    throw wrong('cut', 'its last line is missing: it was cut');
  const entries = lines.slice(1, -1);
  if (last.sha256 !== digestOf(lines.slice(0, -1).join('\n')) || last.entries !== entries.length)
    throw wrong('edited', 'its digest differs: lines were changed or removed');
  if (header.plugin !== plugin)
    throw wrong('plugin', `it is the data of ${printableLine(String(header.plugin), 128)}`);
  const values = new Map<string, unknown>();
  for (const [index, line] of entries.entries()) {
    const found = entryIn(line);
    if (found === undefined || values.has(found.key))
      throw wrong('format', `line ${index + 2} is no key with a value`);
    values.set(found.key, found.value);
  }
  return values;
}

function written(value: unknown): { readonly value: unknown } | { readonly codec: string } {
  const plain = encode(value, undefined, NO_BOUNDS).value;
  if (isJson(plain)) return { value: plain };
  const bytes = new MessageWriter(WIDEST).write(plain).subarray(HEAD);
  return { codec: Buffer.from(bytes).toString('base64') };
}

/** Whether JSON gives back exactly this. */
function isJson(value: unknown): boolean {
  try {
    return isDeepStrictEqual(JSON.parse(JSON.stringify(value)), value);
  } catch {
    return false;
  }
}

function entryIn(line: string): { readonly key: string; readonly value: unknown } | undefined {
  const entry = objectIn(line);
  if (typeof entry?.key !== 'string' || entry.key === '' || entry.key.length > MAX_KEY)
    return undefined;
  try {
    const plain =
      typeof entry.codec === 'string'
        ? readMessage(Buffer.from(entry.codec, 'base64'), WIDEST)
        : entry.value;
    const value = decodeValue(plain, undefined, NO_BOUNDS);
    return value === undefined ? undefined : { key: entry.key, value };
  } catch {
    return undefined;
  }
}

function objectIn(line: string | undefined): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line ?? '');
    return value !== null && typeof value === 'object' && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}

const digestOf = (text: string) => createHash('sha256').update(text).digest('hex');
