/**
 * `@plinth/kernel/data`: what a plugin keeps, as lines of JSON. The first line is a header, the last
 * has the SHA-256 of all before it, and each between them is a key with its value. Values that JSON
 * can't express exactly (dates, maps, bytes, `NaN`, bigints) are base64 of the codec that processes
 * use. A copy of the plugin's database may follow the keys, in lines of base64.
 *
 * @module
 */
import { MessageWriter, readMessage } from '@plinth/sdk/codec';
import { sha256 } from '@plinth/sdk/contract';
import {
  boundsOf,
  decodeValue,
  encode,
  MAX_VALUE_BYTES,
  MAX_VALUE_DEPTH,
  NO_BOUNDS,
} from '@plinth/sdk/rpc';

const FORMAT = 'plinth-data';
const VERSION = 1;
const WIDEST = boundsOf(MAX_VALUE_BYTES, MAX_VALUE_DEPTH);
/** Bytes in front of what the codec writes: its length. */
const HEAD = 4;
/** Longest key that a storage takes. */
const MOST_KEY = 512;
/** Fewest characters of a line: `{"key":"a","value":1}`. */
const SHORTEST = 20;
/** Bytes of a database in one line: whole groups of base64. */
const PART = 49_152;
/** Characters of a header's texts in a message. */
const MOST_SHOWN = 128;

/** What is wrong with a text. */
export type DataProblem = 'cut' | 'database' | 'edited' | 'format' | 'plugin' | 'version';

/** A text that is no data of a plugin, or not of this one. */
export class DataLinesError extends Error {
  readonly reason: DataProblem;

  constructor(reason: DataProblem, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** What a text has. */
export interface DataExport {
  readonly values: ReadonlyMap<string, unknown>;
  /** A copy of the plugin's database, as its backup is written. */
  readonly database?: Uint8Array;
}

/**
 * The text of what a plugin keeps. The same data gives the same text.
 *
 * @param database a copy of the plugin's database, where there is one.
 * @example
 * const text = await writeData('com.example.notes', await kernel.storage.of('com.example.notes').export());
 */
export async function writeData(
  plugin: string,
  values: ReadonlyMap<string, unknown>,
  database?: Uint8Array,
): Promise<string> {
  const lines = [...values]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, value]) => JSON.stringify({ key, ...written(value) }));
  for (let at = 0; at < (database?.length ?? 0); at += PART)
    lines.push(JSON.stringify({ database: textOf(database?.subarray(at, at + PART)) }));
  const header = JSON.stringify({
    format: FORMAT,
    formatVersion: VERSION,
    plugin,
    ...(database !== undefined && { database: database.length }),
  });
  const body = [header, ...lines].join('\n');
  return `${body}\n${JSON.stringify({ entries: lines.length, sha256: await digestOf(body) })}\n`;
}

/**
 * The values of a text without a database, all of them checked. The digest finds accidents; it is no
 * signature.
 *
 * @param plugin whose data it has to be.
 * @throws DataLinesError, with the reason `database` for a text that has one: it would be lost.
 */
export async function readData(
  plugin: string,
  text: string,
): Promise<ReadonlyMap<string, unknown>> {
  const { values, database } = await readExport(plugin, text);
  if (database === undefined) return values;
  throw new DataLinesError(
    'database',
    'it has a database, which `plinth data import` takes in over a project alone',
  );
}

/**
 * What a text has, all of it checked.
 *
 * @param plugin whose data it has to be.
 * @throws DataLinesError.
 */
