/**
 * Log entries as lines of text. Entries contain the original text of plugins. A line break, a
 * terminal's escape sequence or a mark that changes the direction of writing would forge other
 * lines. Code that makes a line of text therefore escapes them here.
 */
import type { LogEntry } from './logger.js';

/**
 * Controls, line and paragraph separators, invisible marks (but the joiners that scripts and emoji
 * need), and halves of characters.
 */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]|(?![\u200c\u200d])\p{Cf}/gu;
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * A text on one line, with everything that could leave the line or change how it looks written as
 * an escape: `\n`, `\u001b`.
 *
 * @example
 * console.error(escapeLine(error.message));
 */
export function escapeLine(text: string): string {
  return text.replace(
    UNSAFE,
    (letter) =>
      SHORT[letter] ?? `\\u${(letter.codePointAt(0) as number).toString(16).padStart(4, '0')}`,
  );
}

/**
 * A log entry as one line: time, level, tenant where there are several, source, message, and the
 * fields as JSON.
 *
 * @example
 * createKernel({ telemetry: { log: (entry) => process.stderr.write(`${logLine(entry)}\n`) } });
 */
export function logLine({ time, level, tenant, source, message, fields }: LogEntry): string {
  const where = tenant === 'tenant-0' ? source : `${tenant}/${source}`;
  const data =
    fields === undefined || Object.keys(fields).length === 0 ? '' : ` ${fieldsText(fields)}`;
  return escapeLine(
    `${new Date(time).toISOString()} ${level.padEnd(5)} [${where}] ${message}${data}`,
  );
}

function fieldsText(fields: object): string {
  try {
    return JSON.stringify(plain(fields, []));
  } catch {
    return '(fields that cannot be printed)';
  }
}

/** The deepest level of fields that is printed. */
const MAX_DEPTH = 16;

/** The part of a value that JSON can express. */
function plain(value: unknown, above: readonly object[]): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function' || typeof value === 'symbol') return undefined;
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (value instanceof Date)
    return Number.isFinite(value.getTime()) ? value.toISOString() : 'an invalid date';
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `${value.byteLength} bytes`;
  if (above.includes(value)) return '(a cycle)';
  if (above.length >= MAX_DEPTH) return '(deeper)';
  const within = [...above, value];
  if (Array.isArray(value) || value instanceof Set || value instanceof Map)
    return [...value].map((one) => plain(one, within));
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one, within)]));
}
