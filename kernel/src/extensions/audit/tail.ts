/**
 * The last segment of a chain, in memory and in the storage. Several kernels may write to one chain,
 * as two tabs of a page do: a segment that another one has continued is never written over.
 */
import type { StorageAdapter } from '../../host.js';
import type { ChainEnd } from './audit-entry.js';
import { endOf, isSame, type Segment, segmentOf, sizeOf } from './chain.js';

/** A chain in memory: its last segment, and the keys of all kept segments. */
export interface Chain {
  segment: Segment & { readonly entries: Segment['entries'][number][] };
  size: number;
  keys: readonly string[];
  /** Segments behind a cut. They are deleted once the entry that records it is written. */
  readonly dropped: string[];
  /** Whether the last segment has to be written. */
  changed: boolean;
  /** The end of what is written. */
  kept: ChainEnd;
  /** Whether the last segment is closed: the chain goes on in another one. */
  closed: boolean;
  /** When the oldest full segment ended, and its key. */
  oldest?: { readonly key: string; readonly time: number };
}

/** A chain whose last segment is this one. */
export function chainOf(segment: Segment, keys: readonly string[]): Chain {
  const entries = [...segment.entries];
  return {
    segment: { ...segment, entries },
    size: entries.reduce((sum, entry) => sum + sizeOf(entry), 0),
    keys,
    dropped: [],
    changed: false,
    kept: endOf(segment),
    closed: segment.closed === true,
  };
}

/** The chain goes on in another segment. */
export function beginSegment(chain: Chain): void {
  const after = endOf(chain.segment);
  chain.segment = { format: 2, after, entries: [] };
  Object.assign(chain, { size: 0, kept: after, closed: false });
}

/** The entries that aren't written yet. */
export function unwritten({ segment: { entries, after }, kept }: Chain): Segment['entries'] {
  if (isSame(after, kept)) return entries;
  return entries.slice(entries.findIndex((entry) => isSame(entry, kept)) + 1);
}

/**
 * Writes the last segment, and closes it if asked to. Answers false, and writes nothing, when
 * another kernel has continued the chain.
 *
 * @param hasLater whether there are segments behind this one.
 */
export async function writeTail(
  storage: StorageAdapter,
  key: string,
  chain: Chain,
  close: boolean,
  hasLater: () => Promise<boolean>,
): Promise<boolean> {
  const { segment, kept } = chain;
  // Nothing of it is written. Another kernel has written and dropped it, as its keys say.
  if (isSame(segment.after, kept) && chain.keys.some((one) => one > key)) return false;
  const mine = { ...segment, entries: [...segment.entries], ...(close && { closed: true }) };
  let moved = false;
  let gone = false;
  await storage.update(key, (current) => {
    const there = segmentOf(current);
    gone = current === undefined && !isSame(segment.after, kept);
    moved = there !== undefined && hasMoved(there, kept);
    return moved || gone ? current : mine;
  });
  // It was dropped by a kernel that has gone on without this one, or deleted from outside.
  if (gone && (await hasLater())) return false;
  if (gone) await storage.set(key, mine);
  if (moved) return false;
  Object.assign(chain, { changed: false, kept: endOf(segment), closed: close });
  return true;
}

/** Whether a kernel has gone on from an entry. One that was changed in its place isn't that. */
const hasMoved = (there: Segment, kept: ChainEnd): boolean =>
  (isSame(there.after, kept) || there.entries.some((entry) => isSame(entry, kept))) &&
  (there.closed === true || !isSame(endOf(there), kept));
