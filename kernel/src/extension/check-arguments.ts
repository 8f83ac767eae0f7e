/** Checks what extensions give to their port, so that a mistake is told where it is made. */
import { checkOptionNames, createError } from '@plinth/sdk/contract';

/** What a value has to be: a word of `typeof`, with `?` when it may be absent, or one of a list. */
export type Kind =
  | 'string'
  | 'string?'
  | 'function'
  | 'function?'
  | 'number'
  | 'object'
  | 'object?'
  | readonly unknown[];

/** @throws PluginConfigurationError `kernel/invalid-option`. */
export function checkKind(where: string, name: string, value: unknown, kind: Kind): void {
  const isList = typeof kind !== 'string';
  const is = isList
    ? kind.includes(value)
    : (typeof value === kind.replace('?', '') && value !== null && !Number.isNaN(value)) ||
      (value === undefined && kind.endsWith('?'));
  if (is) return;
  const word = isList ? `one of ${kind.join(', ')}` : kind.replace('?', '');
  const wanted = isList ? word : `${word[0] === 'o' ? 'an' : 'a'} ${word}`;
  throw createError(
    'kernel/invalid-option',
    `${where}: ${name} must be ${wanted}, not ${typeof value === 'object' && value ? 'an object' : String(value)}`,
    { details: { option: name } },
  );
}

/**
 * Checks an object with named parts. A part that is misspelt would silently have no effect.
 *
 * @throws PluginConfigurationError `kernel/invalid-option`.
 */
export function checkShape(
  where: string,
  value: unknown,
  shape: Readonly<Record<string, Kind>>,
): void {
  const names = Object.keys(shape);
  checkKind(where, `what it takes (${names.join(', ')})`, value, 'object');
  // An instance of a class may have parts of its own.
  if (Object.getPrototypeOf(value) === Object.prototype)
    checkOptionNames(where, value as object, names);
  for (const [name, kind] of Object.entries(shape))
    checkKind(where, `'${name}'`, (value as Readonly<Record<string, unknown>>)[name], kind);
}
