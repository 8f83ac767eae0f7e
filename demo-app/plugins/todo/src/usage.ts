/** Checks the options of a command. */

/** A listed option. */
export interface Option {
  readonly name: string;
  readonly description: string;
  readonly type: 'string' | 'number' | 'boolean';
  readonly required: boolean;
}

/** The given options. */
export type Given = Readonly<Record<string, string | number | boolean>>;

/** What is wrong with the given options; undefined when nothing is. */
export function problemOf(options: readonly Option[], given: Given): string | undefined {
  const unknown = Object.keys(given).find(
    (name) => !options.some((option) => option.name === name),
  );
  if (unknown !== undefined) return `there is no option --${unknown}`;
  for (const { name, type, required } of options) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (value === undefined && required) return `--${name} is missing`;
    if (value !== undefined && typeof value !== type) return `--${name} should be a ${type}`;
  }
  return undefined;
}
