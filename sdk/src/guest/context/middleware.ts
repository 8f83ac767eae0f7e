/** Turns a middleware of a plugin into a handle, which the kernel calls for each step. */
import type { Middleware, MiddlewareCall } from '../../context.js';
import { Op } from '../../contract/operations.js';
import { functionIn, textIn } from '../arguments.js';
import { HandlerCall, handling } from '../handler-call.js';
import { requestKernel } from '../kernel-calls.js';
import type { Handle } from '../registrations.js';
import type { ContextParts } from './context-parts.js';

/**
 * A middleware step is four frames: enter (this call), next (a request back), its answer, and this
 * call's answer.
 */
export function middlewareHandle(
  parts: ContextParts,
  target: string,
  middleware: Middleware,
): Handle {
  const { link, tenant, handling: scope } = parts;
  functionIn(middleware, 'a middleware');
  const kind = textIn(target, 'the target of a middleware').startsWith('event:')
    ? 'event'
    : 'command';
  return (input, meta, inbound) => {
    const call = new HandlerCall(inbound, meta, scope);
    const { requestId, caller, user, signal, subject, step } = call;
    const view: MiddlewareCall = {
      kind,
      id: subject,
      input,
      requestId,
      caller,
      tenant,
      signal,
      ...(user !== undefined && { user }),
    };
    const next = (...args: [input?: unknown]) =>
      requestKernel(link, Op.next, args[0], [step, args.length]);
    return handling(scope, call, () => middleware(view, next));
  };
}
