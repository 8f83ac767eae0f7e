/** What commands write to: results on stdout, everything else on stderr, colour only on a terminal. */
import { styleText } from 'node:util';
import { Progress } from './progress.js';

/** The looks that messages have. */
export type Look = 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'cyan';

/** The terminal of one run. */
export interface Terminal {
  /** Whether results are written as JSON. */
  readonly json: boolean;
  /** Whether questions can be asked: stdin and stdout are a terminal, and no JSON is wanted. */
  readonly interactive: boolean;
  /** Writes a line of the result. */
  out(text: string): void;
  /** Writes a line about the work. Nothing is written there with `--json`, except errors. */
  note(text: string): void;
  /** Shows that long work is going on, where stderr is a terminal and no JSON is wanted. */
  during<T>(text: string, work: () => Promise<T>): Promise<T>;
  /** A text in a look, if stderr or stdout shows colours; `NO_COLOR` turns them off. */
  paint(look: Look, text: string): string;
}

/** Makes the terminal of this process. */
export function createTerminal(json: boolean): Terminal {
  const progress = new Progress(process.stderr, json);
  const note = (text: string) => {
    if (json) return;
    progress.clear();
    process.stderr.write(`${text}\n`);
  };
  return {
    json,
    interactive: !json && process.stdin.isTTY === true && process.stdout.isTTY === true,
    out: (text) => void process.stdout.write(`${text}\n`),
    note,
    during: (text, work) => progress.during(text, work),
    paint: (look, text) => styleText(look, text, { stream: process.stdout }),
  };
}

/** Rows with columns of equal width. The last column is as long as it is. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [index, cell] of row.entries())
      widths[index] = Math.max(widths[index] ?? 0, cell.length);
  return rows
    .map((row) =>
      row
        .map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
