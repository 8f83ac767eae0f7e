/** Who answers: a guest over its link, or a function of the host. Both look the same to the rest of the kernel. */
import { isPromiseLike } from '@plinth/sdk/contract';
import { decodeValue, encodeValue, type Link, type Reply } from '@plinth/sdk/rpc';
import type { KernelCall } from './call.js';

/** Starts answering a call; the answer goes to `reply`, which is the call itself when nothing stands between. */
export type Provider = (call: KernelCall, input: unknown, reply: Reply) => void;

/** A handler in a guest, by its number. */
export function guestProvider(link: Link, handle: number): Provider {
  return (call, input, reply) => {
    try {
      call.sentOver(link, link.request(handle, input, call.meta, reply));
    } catch (error) {
      reply.settle(false, error);
    }
  };
}

/**
 * A handler in the host. It gets a value of its own, and its answer is checked like a plugin's, so that a command
 * behaves the same wherever it is answered.
 */
export function hostProvider(handler: (input: unknown, call: KernelCall) => unknown): Provider {
  return (call, input, reply) => {
    const done = (value: unknown) => {
      try {
        reply.settle(true, copyValue(value));
      } catch (error) {
        reply.settle(false, error);
      }
    };
    try {
      const result = handler(copyValue(input), call);
      if (isPromiseLike(result)) result.then(done, (error: unknown) => reply.settle(false, error));
      else done(result);
    } catch (error) {
      reply.settle(false, error);
    }
  };
}

/** An equal value that shares nothing with the original. */
function copyValue(value: unknown): unknown {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol')) return value;
  return decodeValue(structuredClone(encodeValue(value)), undefined);
}
