/** Values on their way to PostgreSQL and back. Plugins see the same ones as with SQLite. */
import type { SqlValue } from '../contract.js';

/** A parameter as `pg` sends it. PostgreSQL finds its type by the place where it stands. */
export function toParameter(value: SqlValue): string | Uint8Array | null {
  if (value === null || typeof value === 'string') return value;
  if (value instanceof Uint8Array)
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Types by their number in `pg_type`. */
const BOOLEAN = 16;
const BYTES = 17;
const INTEGERS: ReadonlySet<number> = new Set([20, 21, 23, 26, 28]);
const FLOATS: ReadonlySet<number> = new Set([700, 701]);
const NUMERIC = 1700;
const TIMES: ReadonlySet<number> = new Set([1114, 1184]);
/** Digits of which a number holds all. */
const DIGITS = 15;
/** Characters with which a `numeric` can't be a number, nor an integer of 64 bits. */
const MOST_DIGITS = 60;

/** The value of a column. */
export function fromText(type: number, text: string): SqlValue {
  if (INTEGERS.has(type)) return integer(text);
  if (FLOATS.has(type)) return Number(text);
  if (type === BOOLEAN) return text === 't' ? 1 : 0;
  if (type === BYTES) return bytes(text);
  if (type === NUMERIC) return numeric(text);
  if (TIMES.has(type)) return time(text);
  return text;
}

/** Bytes that a value takes. */
export function sizeOf(value: SqlValue): number {
  if (typeof value === 'string') return value.length * 2;
  return value instanceof Uint8Array ? value.byteLength : 8;
}

function integer(text: string): number | bigint {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
}

/** A number where that is exact, a bigint of 64 bits, or the digits. */
function numeric(text: string): SqlValue {
  if (text.length > MOST_DIGITS) return text;
  const short = text.includes('.') ? text.replace(/\.?0+$/, '') : text;
  const digits = short.replace(/^-?0*\.?0*/, '').replace('.', '');
  if (digits.length <= DIGITS) return Number(short);
  if (!/^-?\d{16,19}$/.test(short)) return text;
  const whole = BigInt(short);
  return BigInt.asIntN(64, whole) === whole ? integer(short) : text;
}

function bytes(text: string): SqlValue {
  if (!text.startsWith('\\x')) return text;
  return new Uint8Array(Buffer.from(text.slice(2), 'hex'));
}

const TIME = /^(\d{4,6}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(?:\+00)?$/;

/** As `Date.toISOString()` writes it. Microseconds stay. */
function time(text: string): string {
  const match = TIME.exec(text);
  if (match === null) return text;
  const [, date, clock, fraction = ''] = match;
  return `${date}T${clock}.${fraction.padEnd(3, '0')}Z`;
}
