/** Runs a guest's middleware, one step for each call, until its `next` or its answer. */

import { createError } from '@plinth/sdk/contract';
import type { Link, Reply } from '@plinth/sdk/rpc';
import { isLate } from '../calls/call-errors.js';
import { metaOf } from '../calls/call-meta.js';
import type { KernelCall } from '../calls/kernel-call.js';

/** The value that a guest's `next()` without an argument passes on. */
export const KEEP_INPUT: unique symbol = Symbol('keep input');

/** Continues a call behind the middleware. */
export type Proceed = (input: unknown) => Promise<unknown>;

/** Owns the steps of one guest that wait for its `next`. */
export class MiddlewareSteps {
  readonly #plugin: string;
  readonly #steps = new Map<number, Proceed>();
  #last = 0;

  constructor(plugin: string) {
    this.#plugin = plugin;
  }

  /** What a step continues with. Undefined when the step is over, or was never made. */
  get(step: number): Proceed | undefined {
    return this.#steps.get(step);
  }

  clear(): void {
    this.#steps.clear();
  }

  /** Runs a middleware of the guest as one layer of a chain. */
  run(
    link: Link,
    handle: number,
    call: KernelCall,
    input: unknown,
    next: Proceed,
  ): Promise<unknown> {
    if (call.over)
      return Promise.reject(
        createError('call/cancelled', `the call of ${call.id} is over`, { plugin: this.#plugin }),
      );
    return new Promise((resolve, reject) => {
      const step = ++this.#last;
      let passed: unknown;
      const reply: Reply & { readonly call: KernelCall } = {
        sequence: 0,
        call,
        settle: (ok, value) => {
          this.#steps.delete(step);
          if (ok) resolve(value);
          else reject(this.#shown(call, value, passed));
        },
      };
      this.#steps.set(step, async (changed) => {
        try {
          return await next(changed === KEEP_INPUT ? input : changed);
        } catch (error) {
          passed = error;
          throw error;
        }
      });
      try {
        const meta = metaOf(call, link, call.id) as readonly unknown[];
        link.request(handle, input, [...meta, step], reply);
      } catch (error) {
        this.#steps.delete(step);
        reject(error);
        return;
      }
      call.onCancel((reason) => {
        this.#steps.delete(step);
        link.cancel(reply.sequence, isLate(reason));
        reject(reason);
      });
    });
  }

  /** An error that was only passed on keeps its plugin. Others name the middleware that threw. */
  #shown(call: KernelCall, thrown: unknown, passed: unknown): unknown {
    if (
      passed instanceof Error &&
      thrown instanceof Error &&
      thrown.message === passed.message &&
      thrown.name === passed.name
    )
      return passed;
    if (thrown instanceof Error) {
      const { details } = thrown as { readonly details?: Readonly<Record<string, unknown>> };
      Object.defineProperty(thrown, 'details', {
        value: { ...details, middleware: this.#plugin, around: call.id },
        configurable: true,
        writable: true,
      });
    }
    return thrown;
  }
}
