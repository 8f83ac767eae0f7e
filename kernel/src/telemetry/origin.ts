/** Finds where an error began: the stack of what was thrown, not of the code that passed it on. */
import { PluginError, stackOf } from '@plinth/sdk/contract';

/** The stack of an error, with the stacks of its causes. Undefined when there is none to show. */
export function originOf(error: unknown): string | undefined {
  let thrown = error;
  for (
    let depth = 0;
    depth < 8 && thrown instanceof PluginError && thrown.cause instanceof Error;
    depth++
  )
    thrown = thrown.cause;
  return stackOf(thrown);
}

/** The stack as a field of a log entry. */
export function withOrigin(error: unknown): { readonly stack?: string } {
  const stack = originOf(error);
  return stack === undefined ? {} : { stack };
}
