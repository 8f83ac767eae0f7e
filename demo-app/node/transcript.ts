/**
 * Prints what happens in aligned columns, with colour on a terminal that supports it. Text from
 * plugins can't break out of its line.
 */
import { escapeLine } from '@plinth/host-node';

const coloured = process.stdout.isTTY === true && !process.env.NO_COLOR;
const paint = (code: number) => (text: string) =>
  coloured ? `\u001b[${code}m${text}\u001b[0m` : text;
const bold = paint(1);
const dim = paint(2);
const green = paint(32);
const red = paint(31);

/** Widths of the first two columns. */
const WHO = 10;
const WHAT = 42;

/** A section of the scenario. */
export function chapter(title: string): void {
  console.log(`\n${bold(title)}`);
}

/** One line: the subject, the action and the outcome. */
export function line(who: string, what: string, outcome = ''): void {
  const [done, became] = [escapeLine(what), escapeLine(outcome)];
  console.log(
    `  ${dim(who.padEnd(WHO))}${outcome === '' ? done : `${done.padEnd(WHAT)} ${dim('→')} ${became}`}`,
  );
}

/** The last line of a successful run. */
export function finished(text: string): void {
  console.log(`\n${green('✓')} ${text}`);
}

/** The last line of a failed run. */
export function failed(error: unknown): void {
  console.error(
    `\n${red('✗')} ${escapeLine(error instanceof Error ? error.message : String(error))}`,
  );
}
