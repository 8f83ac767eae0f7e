/** Prints what happens, aligned; in colour on a terminal that wants it. */

const coloured = process.stdout.isTTY === true && !process.env.NO_COLOR;
const paint = (code: number) => (text: string) => (coloured ? `\u001b[${code}m${text}\u001b[0m` : text);
const bold = paint(1);
const dim = paint(2);
const green = paint(32);
const red = paint(31);

/** Widths of the columns that say who and what. */
const WHO = 10;
const WHAT = 42;

/** A chapter of the story. */
export function chapter(title: string): void {
  console.log(`\n${bold(title)}`);
}

/** One line: who, what they did, and what came of it. */
export function line(who: string, what: string, outcome = ''): void {
  console.log(`  ${dim(who.padEnd(WHO))}${outcome === '' ? what : `${what.padEnd(WHAT)} ${dim('→')} ${outcome}`}`);
}

/** The last line of a story that went as it should. */
export function finished(text: string): void {
  console.log(`\n${green('✓')} ${text}`);
}

/** The last line of one that didn't. */
export function failed(error: unknown): void {
  console.error(`\n${red('✗')} ${error instanceof Error ? error.message : String(error)}`);
}
