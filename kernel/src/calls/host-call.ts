/** A call as handlers and middleware of the host see it. */
import type { AnyContract, Baggage, Call, Caller, HandlerFor } from '@plinth/sdk';
import { declaredError, type ErrorSchemas, type ErrorsOf } from '@plinth/sdk/contract';
import type { KernelCall } from './kernel-call.js';
import type { ServiceResolver } from './services.js';

/** The second argument of a handler of the host. */
export interface HostCall<E extends ErrorSchemas = Record<never, never>> extends Call<E> {
  /**
   * The application's services in a scope of this call. Its handler and the host's middleware
   * around it share one instance of each `scoped` service. An instance is created on first use.
   * Instances end in reverse order when the call has ended, whatever the outcome. A retry is a call
   * of its own.
   */
  readonly services: ServiceResolver;
}

/** A handler of the host for a command called by id. */
export type HostHandler = { handle(input: unknown, call: HostCall): unknown }['handle'];

/** What `kernel.provide` takes: one handler for each command and hook of the contract. */
export type HostHandlers<C extends AnyContract> = {
  [K in keyof C as C[K] extends { readonly kind: 'command' | 'hook' } ? K : never]: HandlerFor<
    C[K],
    HostCall<ErrorsOf<C[K]>>
  >;
};

/** Its parts are created on first access, because few handlers read any of them. */
export class HostCallView implements HostCall {
  private readonly call: KernelCall;
  private readonly errors: ErrorSchemas;

  constructor(call: KernelCall, errors: ErrorSchemas) {
    this.call = call;
    this.errors = errors;
  }

  get requestId(): string {
    return this.call.requestId;
  }

  get caller(): Caller {
    return this.call.caller;
  }

  get tenant(): string {
    return this.call.tenant;
  }

  get deadline(): number {
    return this.call.deadline;
  }

  get signal(): AbortSignal {
    return this.call.signal;
  }

  get user(): string | undefined {
    return this.call.user;
  }

  get traceparent(): string | undefined {
    return this.call.traceparent;
  }

  get baggage(): Baggage {
    return this.call.baggage;
  }

  get services(): ServiceResolver {
    return this.call.services;
  }

  /** Calls that are made with it are made for this call. */
  get parent(): KernelCall {
    return this.call;
  }

  progress(value: unknown): void {
    this.call.progress(value);
  }

  fail(code: string, data: unknown): never {
    throw declaredError({ id: this.call.id, errors: this.errors }, code, data);
  }
}
