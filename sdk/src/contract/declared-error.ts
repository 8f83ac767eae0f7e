/** The error that `call.fail` ends a call with. */
import type { Command, ErrorSchemas, ErrorsOf } from './contract.js';
import { createSharedError, PluginDeclaredError, type PluginError } from './errors.js';
import { describeIssues, type InferOutput, isPromiseLike, parseSchema } from './schema.js';

/**
 * Whether a call failed with an error that its command declares. Its `data` then has the declared
 * type and is valid.
 *
 * @example
 * try {
 *   await notes.add({ text });
 * } catch (error) {
 *   if (isError(Notes.add, 'full', error)) console.log(`no more than ${error.data.max}`);
 *   else throw error;
 * }
 */
export function isError<C extends Command, K extends keyof ErrorsOf<C> & string>(
  command: C,
  key: K,
  error: unknown,
): error is PluginDeclaredError<InferOutput<ErrorsOf<C>[K]>> {
  const schema = Object.hasOwn(command.errors, key) ? command.errors[key] : undefined;
  if (schema === undefined || !(error instanceof PluginDeclaredError) || error.code !== key)
    return false;
  const parsed = parseSchema(schema, error.data);
  return isPromiseLike(parsed) || parsed.ok;
}

/** What is known about a command when it answers: one called by id alone declares nothing. */
export interface Answered {
  readonly id?: string;
  readonly errors?: ErrorSchemas | undefined;
}

/**
 * The declared error, or an error that names the provider's mistake. An asynchronous schema is not
 * awaited.
 */
export function declaredError(
  { id, errors = {} }: Answered,
  code: string,
  data: unknown,
): PluginError {
  const known = Object.keys(errors);
  if (!known.includes(code))
    return createSharedError(
      'call/undeclared-error',
      `'${code}' is not an error this command declares: it has ${known.join(', ') || 'none'}`,
    );
  const parsed = parseSchema(errors[code] as NonNullable<ErrorSchemas[string]>, data);
  if (isPromiseLike(parsed) || parsed.ok) return new PluginDeclaredError(code, data);
  return createSharedError(
    'call/invalid-output',
    `the error '${code}' of ${id} is not valid, the provider is at fault: ${describeIssues(parsed.issues)}`,
    {
      details: { command: id, side: 'provider', issues: parsed.issues },
    },
  );
}
