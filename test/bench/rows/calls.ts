/**
 * Calls from the host, in four variants; and, from the same rounds, Plinth compared with Comlink.
 */
import type { Contestant } from '../contestants.ts';
import { measure, type Row } from '../measure.ts';
import { type Outcomes, ratioFigure, thousandsPerSecond } from '../outcome.ts';
import type { Bench } from '../platform.ts';

/** The figures of the second table, and the whole first table. */
export interface CallsResult {
  readonly table: readonly Row[];
  readonly outcomes: Outcomes;
}

const WINDOW = 256;

export async function measureCalls(
  { rounds, milliseconds }: Bench,
  contestants: readonly Contestant[],
): Promise<CallsResult> {
  try {
    const table = await measure(contestants, rounds, milliseconds);
    const rates = (name: string) =>
      table.find((row) => row.name === name)?.rounds[WINDOW] as readonly number[];
    return {
      table,
      outcomes: { comlink: ratioFigure(rates('plinth'), rates('comlink'), thousandsPerSecond) },
    };
  } finally {
    for (const one of contestants) await one.stop();
  }
}
