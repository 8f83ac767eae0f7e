/** Lines of a source with a mark below the place that a message is about. */

/** A place in a text: line and column from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** The longest part of a line that is shown. */
const WIDTH = 100;

/** The line of the place, up to two lines before and one after it. */
export function codeFrame(text: string, { line, column }: Place): string {
  const lines = text.split(/\r?\n/);
  const first = Math.max(1, line - 2);
  const last = Math.min(lines.length, line + 1);
  const digits = String(last).length;
  const start = column > WIDTH ? column - WIDTH / 2 : 1;
  const shown: string[] = [];
  for (let number = first; number <= last; number++) {
    const content = (lines[number - 1] ?? '')
      .replaceAll('\t', ' ')
      .slice(start - 1, start - 1 + WIDTH);
    shown.push(
      `${number === line ? '>' : ' '} ${String(number).padStart(digits)} | ${content}`.trimEnd(),
    );
    if (number === line)
      shown.push(`  ${' '.repeat(digits)} | ${' '.repeat(Math.max(0, column - start))}^`);
  }
  return shown.join('\n');
}

/** The place of an offset in a text. */
export function placeAt(text: string, offset: number): Place {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return { line, column: offset - before.lastIndexOf('\n') };
}
