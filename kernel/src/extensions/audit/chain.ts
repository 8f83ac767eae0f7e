/** Chains of entries: where they are kept, how they are hashed, and whether one is whole. */
import { sha256 } from '@plinth/sdk/contract';
import type { AuditEntry, AuditVerdict, ChainEnd } from './audit-entry.js';

/** `decisions` and `host` have one chain each. Each plugin has its own of the others. */
export type ChainKind = 'decisions' | 'host' | 'verdicts' | 'consents' | 'tries';

/** How many of the latest segments of a chain are kept. */
const SEGMENTS: Readonly<Record<ChainKind, number>> = {
  decisions: 50,
  host: 50,
  verdicts: 5,
  consents: 5,
  tries: 5,
};

/** The end of a chain without entries. */
export const START: ChainEnd = { number: 0, hash: '' };

/** An entry before it has its place in a chain. */
export type Draft = Omit<AuditEntry, 'number' | 'after' | 'hash' | 'count'> & {
  readonly chain: string;
  count: number;
};

/** A part of a chain, as the storage keeps it. */
export interface Segment {
  readonly format: 1;
  /** The end of the previous segment. */
  readonly after: ChainEnd;
  readonly entries: readonly AuditEntry[];
}

/** A chain in memory: its last segment, and the keys of all kept segments. */
export interface Chain {
  segment: Segment & { readonly entries: AuditEntry[] };
  size: number;
  readonly keys: string[];
  /** Whether the last segment has to be written. */
  changed: boolean;
}

/** Digits of the number in the name of a segment. */
export const DIGITS = 16;
/** The only chain of earlier versions. It is read, and nothing is added to it. */
export const FIRST = '';
/** The name of a chain. In a storage key it precedes the digits. */
export const chainName = (kind: ChainKind, plugin: string | undefined) =>
  `${kind}\0${plugin ?? ''}\0`;

function kindOf(name: string): ChainKind {
  const end = name.indexOf('\0');
  return (end === -1 ? name || 'decisions' : name.slice(0, end)) as ChainKind;
}

/** The plugin that a chain belongs to. Undefined for a chain that several share. */
export function pluginIn(name: string): string | undefined {
  const end = name.indexOf('\0');
  return end === -1 ? undefined : name.slice(end + 1, -1);
}

/** How many segments of a chain are kept. */
export const kept = (name: string): number => SEGMENTS[kindOf(name)] ?? SEGMENTS.tries;

/** A chain that ends with a segment. */
export function chainOf(segment: Segment, keys: readonly string[]): Chain {
  const entries = [...segment.entries];
  return {
    segment: { ...segment, entries },
    size: entries.reduce((sum, entry) => sum + sizeOf(entry), 0),
    keys: [...keys],
    changed: false,
  };
}

/** About how many bytes an entry takes. */
export const sizeOf = ({ facts }: Pick<AuditEntry, 'facts'>): number =>
  128 + JSON.stringify(facts).length;

/** A kept value as a segment, where it is one. */
export function segmentOf(value: unknown): Segment | undefined {
  const { format, after, entries } = (value ?? {}) as Partial<Segment>;
  const sound =
    format === 1 &&
    typeof after?.number === 'number' &&
    typeof after.hash === 'string' &&
    Array.isArray(entries);
  return sound ? (value as Segment) : undefined;
}

/** The last entry of a segment, or the one before it. */
export function endOf({ after, entries }: Segment): ChainEnd {
  const last = entries.at(-1);
  return last === undefined ? after : { number: last.number, hash: last.hash };
}

interface ReadChain {
  readonly start: ChainEnd;
  readonly end: ChainEnd;
  readonly entries: number;
  /** Whether the chain continues from the witness. */
  readonly met: boolean;
}

/** Checks one chain. */
export async function readChain(
  segments: readonly (Segment | undefined)[],
  mark: ChainEnd | undefined,
): Promise<ReadChain | (AuditVerdict & { readonly ok: false })> {
  let start: ChainEnd | undefined;
  let end: ChainEnd = START;
  let entries = 0;
  let met = mark === undefined;
  for (const segment of segments) {
    if (segment === undefined)
      return { ok: false, at: end.number + 1, why: 'a part of the chain cannot be read' };
    const { after } = segment;
    if (start !== undefined && !isSame(after, end))
      return { ok: false, at: end.number + 1, why: 'a part of the chain is missing' };
    start ??= after;
    end = after;
    met ||= isSame(end, mark);
    for (const entry of segment.entries) {
      if ((entry.after ?? entry.number - 1) !== end.number || entry.number <= end.number)
        return { ok: false, at: end.number + 1, why: 'an entry is missing, or there is one more' };
      if ((await hashOf(end, entry)) !== entry.hash)
        return { ok: false, at: entry.number, why: 'an entry was changed' };
      end = { number: entry.number, hash: entry.hash };
      met ||= isSame(end, mark);
      entries += 1;
    }
  }
  return { start: start ?? START, end, entries, met };
}

/** The verdict on a chain that does not lead on from an entry. */
export const notMet = ({ number }: ChainEnd): AuditVerdict => ({
  ok: false,
  at: number,
  why: 'it does not go on from where it was, or that part is not kept any more',
});

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

/** The hash of an entry, which includes the hash before it. */
export function hashOf(
  before: ChainEnd,
  {
    number,
    after,
    time,
    topic,
    plugin,
    facts,
    count,
  }: Omit<AuditEntry, 'hash' | 'after'> & { readonly after?: number },
): Promise<string> {
  // Entries of versions with a single chain don't name the entry before them.
  const place = after === undefined ? [number] : [number, after];
  return digestOf(
    JSON.stringify([before.hash, ...place, time, topic, plugin ?? null, facts, count]),
  );
}

/** The SHA-256 of a text. */
export const digestOf = (text: string): Promise<string> => sha256(new TextEncoder().encode(text));
