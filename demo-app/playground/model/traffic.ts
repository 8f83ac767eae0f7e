/** Which plugin calls which, and how often: the living part of the graph. */
import type { Span } from '../kernel/trace.ts';
import { Changes } from './store.ts';

/** Seconds over which a rate is taken. */
const WINDOW = 5;
/** Pairs that are counted. Further ones are not. */
const MAX_PAIRS = 2_000;

/** One pair of caller and provider. */
export interface Flow {
  readonly from: string;
  readonly to: string;
  readonly perSecond: number;
  readonly total: number;
  readonly failed: number;
}

interface Counted {
  readonly from: string;
  readonly to: string;
  total: number;
  failed: number;
  /** Calls of the current second, then of those before. */
  readonly seconds: number[];
}

/** Counts calls by pair. `tick` is called once a second. */
export class Traffic {
  readonly changes = new Changes();
  readonly #pairs = new Map<string, Counted>();

  add({ caller, provider, kind, took, ok }: Span): void {
    if (took === undefined || kind === 'event') return;
    const key = `${caller}\0${provider}`;
    let pair = this.#pairs.get(key);
    if (pair === undefined) {
      if (this.#pairs.size >= MAX_PAIRS) return;
      pair = { from: caller, to: provider, total: 0, failed: 0, seconds: [0] };
      this.#pairs.set(key, pair);
    }
    pair.total += 1;
    if (ok === false) pair.failed += 1;
    pair.seconds[0] = (pair.seconds[0] ?? 0) + 1;
  }

  tick(): void {
    for (const { seconds } of this.#pairs.values()) {
      seconds.unshift(0);
      if (seconds.length > WINDOW + 1) seconds.length = WINDOW + 1;
    }
    this.changes.announce();
  }

  flows(): readonly Flow[] {
    return [...this.#pairs.values()].map(({ from, to, total, failed, seconds }) => ({
      from,
      to,
      total,
      failed,
      perSecond: seconds.slice(1).reduce((sum, count) => sum + count, 0) / WINDOW,
    }));
  }
}
