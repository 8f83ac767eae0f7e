/** What to do about a command that was called without the input that it needs. */
import { ownerOf } from '@plinth/sdk/contract';
import { CliError } from '../terminal/cli-error.js';
import type { Operator } from './operator.js';

/** The error with a cure: a command line with the input that the manifest describes. */
export async function withInputCure(
  error: unknown,
  command: string,
  operator: Operator,
): Promise<unknown> {
  const { code, details, message } = error as Partial<CliError> & Error;
  if (code !== 'call/invalid-input') return error;
  const manifest = await operator.plugin(ownerOf(command)).then(
    (found) => found?.manifest,
    () => undefined,
  );
  const name = command.slice(ownerOf(command).length + 1);
  const input = manifest?.contributes.commands?.find(({ id }) => id === name)?.input;
  const example = JSON.stringify(exampleOf(input)) ?? '{"key": "value"}';
  return new CliError(code, message, {
    cause: error,
    cure: `Give the input as JSON: plinth exec ${command} '${example}'`,
    details: details ?? {},
  });
}

const EXAMPLES: Readonly<Record<string, unknown>> = {
  string: 'text',
  number: 1,
  integer: 1,
  boolean: true,
  null: null,
  array: [],
};

/** A value of the shape that a JSON Schema names first. Undefined when it names none. */
function exampleOf(schema: unknown, depth = 0): unknown {
  const { type, anyOf, properties, required, enum: values, default: filled } = record(schema);
  if (filled !== undefined) return filled;
  if (Array.isArray(values)) return values[0] as unknown;
  if (Array.isArray(anyOf) && depth < 4) return exampleOf(anyOf[0], depth + 1);
  if (type !== 'object') return typeof type === 'string' ? EXAMPLES[type] : undefined;
  const needed = Array.isArray(required) && depth < 4 ? required.map(String) : [];
  return Object.fromEntries(
    needed.map((name) => [name, exampleOf(record(properties)[name], depth + 1) ?? null]),
  );
}

const record = (value: unknown) => Object(value) as Readonly<Record<string, unknown>>;
