/**
 * What a plugin keeps, as lines of JSON: the format of `plinth data export`. The first line is a
 * header, the last has the SHA-256 of all before it, and each between them is a key with its value.
 * Values that JSON can't express exactly are base64 of the codec that processes use.
 */
import { MessageWriter, readMessage } from '@plinth/sdk/codec';
import {
  boundsOf,
  decodeValue,
  encode,
  MAX_VALUE_BYTES,
  MAX_VALUE_DEPTH,
  NO_BOUNDS,
} from '@plinth/sdk/rpc';
import { refuse } from '../problem.js';

const FORMAT = 'plinth-data';
const VERSION = 1;
const WIDEST = boundsOf(MAX_VALUE_BYTES, MAX_VALUE_DEPTH);
/** Bytes in front of what the codec writes: its length. */
const HEAD = 4;
/** Longest key that a storage takes. */
const MOST_KEY = 512;

/** The text of the data. The same data gives the same text. */
export async function writeLines(
  plugin: string,
  values: ReadonlyMap<string, unknown>,
): Promise<string> {
  const lines = [...values]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, value]) => JSON.stringify({ key, ...written(value) }));
  const header = JSON.stringify({ format: FORMAT, formatVersion: VERSION, plugin });
  const body = [header, ...lines].join('\n');
  return `${body}\n${JSON.stringify({ entries: lines.length, sha256: await digestOf(body) })}\n`;
}

/** The values of a text, all of them checked. @throws Refusal 422. */
export async function readLines(
  plugin: string,
  text: string,
): Promise<ReadonlyMap<string, unknown>> {
  const lines = text.trimEnd().split('\n');
  const header = objectIn(lines[0]);
  if (header?.format !== FORMAT) throw wrong('it is no data of an export');
  if (header.formatVersion !== VERSION) throw wrong(`it is not of version ${VERSION}`);
  const last = lines.length < 2 ? undefined : objectIn(lines.at(-1));
  if (typeof last?.sha256 !== 'string' || 'key' in last)
    throw wrong('its last line is missing: it was cut');
  const entries = lines.slice(1, -1);
  const digest = await digestOf(lines.slice(0, -1).join('\n'));
  if (last.sha256 !== digest || last.entries !== entries.length)
    throw wrong('its digest differs: lines were changed or removed');
  if (header.plugin !== plugin) throw wrong('it is the data of another plugin');
  const values = new Map<string, unknown>();
  for (const [index, line] of entries.entries()) {
    const found = entryIn(line);
    if (found === undefined || values.has(found.key))
      throw wrong(`line ${index + 2} is no key with a value`);
    values.set(found.key, found.value);
  }
  return values;
}

function written(value: unknown): { readonly value: unknown } | { readonly codec: string } {
  const plain = encode(value, undefined, NO_BOUNDS).value;
  if (isJson(plain)) return { value: plain };
  const bytes = new MessageWriter(WIDEST).write(plain).subarray(HEAD);
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return { codec: btoa(text) };
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

async function digestOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

const wrong = (why: string) =>
  refuse(422, 'http/data', `The data can't be imported: ${why}. Send what an export has answered.`);
