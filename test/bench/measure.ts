/**
 * Interleaved rounds: every contestant in every round, in a random order, and medians of ratios
 * within a round, so that noise affects all equally.
 */
import type { Contestant } from './contestants.ts';
import { medianOf, percentileOf, ratios, shuffled } from './statistics.ts';

/** One row of the result. */
export interface Row {
  readonly name: string;
  /** Median microseconds of one call after another. */
  readonly latency: number;
  readonly latencyRatio: number;
  /** Calls a second, by calls in flight. */
  readonly throughput: Readonly<Record<number, number>>;
  readonly throughputRatio: Readonly<Record<number, number>>;
  /** The samples behind them. */
  readonly rounds: Samples;
}

/** What one contestant did, one value a round. */
export interface Samples {
  /** Microseconds of one call after another. */
  readonly latencies: readonly number[];
  /** 99th percentile of the microseconds of single calls. */
  readonly tails: readonly number[];
  /** Calls a second, by calls in flight. */
  readonly rates: Readonly<Record<number, readonly number[]>>;
}

/** Calls in flight. */
export const WINDOWS = [16, 256, 4_096] as const;

/** Measures contestants against the first of them; checks every answer. */
export async function measure(
  contestants: readonly Contestant[],
  rounds: number,
  milliseconds: number,
): Promise<readonly Row[]> {
  const runs = contestants.map((one) => new Run(one));
  for (const run of shuffled(runs)) await run.warmUp();
  // All contestants do one thing before any does the next, so that a figure and its base are close
  // in time.
  for (let round = 0; round < rounds; round++)
    for (const window of shuffled([1, ...WINDOWS]))
      for (const run of shuffled(runs)) await run.sample(window, milliseconds);
  for (const run of runs) await run.check();
  const base = (runs[0] as Run).samples;
  return runs.map(({ name, samples }) => ({
    name,
    latency: medianOf(samples.latencies),
    latencyRatio: medianOf(ratios(samples.latencies, base.latencies)),
    throughput: perWindow((window) => medianOf(ratesOf(samples, window))),
    throughputRatio: perWindow((window) =>
      medianOf(ratios(ratesOf(samples, window), ratesOf(base, window))),
    ),
    rounds: samples,
  }));
}

/** Calls a second of each round. */
export const ratesOf = ({ rates }: Samples, window: number) => rates[window] as readonly number[];

const perWindow = <T>(of: (window: number) => T): Readonly<Record<number, T>> =>
  Object.fromEntries(WINDOWS.map((window) => [window, of(window)]));

/** One contestant: its samples, and how many calls it made. */
class Run {
  readonly samples = {
    latencies: [] as number[],
    tails: [] as number[],
    rates: perWindow((): number[] => []),
  };
  readonly #contestant: Contestant;
  #calls = 0;

  constructor(contestant: Contestant) {
    this.#contestant = contestant;
  }

  get name(): string {
    return this.#contestant.name;
  }

  async warmUp(): Promise<void> {
    this.#calls += (await windowed(this.#contestant, 256, 300)).calls;
    this.#calls += (await sequential(this.#contestant, 200)).calls;
  }

  /** Calls one after another, or with a window of them in flight. */
  async sample(window: number, milliseconds: number): Promise<void> {
    if (window > 1) {
      const { rate, calls } = await windowed(this.#contestant, window, milliseconds);
      this.samples.rates[window]?.push(rate);
      this.#calls += calls;
      return;
    }
    const { median, tail, calls } = await sequential(this.#contestant, milliseconds);
    this.samples.latencies.push(median);
    this.samples.tails.push(tail);
    this.#calls += calls;
  }

  async check(): Promise<void> {
    await this.#contestant.check?.(this.#calls);
  }
}

/**
 * Calls that are timed together for the median: a page's clock has steps of 100 µs, a third of the
 * time of a few calls.
 */
const GROUP = 128;

interface Sequence {
  readonly median: number;
  /** Of single calls, so in whole steps of the clock; at least one step. */
  readonly tail: number;
  readonly calls: number;
}

async function sequential(one: Contestant, milliseconds: number): Promise<Sequence> {
  const times: number[] = [];
  const singles: number[] = [];
  const end = performance.now() + milliseconds;
  for (let n = 0; performance.now() < end; n += GROUP) {
    const started = performance.now();
    let before = started;
    for (let k = 0; k < GROUP; k++) {
      verify(await one.call(n + k), n + k);
      const now = performance.now();
      singles.push(now - before);
      before = now;
    }
    times.push(((before - started) * 1_000) / GROUP);
  }
  const tail = Math.max(percentileOf(singles, 0.99), clockStep());
  return { median: medianOf(times), tail: tail * 1_000, calls: times.length * GROUP };
}

/** Milliseconds of one step of the clock. */
function clockStep(): number {
  const started = performance.now();
  let now = started;
  while (now === started) now = performance.now();
  return now - started;
}

/** Keeps a window of calls in flight for a time; checks every answer. */
export async function windowed(
  one: Contestant,
  window: number,
  milliseconds: number,
): Promise<{ readonly rate: number; readonly calls: number }> {
  let made = 0;
  const started = performance.now();
  const end = started + milliseconds;
  const lane = async () => {
    while (performance.now() < end) {
      const n = made++;
      verify(await one.call(n), n);
    }
  };
  await Promise.all(Array.from({ length: window }, lane));
  return { rate: made / ((performance.now() - started) / 1_000), calls: made };
}

function verify(answer: { readonly ok: boolean; readonly n: number }, n: number): void {
  if (answer.ok !== true || answer.n !== n)
    throw new Error(`call ${n} was answered with ${JSON.stringify(answer)}`);
}
