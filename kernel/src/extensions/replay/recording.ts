/** A recording: its header, its entries as JSON lines, and its last line, which seals them. */
import { createError, sha256 } from '@plinth/sdk/contract';

/** What the first line of a recording says. */
export interface RecordingHeader {
  readonly format: 'plinth-recording';
  readonly formatVersion: 1;
  readonly plugin: string;
  readonly version: string;
  /** SHA-256 of the plugin's bundle in hexadecimal digits. Empty for an object of the application. */
  readonly digest: string;
  readonly isolation: string;
  readonly tenant: string;
  /** Whether clocks and randomness were recorded. */
  readonly taped: boolean;
}

/**
 * Why a recording ends. `stopped`: on request. `full`: it reached its limit. `guest`: the guest
 * ended. `stream`: a stream crossed, which is not recorded. `unreadable`: a value could not be
 * written.
 */
export type RecordingEnd = 'stopped' | 'full' | 'guest' | 'stream' | 'unreadable';

/** What happened at the boundary of a plugin, from the launch of one guest on. */
export interface Recording {
  readonly header: RecordingHeader;
  readonly end: RecordingEnd;
  /** How many things have crossed. */
  readonly entries: number;
  /** The whole recording, as {@link parseRecording} reads it. UTF-8 text of JSON lines. */
  readonly text: string;
}

/** One thing that crossed, or readings of clocks and randomness. */
export interface Entry {
  /** `in`: to the plugin. `out`: from it. `tape`: what it has read. */
  readonly side: 'in' | 'out' | 'tape';
  /**
   * In: `call`, `event`, `control`, `cancel`, `reply`, `more`. Out: `ask`, `register`,
   * `unregister`, `answer`, `more`. `more` is progress.
   */
  readonly what: string;
  /** What an answer, a reply, progress and a cancel belong to. */
  readonly id?: number;
  /** Of a call or event: the kind of its registration. */
  readonly kind?: string;
  /** The name of a registration, a request or a control method. */
  readonly name?: string;
  /** Which of several registrations of one name. */
  readonly nth?: number;
  /** Facts around the value. Null stands for undefined. */
  readonly facts?: readonly unknown[];
  /** Whether an answer or a reply is no error. */
  readonly ok?: boolean;
  /** The value as JSON. */
  readonly value?: unknown;
  /** The value as base64 of the codec for processes, where JSON can't express it. */
  readonly codec?: string;
}

const END_KEYS = ['end', 'entries', 'sha256'];
const ENDS: readonly RecordingEnd[] = ['stopped', 'full', 'guest', 'stream', 'unreadable'];
const NEWLINE = '\n';

/** The error for a recording that can't be used. */
export function unusable(reason: string, what: string, plugin?: string): Error {
  return createError('recording/invalid', `cannot use the recording: ${what}`, {
    ...(plugin !== undefined && { plugin }),
    details: { reason },
  });
}

/** Seals the lines of a recording. */
export async function sealed(
  header: RecordingHeader,
  lines: readonly string[],
  end: RecordingEnd,
): Promise<Recording> {
  const body = [JSON.stringify(header), ...lines].join(NEWLINE);
  const last = { end, entries: lines.length, sha256: await digestOf(body) };
  return Object.freeze({
    header,
    end,
    entries: lines.length,
    text: `${body}${NEWLINE}${JSON.stringify(last)}${NEWLINE}`,
  });
}

/**
 * Reads a recording. The digest in its last line shows what was cut or edited by accident. It is no
 * signature: who writes a recording can write its digest.
 *
 * @throws PluginValidationError `recording/invalid`, with the `reason` in its details: `format`,
 * `version`, `cut` or `edited`.
 */
export async function parseRecording(text: string): Promise<Recording> {
  const { header, end, body, lines } = await parts(text);
  return Object.freeze({ header, end, entries: lines.length, text: `${body.trimEnd()}\n` });
}

/** The entries of a recording, which is checked once more. @throws as {@link parseRecording}. */
export async function entriesOf({ text }: Recording): Promise<readonly Entry[]> {
  const { lines } = await parts(text);
  return lines.map((line) => line as unknown as Entry);
}

interface Parts {
  readonly header: RecordingHeader;
  readonly end: RecordingEnd;
  readonly body: string;
  readonly lines: readonly Readonly<Record<string, unknown>>[];
}

async function parts(text: string): Promise<Parts> {
  if (typeof text !== 'string') throw unusable('format', 'it is no text');
  const all = text.trimEnd().split(NEWLINE);
  const header = headerOf(all[0] as string);
  const last = all.length < 2 ? undefined : objectIn(all.at(-1) as string);
  if (last === undefined || Object.keys(last).join() !== END_KEYS.join())
    throw unusable('cut', 'its last line is missing: it was cut', header.plugin);
  const body = all.slice(0, -1).join(NEWLINE);
  if (
    last.sha256 !== (await digestOf(body)) ||
    last.entries !== all.length - 2 ||
    !ENDS.includes(last.end as RecordingEnd)
  )
    throw unusable('edited', 'its digest differs: lines were changed or removed', header.plugin);
  const lines = all.slice(1, -1).map((line) => {
    const entry = objectIn(line);
    if (entry === undefined || !['in', 'out', 'tape'].includes(entry.side as string))
      throw unusable('format', 'a line is no entry', header.plugin);
    return entry;
  });
  return { header, end: last.end as RecordingEnd, body: text, lines };
}

function headerOf(line: string): RecordingHeader {
  const header = objectIn(line);
  if (header?.format !== 'plinth-recording')
    throw unusable('format', 'its first line is no header of a recording');
  if (header.formatVersion !== 1)
    throw unusable(
      'version',
      `its format has version ${String(header.formatVersion).slice(0, 20)}, and this kernel reads 1`,
    );
  const texts = ['plugin', 'version', 'digest', 'isolation', 'tenant'];
  if (texts.some((name) => typeof header[name] !== 'string') || typeof header.taped !== 'boolean')
    throw unusable('format', 'its header is not complete');
  return header as unknown as RecordingHeader;
}

function objectIn(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return value !== null && typeof value === 'object' && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}

const digestOf = (text: string): Promise<string> => sha256(new TextEncoder().encode(text));
