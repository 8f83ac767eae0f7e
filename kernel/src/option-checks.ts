/** What checks of options are made of. */
import { createError, messageOf } from '@plinth/sdk/contract';

/** Refuses any other value. An absent one is accepted. */
export function oneOf(at: string, value: unknown, allowed: readonly unknown[]): void {
  if (value !== undefined && !allowed.includes(value))
    throw wrong(at, `must be one of ${allowed.join(', ')}, not ${messageOf(value)}`);
}

/** A list, empty when absent. Anything else is refused. */
export function listAt(at: string, value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw wrong(at, `must be a list, not ${messageOf(value)}`);
  return value;
}

/** An object with named members. Anything else is refused, a list and a Map as well. */
export function objectAt(at: string, value: unknown): Readonly<Record<string, unknown>> {
  if (!isObject(value)) throw wrong(at, `must be an object, not ${messageOf(value)}`);
  return value as Readonly<Record<string, unknown>>;
}

/** Whether a value has named members. A list, a promise and a Map have none that count. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  Object.prototype.toString.call(value) === '[object Object]';

/** The error for an option: PluginConfigurationError `kernel/invalid-option`. */
export function wrong(option: string, what: string): Error {
  return createError('kernel/invalid-option', `'${option}' ${what}`, { details: { option } });
}

/** Whether a value is a text, or a prefix that ends in `*`. */
export const isPatternText = (value: unknown): boolean =>
  typeof value === 'string' && value !== '' && !value.slice(0, -1).includes('*');

/** The same for ids of plugins. */
export const isIdPattern = (value: unknown): boolean =>
  isPatternText(value) && /^[a-z0-9.*-]+$/i.test(value as string);
