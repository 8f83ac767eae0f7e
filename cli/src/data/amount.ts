/** How much data was moved, in words. */
import type { Moved } from '../operate/operator.js';

/** `12 keys`, or `12 keys and a database of 8,192 bytes`. */
export function amountOf({ keys, database }: Moved): string {
  if (database === undefined) return `${keys} keys`;
  return `${keys} keys and a database of ${database.toLocaleString('en-US')} bytes`;
}
