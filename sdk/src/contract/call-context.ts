/** What a handler is told about the call it answers. */
import type { ErrorSchemas, ErrorsOf, HandlerFor } from './contract.js';
import type { InferInput } from './schema.js';

/** Who asked: the embedding application or a plugin. Stamped by the kernel from the port, never by the caller. */
export interface Caller {
  readonly kind: 'host' | 'plugin';
  /** Plugin id, or `host`. */
  readonly id: string;
  /** Plugin version; absent for the host. */
  readonly version?: string;
}

/** Default time a call may take, in milliseconds. */
export const DEFAULT_TIMEOUT = 30_000;

/** The tenant of a kernel that has no tenants. */
export const DEFAULT_TENANT = 'tenant-0';

/** Facts of one call, event or hook, carried by the kernel across every hop. */
export interface ExecutionContext {
  readonly requestId: string;
  readonly caller: Caller;
  readonly user?: string;
  readonly tenant: string;
  /** When the answer stops being wanted, in milliseconds since the epoch. */
  readonly deadline: number;
  /** W3C trace context of the caller's span, when there is one. */
  readonly traceparent?: string;
}

/**
 * The second argument of a handler.
 *
 * `signal` aborts when the caller cancels, the deadline passes or the plugin stops.
 */
export interface Call<E extends ErrorSchemas = Record<never, never>> extends ExecutionContext {
  readonly signal: AbortSignal;
  /** Tells the caller how far the work is; dropped when nobody listens. */
  progress(value: unknown): void;
  /** Ends the call with one of the contract's declared errors. Never returns. */
  fail<K extends keyof E & string>(code: K, data: InferInput<E[K]>): never;
}

/** What `ctx.provide` takes: one handler for each command and hook of the contract. */
export type Handlers<C> = {
  [K in keyof C as C[K] extends { readonly kind: 'command' | 'hook' } ? K : never]: HandlerFor<C[K], Call<ErrorsOf<C[K]>>>;
};
