/** Reads numbers of the command line. */
import { parseSize } from '@plinth/sdk/contract';
import { CliError } from './cli-error.js';

/** Bytes of a text like `500KB`. */
export function sizeOf(value: string | boolean, flag: string): number {
  const size = typeof value === 'string' ? parseSize(value) : undefined;
  if (size !== undefined && size > 0) return size;
  throw new CliError('cli/usage', `${flag} takes a size like 500KB or 2MB, not '${value}'`, {
    usage: true,
  });
}

/** Milliseconds of a text. */
export function millisecondsOf(value: string | boolean, flag: string): number {
  return wholeOf(value, flag, 'milliseconds');
}

/** A whole number from 1 on. */
export function wholeOf(value: string | boolean, flag: string, what = 'a number'): number {
  const number = Number(value);
  if (typeof value === 'string' && Number.isSafeInteger(number) && number >= 1) return number;
  throw new CliError('cli/usage', `${flag} takes ${what}, not '${value}'`, { usage: true });
}
