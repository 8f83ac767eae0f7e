/** Makes texts of plugins safe to show: a terminal obeys control characters, and some hide others. */

/**
 * Control characters, characters that only format others (such as the marks that turn the direction
 * of a line), and separators of lines. A line feed and a tab stay.
 */
const UNSEEN = /(?![\n\t])[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** A text of any length, with escapes such as `\u001b` in place of what is not seen. */
export function printable(text: string): string {
  return text.replaceAll(
    UNSEEN,
    (one) => `\\u${(one.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}

/** A text on one line, cut to a number of characters. */
export function printableLine(text: string, most: number): string {
  const line = printable(text.slice(0, most + 1).replaceAll(/\s+/g, ' ')).trim();
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}
