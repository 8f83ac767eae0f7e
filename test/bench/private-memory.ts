/** Private memory of a process. Only Linux reports it. */

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { allMissing, type RowName } from './goals.ts';
import type { Outcomes } from './outcome.ts';

/** Whether this system reports it. */
export const canReadMemory = existsSync('/proc/self/smaps_rollup');

/** Rows that need it. */
export const READS_MEMORY: ReadonlySet<RowName> = new Set(['memory', 'reload-memory', 'asleep']);

/** The outcomes of such a row on another system. */
export function withoutMemory(row: RowName): Outcomes {
  return allMissing(row, 'only Linux tells');
}

/** Bytes of pages that no other process shares. */
export async function privateMemory(process: number | 'self'): Promise<number> {
  const text = await readFile(`/proc/${process}/smaps_rollup`, 'utf8');
  const kilobytes = [...text.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB$/gm)].reduce(
    (sum, [, value]) => sum + Number(value),
    0,
  );
  if (kilobytes === 0) throw new Error(`process ${process} shows no private memory`);
  return kilobytes * 1_024;
}
