/** Requests of a guest to the kernel: one promise each, cancelled by the caller's signal. */

import type { CallOptions } from '../contract/contract-types.js';
import { createSharedError, messageOf } from '../contract/errors.js';
import { Op, targetOf } from '../contract/operations.js';
import { A_TIME, isTime } from '../contract/time.js';
import type { Link } from '../rpc/link.js';
import type { Reply } from '../rpc/link-options.js';
import { RemoteStream } from '../rpc/remote-stream.js';
import { unsendable } from '../rpc/value.js';

/** Sends a request to the kernel. Rejects with the kernel's typed error. */
export function requestKernel(
  link: Link,
  target: number,
  input: unknown,
  meta: unknown,
  signal?: AbortSignal,
  about?: string,
): Promise<unknown> {
  if (link.abandoned) return new Promise(() => {});
  if (signal !== undefined && typeof signal?.addEventListener !== 'function')
    return Promise.reject(createSharedError('call/invalid-option', 'a signal is an AbortSignal'));
  if (signal?.aborted) return Promise.reject(cancelled(signal));
  return new Promise((resolve, reject) => {
    const request = new KernelRequest(resolve, reject);
    try {
      link.request(target, input, meta, request);
    } catch (error) {
      throw about === undefined
        ? error
        : unsendable(error, `the input of ${about}`, { command: about, side: 'caller' });
    }
    if (signal !== undefined) request.follow(signal, link);
  });
}

/**
 * {@link requestKernel} about a name. The name travels as a number once it has one; until then as
 * text at the end of `meta`.
 */
export function requestAbout(
  link: Link,
  op: number,
  name: string,
  input: unknown,
  meta: number | readonly unknown[] | undefined,
  signal?: AbortSignal,
): Promise<unknown> {
  const number = link.nameOf(name);
  if (number > 0) return requestKernel(link, targetOf(op, number), input, meta, signal, name);
  const facts = typeof meta === 'object' ? meta : op === Op.emit ? [meta ?? 0] : [0, meta ?? 0];
  return requestKernel(link, op, input, [...facts, name], signal, name);
}

/** Tells the kernel something, one way. Lost when the link is full or closed. */
export function tellKernel(link: Link, op: number, meta: readonly unknown[]): void {
  try {
    link.note(op, undefined, meta);
  } catch {
    // The kernel is gone, or too busy to receive it.
  }
}

/** One pending request of a guest. */
export class KernelRequest implements Reply {
  sequence = 0;
  private readonly resolve: (value: unknown) => void;
  private readonly reject: (error: unknown) => void;
  /** Whether it has settled. */
  over = false;
  private signal: AbortSignal | undefined = undefined;
  private stopListening: (() => void) | undefined = undefined;

  constructor(resolve: (value: unknown) => void, reject: (error: unknown) => void) {
    this.resolve = resolve;
    this.reject = reject;
  }

  settle(ok: boolean, value: unknown): void {
    if (this.over) return;
    this.forget();
    if (this.signal !== undefined && value instanceof RemoteStream) value.follow(this.signal);
    if (ok) this.resolve(value);
    else this.reject(value);
  }

  /** Drops whatever arrives for it from now on. */
  forget(): void {
    this.over = true;
    this.stopListening?.();
  }

  follow(signal: AbortSignal, link: Link): void {
    if (this.over) return;
    this.signal = signal;
    const onAbort = () => {
      this.over = true;
      // A call that was made for one whose deadline has passed is late, too.
      const { code } = (signal.reason ?? {}) as { readonly code?: unknown };
      link.cancel(this.sequence, code === 'call/timeout');
      this.reject(cancelled(signal));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    this.stopListening = () => signal.removeEventListener('abort', onAbort);
  }
}

/** The error of a call whose signal has aborted. */
export function cancelled(signal: AbortSignal): Error {
  return createSharedError('call/cancelled', 'the caller cancelled the call', {
    cause: signal.reason,
  });
}

/** The `meta` of a call: nothing when it is plain, one number when it is only nested in another. */
export function metaOf(
  options: CallOptions | undefined,
  parent: number,
): number | readonly number[] | undefined {
  const timeout = timeoutOf(options);
  if (timeout > 0) return [timeout, parent];
  return parent === 0 ? undefined : parent;
}

/** A time-out as it travels: whole milliseconds, 0 for the command's own. */
export function timeoutOf(options: CallOptions | undefined): number {
  const timeout = options?.timeout;
  if (timeout === undefined) return 0;
  if (!isTime(timeout))
    throw createSharedError(
      'call/invalid-option',
      `timeout must be ${A_TIME}, not ${messageOf(timeout)}`,
    );
  return Math.ceil(timeout);
}
