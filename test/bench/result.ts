/** What one row's process prints: one line of JSON. */
import type { Row } from './measure.ts';
import type { Outcomes } from './outcome.ts';

export interface RowResult {
  readonly outcomes: Outcomes;
  /** The calls table, of the row that measures it. */
  readonly table?: readonly Row[];
}

/** Why there is no result. */
export interface Failed {
  readonly failed: string;
}

/** Prints a row's result and ends the process, even if the row left something running. */
export async function printAndExit(row: Promise<RowResult>): Promise<never> {
  let result: RowResult | Failed;
  try {
    result = await row;
  } catch (error) {
    console.error(error);
    result = {
      failed: (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] as string,
    };
  }
  await new Promise((resolve) => process.stdout.write(`${JSON.stringify(result)}\n`, resolve));
  process.exit();
}