export async function readExport(plugin: string, text: string): Promise<DataExport> {
  if (isShredded(text)) throw noData();
  const lines = text.trimEnd().split('\n');
  const header = objectIn(lines[0]);
  if (header?.format !== FORMAT) throw noData();
  if (header.formatVersion !== VERSION)
    throw new DataLinesError(
      'version',
      `its format has version ${shown(header.formatVersion)}, and version ${VERSION} is read here`,
    );
  const last = lines.length < 2 ? undefined : objectIn(lines.at(-1));
  if (typeof last?.sha256 !== 'string' || 'key' in last)
    throw new DataLinesError('cut', 'its last line is missing: it was cut');
  const entries = lines.slice(1, -1);
  const digest = await digestOf(lines.slice(0, -1).join('\n'));
  if (last.sha256 !== digest || last.entries !== entries.length)
    throw new DataLinesError('edited', 'its digest differs: lines were changed or removed');
  if (header.plugin !== plugin)
    throw new DataLinesError('plugin', `it is the data of ${shown(header.plugin)}`);
  const values = new Map<string, unknown>();
  const database = databaseOf(header.database);
  for (const [index, line] of entries.entries()) {
    const found = database?.take(line) === true ? 'database' : entryIn(line);
    if (found === undefined || (found !== 'database' && values.has(found.key)))
      throw new DataLinesError('format', `line ${index + 2} is no key with a value`);
    if (found !== 'database') values.set(found.key, found.value);
  }
  const bytes = database?.whole();
  return { values, ...(bytes !== undefined && { database: bytes }) };
}

/** Collects the lines of a database whose length a header tells. */
function databaseOf(length: unknown) {
  if (length === undefined) return undefined;
  const parts: Uint8Array[] = [];
  let found = 0;
  return {
    /** Whether the line is a part of it. */
    take(line: string): boolean {
      const { database } = objectIn(line) ?? {};
      if (typeof database !== 'string') return false;
      try {
        const part = bytesOf(database);
        found += part.length;
        parts.push(part);
        return true;
      } catch {
        return false;
      }
    },
    /** @throws DataLinesError when it isn't as long as the header tells. */
    whole(): Uint8Array {
      if (found !== length)
        throw new DataLinesError('format', `its database has ${found} of ${shown(length)} bytes`);
      const bytes = new Uint8Array(found);
      let at = 0;
      for (const part of parts) {
        bytes.set(part, at);
        at += part.length;
      }
      return bytes;
    },
  };
}

const noData = () => new DataLinesError('format', 'it is no data of an export');

const shown = (value: unknown) => String(value).slice(0, MOST_SHOWN);

/** Whether a text has more lines than an export of its length: they would cost more than the text. */
function isShredded(text: string): boolean {
  let left = text.length / SHORTEST + 1;
  for (let at = text.indexOf('\n'); at >= 0 && left >= 0; at = text.indexOf('\n', at + 1))
    left -= 1;
  return left < 0;
}

function written(value: unknown): { readonly value: unknown } | { readonly codec: string } {
  const plain = encode(value, undefined, NO_BOUNDS).value;
  if (isJson(plain)) return { value: plain };
  return { codec: textOf(new MessageWriter(WIDEST).write(plain).subarray(HEAD)) };
}

/** Bytes in base64. */
function textOf(bytes: Uint8Array = new Uint8Array()): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** Whether JSON gives back exactly this. */
function isJson(value: unknown): boolean {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return true;
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== 'object') return false;
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at++)
      if (!Object.hasOwn(value, at) || !isJson(value[at])) return false;
    return true;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  return Object.entries(value).every(([key, one]) => key !== '__proto__' && isJson(one));
}

function entryIn(line: string): { readonly key: string; readonly value: unknown } | undefined {
  const entry = objectIn(line);
  if (typeof entry?.key !== 'string' || entry.key === '' || entry.key.length > MOST_KEY)
    return undefined;
  try {
    const plain =
      typeof entry.codec === 'string' ? readMessage(bytesOf(entry.codec), WIDEST) : entry.value;
    const value = decodeValue(plain, undefined, NO_BOUNDS);
    return value === undefined ? undefined : { key: entry.key, value };
  } catch {
    return undefined;
  }
}

const bytesOf = (text: string) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

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

const digestOf = (text: string): Promise<string> => sha256(new TextEncoder().encode(text));
