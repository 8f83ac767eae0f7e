/** Private memory of a process. Only Linux reports it. */

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** Whether this system reports it. */
export const canReadMemory = existsSync('/proc/self/smaps_rollup');

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
