/** Counts the calls of one version: how many failed, and how long the last ones took. */

import type { CallCount } from '../../../lifecycle/inventory.js';

/** How many times are remembered. */
const MOST = 1_000;

/** Owns the numbers of one version. */
export class Tally {
  #calls = 0;
  #faults = 0;
  readonly #times: number[] = [];

  add(fault: boolean, took: number): void {
    this.#times[this.#calls % MOST] = took;
    this.#calls += 1;
    if (fault) this.#faults += 1;
  }

  get counted(): CallCount {
    const sorted = [...this.#times].sort((one, other) => one - other);
    const p95 = sorted[Math.ceil(sorted.length * 0.95) - 1] ?? 0;
    return { calls: this.#calls, faults: this.#faults, p95 };
  }
}
