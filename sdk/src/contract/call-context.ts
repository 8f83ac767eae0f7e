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

/** Small facts that travel with a call, by name. */
export type Baggage = Readonly<Record<string, string>>;

/** What an event was emitted for: facts of the call that its emitter was answering, when that carried a user, a trace or baggage. */
export interface EventOrigin {
  readonly requestId: string;
  readonly user?: string;
  readonly traceparent?: string;
  readonly baggage?: Baggage;
}

/** Facts of one call, event or hook, carried by the kernel across every hop. */
export interface ExecutionContext {
  readonly requestId: string;
  readonly caller: Caller;
  readonly user?: string | undefined;
  readonly tenant: string;
  /** When the answer stops being wanted, in milliseconds since the epoch. */
  readonly deadline: number;
  /** W3C trace context of the caller's span, when there is one. */
  readonly traceparent?: string | undefined;
  /** What the outermost caller has sent along; empty when it sent nothing. */
  readonly baggage: Baggage;
}

/**
 * The second argument of a handler.
 *
 * `signal` aborts when the caller cancels, the deadline passes or the plugin stops.
 *
 * A call that is made for this one carries its user, tenant, trace and baggage on, ends at its deadline, and is cancelled
 * with it. Which calls those are: every one made before the handler's first `await`, and every one that is given this
 * call, or its signal, as options.
 *
 * @example
 * async add({ text }, call) {
 *   await ctx.storage.set('last', text);
 *   return ctx.needs.search.index({ text }, call);
 * }
 */
export interface Call<E extends ErrorSchemas = Record<never, never>> extends ExecutionContext {
  readonly signal: AbortSignal;
  /** Tells the caller how far the work is; dropped when nobody listens. */
  progress(value: unknown): void;
  /**
   * Ends the call with one of the contract's declared errors. Never returns.
   *
   * @throws PluginValidationError `call/undeclared-error`, or `call/invalid-output` for data that its schema refuses at once.
   */
  fail<K extends keyof E & string>(code: K, data: InferInput<E[K]>): never;
}

/** What `ctx.provide` takes: one handler for each command and hook of the contract. */
export type Handlers<C> = {
  [K in keyof C as C[K] extends { readonly kind: 'command' | 'hook' } ? K : never]: HandlerFor<C[K], Call<ErrorsOf<C[K]>>>;
};
