/** What the calls of a hook's handlers take over from its caller, and their error. */
import { createError, messageOf } from '@plinth/sdk/contract';
import type { CallRequest } from '../calls/kernel-call.js';

/** The plain fields of a request. The request of a guest is an object with methods of its own. */
export function facts(request: CallRequest | undefined): CallRequest {
  if (request === undefined) return {};
  const { user, signal, timeout, traceparent, baggage, parent, behalf, inbound } = request;
  return {
    user,
    timeout,
    traceparent,
    baggage,
    parent,
    behalf,
    ...(signal !== undefined && { signal }),
    ...(inbound !== undefined && { inbound }),
  };
}

/** The error for a handler that failed. */
export function hookError(id: string, plugin: string, cause: unknown): Error {
  return createError('hook/failed', `${plugin} failed to answer ${id}: ${messageOf(cause)}`, {
    plugin,
    details: { hook: id },
    cause,
  });
}
