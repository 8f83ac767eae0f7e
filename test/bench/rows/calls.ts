/**
 * Calls from the host to a worker, in every way that is compared. Each figure is from the same
 * rounds as its base, the platform's own `postMessage` with one message a request and reply.
 */
import { type Contestant, nameOf } from '../contestants.ts';
import { measure, type Row, ratesOf, type Samples } from '../measure.ts';
import { type Outcomes, ratioFigure, thousandsPerSecond } from '../outcome.ts';
import type { Bench } from '../platform.ts';

/** The figures of the table of goals, and the whole table of calls. */
export interface CallsResult {
  readonly table: readonly Row[];
  readonly outcomes: Outcomes;
}

export async function measureCalls(
  { rounds, milliseconds }: Bench,
  contestants: readonly Contestant[],
): Promise<CallsResult> {
  try {
    const table = await measure(contestants, rounds, milliseconds);
    return { table, outcomes: outcomesOf(table) };
  } finally {
    for (const one of contestants) await one.stop();
  }
}

const microseconds = (value: number) => `${value.toFixed(1)} µs`;

function outcomesOf(table: readonly Row[]): Outcomes {
  const samples = (name: string): Samples => {
    const row = table.find((one) => one.name === name);
    if (row === undefined) throw new Error(`nothing is named '${name}'`);
    return row.rounds;
  };
  const [raw, valibot] = [samples('raw postMessage'), samples(nameOf('valibot'))];
  const rates = (mine: Samples, window: number, base = raw) =>
    ratioFigure(ratesOf(mine, window), ratesOf(base, window), thousandsPerSecond);
  return {
    valibot16: rates(valibot, 16),
    valibot256: rates(valibot, 256),
    valibot4096: rates(valibot, 4_096),
    checks256: rates(samples(nameOf('hand-written checks')), 256),
    bare256: rates(samples(nameOf('no validation')), 256),
    comlink: rates(valibot, 256, samples('comlink')),
    single: ratioFigure(valibot.latencies, raw.latencies, microseconds),
    singleTail: ratioFigure(valibot.tails, raw.tails, microseconds),
  };
}
