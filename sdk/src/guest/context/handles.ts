/** Turns the handlers of a plugin into handles, which the kernel calls by number. */
import type { LooseHandler } from '../../context.js';
import type { Command } from '../../contract/contract.js';
import { createSharedError } from '../../contract/errors.js';
import { describeIssues, isPromiseLike, type Parsed, parseSchema } from '../../contract/schema.js';
import { functionIn } from '../arguments.js';
import { HandlerCall, handling } from '../handler-call.js';
import type { Handle } from '../registrations.js';
import type { ContextParts } from './context-parts.js';

/** What a handle needs to know of the member that it answers. */
export type Handled = Partial<Pick<Command, 'input' | 'errors'>> & { readonly id: string };

/** A handle that takes any input. */
export function looseHandle(
  { handling: scope }: ContextParts,
  handler: LooseHandler,
  member?: Handled,
): Handle {
  functionIn(handler, 'a handler');
  return (input, meta, inbound) => {
    const call = new HandlerCall(inbound, meta, scope, member);
    inbound.call = call;
    return handling(scope, call, () => handler(input, call));
  };
}

/** A handle that parses its input first: an invalid one never reaches the handler. */
export function schemaHandle(parts: ContextParts, member: Handled, handler: LooseHandler): Handle {
  const run = looseHandle(parts, handler, member);
  const { id, input: schema } = member;
  if (schema === undefined) return run;
  return (input, meta, inbound) => {
    const parsed = parseSchema(schema, input);
    if (isPromiseLike(parsed))
      return parsed.then((result) => run(accept(result, id), meta, inbound));
    return run(accept(parsed as Parsed<unknown>, id), meta, inbound);
  };
}

function accept(parsed: Parsed<unknown>, id: string): unknown {
  if (parsed.ok) return parsed.value;
  throw createSharedError(
    'call/invalid-input',
    `the input of ${id} is not valid, the caller is at fault: ${describeIssues(parsed.issues)}`,
    {
      details: { command: id, side: 'caller', issues: parsed.issues },
    },
  );
}
