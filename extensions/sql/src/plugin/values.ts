/** Maps the values of a plugin to those that a database holds. */
import { PluginValidationError } from '@plinth/sdk';
import type { SqlValue } from '../contract.js';

/** The smallest and the largest integer of a database. */
const LEAST = -(2n ** 63n);
const MOST = 2n ** 63n - 1n;

/**
 * A parameter as the database takes it: dates as ISO text, booleans as 1 and 0.
 *
 * @throws PluginValidationError `sql/invalid` that names the parameter.
 */
export function toSqlValue(value: unknown, index: number): SqlValue {
  switch (typeof value) {
    case 'string':
      return value;
    case 'boolean':
      return value ? 1 : 0;
    case 'number':
      if (Number.isNaN(value)) throw wrong(index, 'is NaN, which no column can hold');
      return value;
    case 'bigint':
      if (value < LEAST || value > MOST) throw wrong(index, 'is an integer of more than 64 bits');
      return value;
    default:
      return ofObject(value, index);
  }
}

function ofObject(value: unknown, index: number): SqlValue {
  if (value === null) return null;
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw wrong(index, 'is a date that is not valid');
    return value.toISOString();
  }
  if (value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value))
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  throw wrong(
    index,
    value === undefined
      ? 'is undefined: leave the column out, or write null'
      : 'is an object: a column holds text, so write JSON.stringify(value)',
  );
}

const wrong = (index: number, what: string) =>
  new PluginValidationError('sql/invalid', `parameter ${index + 1} of the statement ${what}`, {
    details: { parameter: index + 1 },
  });
