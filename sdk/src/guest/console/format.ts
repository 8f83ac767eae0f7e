/** Formats the arguments of a console's method, as every runtime does. */
import { ENTRIES, LENGTH, print, show } from './print.js';

/**
 * Formats values in one line. A leading string may place the next ones by `%s`, `%d`, `%i`, `%f`,
 * `%o`, `%O`, `%j` and `%c`.
 */
export function format([first, ...rest]: readonly unknown[]): string {
  if (typeof first !== 'string') return [first, ...rest].slice(0, ENTRIES).map(show).join(' ');
  let used = 0;
  const text = first.slice(0, LENGTH).replace(/%([sdifoOjc%])/g, (whole, kind: string) => {
    if (kind === '%') return '%';
    if (used >= rest.length) return whole;
    const value = rest[used++];
    if (kind === 'c') return '';
    if (kind === 's')
      return typeof value === 'object' && value !== null ? print(value, 1) : show(value);
    if (kind === 'o' || kind === 'O' || kind === 'j') return print(value);
    if (typeof value === 'bigint' && kind !== 'f') return `${value}n`;
    if (typeof value === 'symbol' || typeof value === 'object') return 'NaN';
    return String(
      kind === 'i'
        ? Math.trunc(Number.parseFloat(String(value)))
        : kind === 'f'
          ? Number.parseFloat(String(value))
          : Number(value),
    );
  });
  return [text, ...rest.slice(used, used + ENTRIES).map(show)].join(' ');
}
