/** Chains of entries: their names, their segments, and how entries are hashed. */
import { sha256 } from '@plinth/sdk/contract';
import type { AuditEntry, ChainEnd } from './audit-entry.js';

/** `decisions` and `host` have one chain each. Each plugin has its own of the others. */
export type ChainKind = 'decisions' | 'host' | 'verdicts' | 'consents' | 'tries';

/** The end of a chain without entries. */
export const START: ChainEnd = { number: 0, hash: '' };

/** The topic of an entry that records a cut. */
export const CUT = 'audit:cut';

/** An entry before it has its place in a chain. */
export type Draft = Omit<AuditEntry, 'number' | 'after' | 'hash' | 'count' | 'body'> & {
  readonly chain: string;
  count: number;
};

/** An entry of which only the place and the hash are shown. */
export type Withheld = Pick<AuditEntry, 'number' | 'after' | 'body' | 'hash'>;

/** A part of a chain, as the storage keeps it. */
export interface Segment {
  /** In a chain that begins with a segment of format 1, cuts may not be recorded. */
  readonly format: 1 | 2;
  /** The end of the previous segment. */
  readonly after: ChainEnd;
  readonly entries: readonly AuditEntry[];
  /** The chain goes on in another segment. A kernel that still writes to this one has to follow. */
  readonly closed?: boolean;
}

/** Digits of the number in the name of a segment. */
export const DIGITS = 16;
/** The only chain of earlier versions. It is read, and nothing is added to it. */
export const FIRST = '';
/** The name of a chain. In a storage key it precedes the digits. */
export const chainName = (kind: ChainKind, plugin: string | undefined) =>
  `${kind}\0${plugin ?? ''}\0`;

/** The plugin that a chain belongs to. Undefined for a chain that several share. */
export function pluginIn(name: string): string | undefined {
  const end = name.indexOf('\0');
  return end === -1 ? undefined : name.slice(end + 1, -1);
}

/** About how many bytes an entry takes. */
export const sizeOf = ({ facts }: Pick<AuditEntry, 'facts'>): number =>
  128 + JSON.stringify(facts).length;

/** A kept value as a segment, where it is one. */
export function segmentOf(value: unknown): Segment | undefined {
  const { format, after, entries } = (value ?? {}) as Partial<Segment>;
  const sound = (format === 1 || format === 2) && isEnd(after) && Array.isArray(entries);
  return sound ? (value as Segment) : undefined;
}

/** Whether a value is the end of a chain. */
export function isEnd(value: unknown): value is ChainEnd {
  const { number, hash } = (value ?? {}) as Partial<ChainEnd>;
  return Number.isSafeInteger(number) && typeof hash === 'string' && hash.length <= 64;
}

/** The last entry of a segment, or the one before it. */
export function endOf({ after, entries }: Segment): ChainEnd {
  const last = entries.at(-1);
  return last === undefined ? after : { number: last.number, hash: last.hash };
}

/** Whether a value has the place and the hash of an entry. */
export function isPlaced(value: unknown): value is AuditEntry | Withheld {
  const { after, body } = (value ?? {}) as Partial<AuditEntry>;
  return (
    isEnd(value) &&
    (after === undefined || Number.isSafeInteger(after)) &&
    (body === undefined || typeof body === 'string')
  );
}

/** Where a chain was cut, if an entry records that. */
export function cutIn(entry: AuditEntry): ChainEnd | undefined {
  if (entry?.topic !== CUT) return undefined;
  const { number, hash } = (entry.facts ?? {}) as Partial<ChainEnd>;
  const end = { number, hash };
  return isEnd(end) ? end : undefined;
}

/** Whether two ends are the same entry. */
export const isSame = (a: ChainEnd, b: ChainEnd | undefined) =>
  a.number === b?.number && a.hash === b.hash;

/** Whether two entries say the same, so that they are counted as one. */
export const isEqual = (a: Draft, b: Draft) =>
  a.topic === b.topic &&
  a.plugin === b.plugin &&
  a.chain === b.chain &&
  JSON.stringify(a.facts) === JSON.stringify(b.facts);

/** The facts as JSON. Undefined when they aren't an object that JSON can hold. */
export function textOf(facts: object): string | undefined {
  try {
    const text =
      typeof facts === 'object' && facts !== null && !Array.isArray(facts)
        ? JSON.stringify(facts)
        : undefined;
    return text?.startsWith('{') ? text : undefined;
  } catch {
    return undefined;
  }
}

/** The hash of what happened. */
export const bodyOf = ({
  time,
  topic,
  plugin,
  facts,
  count,
}: Pick<AuditEntry, 'time' | 'topic' | 'plugin' | 'facts' | 'count'>): Promise<string> =>
  digestOf(JSON.stringify([time, topic, plugin ?? null, facts, count]));

/**
 * The hash of an entry in its place: over the hash before it, and the body's. So a chain can be
 * checked where bodies are withheld.
 */
export const linkOf = (
  before: ChainEnd,
  { number, after, body }: Pick<AuditEntry, 'number' | 'after' | 'body'>,
): Promise<string> => digestOf(JSON.stringify([before.hash, number, after, body]));

/** Whether an entry fits its hashes and the entry before it. */
export async function fits(before: ChainEnd, entry: AuditEntry): Promise<boolean> {
  if (entry.body === undefined) return (await formerHashOf(before, entry)) === entry.hash;
  return (await bodyOf(entry)) === entry.body && (await linkOf(before, entry)) === entry.hash;
}

/** The hash of an entry of versions without the hash of a body. */
function formerHashOf(before: ChainEnd, entry: AuditEntry): Promise<string> {
  const { number, time, topic, plugin, facts, count } = entry;
  // Entries of versions with a single chain don't name the entry before them.
  const after = entry.after as number | undefined;
  const place = after === undefined ? [number] : [number, after];
  return digestOf(
    JSON.stringify([before.hash, ...place, time, topic, plugin ?? null, facts, count]),
  );
}

/** The SHA-256 of a text. */
export const digestOf = (text: string): Promise<string> => sha256(new TextEncoder().encode(text));
