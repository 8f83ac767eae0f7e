/**
 * Interleaved rounds: every contestant in every round, and medians of ratios within a round, so
 * that noise affects all equally.
 */
import type { Contestant } from './contestants.ts';
import { medianOf, ratios } from './statistics.ts';

/** One row of the result. */
export interface Row {
  readonly name: string;
  /** Median microseconds of one call after another. */
  readonly latency: number;
  readonly latencyRatio: number;
  /** Calls a second, by calls in flight. */
  readonly throughput: Readonly<Record<number, number>>;
  readonly throughputRatio: Readonly<Record<number, number>>;
  /** Calls a second of each round, by calls in flight. */
  readonly rounds: Readonly<Record<number, readonly number[]>>;
}

/** Calls in flight. */
export const WINDOWS = [16, 256, 4_096] as const;

/** Measures contestants against the first of them; checks every answer. */
export async function measure(
  contestants: readonly Contestant[],
  rounds: number,
  milliseconds: number,
): Promise<readonly Row[]> {
  const calls = new Map<Contestant, number>(contestants.map((one) => [one, 0]));
  const count = (one: Contestant, by: number) => calls.set(one, (calls.get(one) ?? 0) + by);
  for (const one of contestants) {
    count(one, await windowed(one, 256, 300).then((result) => result.calls));
    count(one, (await sequential(one, 200)).calls);
  }
  const latencies = contestants.map(() => [] as number[]);
  const rates = contestants.map(() => WINDOWS.map(() => [] as number[]));
  for (let round = 0; round < rounds; round++) {
    for (const [index, one] of contestants.entries()) {
      const { median, calls: made } = await sequential(one, milliseconds);
      latencies[index]?.push(median);
      count(one, made);
      for (const [at, window] of WINDOWS.entries()) {
        const result = await windowed(one, window, milliseconds);
        rates[index]?.[at]?.push(result.rate);
        count(one, result.calls);
      }
    }
  }
  for (const one of contestants) one.check?.(calls.get(one) as number);
  const ratio = (mine: readonly number[], base: readonly number[]) => medianOf(ratios(mine, base));
  return contestants.map(({ name }, index) => ({
    name,
    latency: medianOf(latencies[index] as number[]),
    latencyRatio: ratio(latencies[index] as number[], latencies[0] as number[]),
    throughput: Object.fromEntries(
      WINDOWS.map((window, at) => [window, medianOf(rates[index]?.[at] as number[])]),
    ),
    throughputRatio: Object.fromEntries(
      WINDOWS.map((window, at) => [
        window,
        ratio(rates[index]?.[at] as number[], rates[0]?.[at] as number[]),
      ]),
    ),
    rounds: Object.fromEntries(
      WINDOWS.map((window, at) => [window, rates[index]?.[at] as number[]]),
    ),
  }));
}

/**
 * Calls that are timed together: a page's clock has steps of 100 µs, a third of the time of a few
 * calls.
 */
const GROUP = 128;

async function sequential(
  one: Contestant,
  milliseconds: number,
): Promise<{ readonly median: number; readonly calls: number }> {
  const times: number[] = [];
  const end = performance.now() + milliseconds;
  for (let n = 0; performance.now() < end; n += GROUP) {
    const started = performance.now();
    for (let k = 0; k < GROUP; k++) verify(await one.call(n + k), n + k);
    times.push(((performance.now() - started) * 1_000) / GROUP);
  }
  return { median: medianOf(times), calls: times.length * GROUP };
}

async function windowed(
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
