/** Requests of a guest to the kernel: one promise each, cancelled by the caller's signal. */
import { createError } from '../contract/errors.js';
import type { CallOptions } from '../contract/contract.js';
import type { Link } from '../rpc/link.js';

/** Asks the kernel for something. Rejects with the kernel's typed error. */
export function requestKernel(link: Link, op: number, input: unknown, meta: readonly unknown[], signal?: AbortSignal): Promise<unknown> {
  if (link.abandoned) return new Promise(() => {});
  if (signal?.aborted) return Promise.reject(cancelled(signal));
  return new Promise((resolve, reject) => {
    let stopListening: (() => void) | undefined;
    const sequence = link.request(op, input, meta, {
      settle(ok, value) {
        stopListening?.();
        if (ok) resolve(value);
        else reject(value);
      },
    });
    if (signal === undefined) return;
    const onAbort = () => {
      link.cancel(sequence);
      reject(cancelled(signal));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    stopListening = () => signal.removeEventListener('abort', onAbort);
  });
}

function cancelled(signal: AbortSignal): Error {
  return createError('call/cancelled', 'the caller cancelled the call', { cause: signal.reason });
}

/** A time-out as it goes on the wire: whole milliseconds, 0 for the command's own. */
export function timeoutOf(options: CallOptions | undefined): number {
  const timeout = options?.timeout;
  if (timeout === undefined) return 0;
  if (!Number.isFinite(timeout) || timeout <= 0) throw createError('call/invalid-option', `timeout must be a positive number of milliseconds, not ${timeout}`);
  return Math.ceil(timeout);
}
