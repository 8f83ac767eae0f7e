/** Reads `--only`. */
import { ROWS, type RowName } from './goal.ts';

/** The rows that `--only=calls,flood` chooses, or all. Ends the process at an unknown one. */
export function chosenRows(words: readonly string[]): readonly RowName[] {
  const list = words.find((one) => one.startsWith('--only='))?.slice('--only='.length);
  if (list === undefined) return ROWS;
  const names = list.split(',');
  const unknown = names.filter((name) => !ROWS.includes(name as RowName));
  if (unknown.length > 0) {
    console.error(`there is no row ${unknown.join(', ')}; rows are ${ROWS.join(', ')}`);
    process.exit(2);
  }
  return ROWS.filter((row) => names.includes(row));
}
