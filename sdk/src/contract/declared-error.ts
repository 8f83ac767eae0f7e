/** What `call.fail` ends a call with. */
import type { ErrorSchemas } from './contract.js';
import { createSharedError, PluginDeclaredError, type PluginError } from './errors.js';
import { describeIssues, isPromiseLike, parseSchema } from './schema.js';

/** What a handler answers, as far as it is known: a command that is called by its id alone declares nothing. */
export interface Answered {
  readonly id?: string;
  readonly errors?: ErrorSchemas | undefined;
}

/** The declared error; or what is wrong with it, which is the provider's mistake. A schema that takes its time is not waited for. */
export function declaredError({ id, errors = {} }: Answered, code: string, data: unknown): PluginError {
  const known = Object.keys(errors);
  if (!known.includes(code)) return createSharedError('call/undeclared-error', `'${code}' is not an error this command declares: it has ${known.join(', ') || 'none'}`);
  const parsed = parseSchema(errors[code] as NonNullable<ErrorSchemas[string]>, data);
  if (isPromiseLike(parsed) || parsed.ok) return new PluginDeclaredError(code, data);
  return createSharedError('call/invalid-output', `the error '${code}' of ${id} is not valid, the provider is at fault: ${describeIssues(parsed.issues)}`, {
    details: { command: id, side: 'provider', issues: parsed.issues },
  });
}
