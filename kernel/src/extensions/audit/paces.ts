/** How many entries of each plugin's chains are listed. Of the others only the number is logged. */
import { RateBucket } from '../../permissions/rate.js';
import { type Draft, pluginIn } from './chain.js';

/** Entries of a plugin's chain that are listed. */
const PACE = { count: 100, per: 10_000 };
/** Milliseconds between two entries that log how many were left out. */
export const TELL_EACH = 1_000;
/** The most entries that wait while the storage fails. */
const MAX_WAITING = 10_000;

/** How many entries were logged for one chain. */
interface Pace {
  readonly bucket: RateBucket;
  unlisted: number;
  toldAt: number;
}

/** Owns the pace of each plugin's chain. */
export class Paces {
  readonly #paces = new Map<string, Pace>();

  /** Whether an entry is listed, where so many wait to be written. Counts it otherwise. */
  mayList(chain: string, waiting: number): boolean {
    const room = waiting < MAX_WAITING;
    if (pluginIn(chain) === undefined && room) return true;
    const pace = this.#paces.get(chain) ?? { bucket: new RateBucket(PACE), unlisted: 0, toldAt: 0 };
    this.#paces.set(chain, pace);
    if (room && pace.bucket.take()) return true;
    pace.unlisted += 1;
    return false;
  }

  /** Entries that say how many were left out, at a limited rate, and whether there are more. */
  takeUnlisted(all: boolean): { readonly drafts: readonly Draft[]; readonly more: boolean } {
    const drafts: Draft[] = [];
    let more = false;
    const now = performance.now();
    for (const [chain, pace] of this.#paces) {
      if (pace.unlisted === 0) continue;
      if (!all && now - pace.toldAt < TELL_EACH) {
        more = true;
        continue;
      }
      drafts.push({
        chain,
        time: Date.now(),
        topic: 'permission:denied',
        plugin: pluginIn(chain),
        facts: { unlisted: pace.unlisted },
        count: pace.unlisted,
      });
      pace.unlisted = 0;
      pace.toldAt = now;
    }
    return { drafts, more };
  }
}
