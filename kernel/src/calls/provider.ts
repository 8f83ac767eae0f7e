/**
 * What answers a call: a guest over its link, or a function of the host. Both look the same to the
 * rest of the kernel.
 */
import { asPromise, isStreamSource } from '@plinth/sdk/contract';
import {
  copyValue,
  type Link,
  type StreamDoor,
  unreadable,
  unsendable,
  type ValueBounds,
} from '@plinth/sdk/rpc';
import type { KernelCall } from './kernel-call.js';

/** Starts answering a call; the answer goes to the call. */
export type Provider = (call: KernelCall, input: unknown) => void;

/** A handler in a guest, by its number. */
export function guestProvider(link: Link, handle: number): Provider {
  return (call, input) => {
    try {
      call.sendOver(link, handle, input);
    } catch (error) {
      call.settle(
        false,
        unsendable(error, `the input of ${call.id}`, { command: call.id, side: 'caller' }),
      );
    }
  };
}

/**
 * A handler in the host. It gets its own copy of a value, and its answer is checked like a
 * plugin's. A command therefore behaves the same wherever it is answered. Streams need no copy:
 * each reader gets what it makes of the stream.
 */
export function hostProvider(handler: (input: unknown, call: KernelCall) => unknown): Provider {
  return (call, input) => {
    const done = (value: unknown) => {
      try {
        call.settle(true, copyShared(value, call.target.services.bounds));
      } catch (error) {
        call.settle(
          false,
          unsendable(unreadable(error), `the answer of ${call.id}`, {
            command: call.id,
            side: 'provider',
          }),
        );
      }
    };
    let taken: unknown;
    try {
      taken = copyShared(input, call.target.services.bounds);
    } catch (error) {
      call.settle(
        false,
        unsendable(unreadable(error), `the input of ${call.id}`, {
          command: call.id,
          side: 'caller',
        }),
      );
      return;
    }
    try {
      const result = handler(taken, call);
      const promise = asPromise(result);
      if (promise === undefined) done(result);
      else promise.then(done, (error: unknown) => call.settle(false, error));
    } catch (error) {
      call.settle(false, error);
    }
  };
}

/** Streams on their way between two parts of this thread. Each number is used once, at once. */
class HandOver implements StreamDoor {
  readonly isSource = isStreamSource;
  readonly #sources = new Map<number, object>();
  #last = 0;

  open(source: object): number {
    this.#last += 1;
    this.#sources.set(this.#last, source);
    return this.#last;
  }

  accept(stream: number): object {
    const source = this.#sources.get(stream) as object;
    this.#sources.delete(stream);
    return source;
  }
}

const handOver = new HandOver();

/** Copies a value between parts of one thread. A stream in it is handed over as it is. */
export function copyShared(value: unknown, bounds: ValueBounds): unknown {
  return copyValue(value, handOver, handOver, bounds);
}
