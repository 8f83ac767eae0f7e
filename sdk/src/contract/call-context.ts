/** What a handler knows about the call it answers. */
import type { ErrorSchemas, ErrorsOf } from './contract.js';
import type { HandlerFor } from './contract-types.js';
import type { InferInput } from './schema.js';

/**
 * The caller: the embedding application or a plugin. The kernel sets it from the port; the caller
 * can't.
 */
export interface Caller {
  /** `remote`: an extension of the host has brought the call from elsewhere. */
  readonly kind: 'host' | 'plugin' | 'remote';
  /** Plugin id, `host`, or what the extension calls the remote caller. */
  readonly id: string;
  /** Plugin version; absent for the host. */
  readonly version?: string;
}

/** Default time a call may take, in milliseconds. */
export const DEFAULT_TIMEOUT = 30_000;

/** The tenant of a kernel that has no tenants. */
export const DEFAULT_TENANT = 'tenant-0';

/** Small values that travel with a call, by name. */
export type Baggage = Readonly<Record<string, string>>;

/**
 * Facts of the call that the event's emitter was answering, if that call had a user, a trace or
 * baggage.
 */
export interface EventOrigin {
  readonly requestId: string;
  readonly user?: string;
  readonly traceparent?: string;
  readonly baggage?: Baggage;
}

/** Facts of one call, event or hook. The kernel carries them across every hop. */
export interface ExecutionContext {
  readonly requestId: string;
  readonly caller: Caller;
  readonly user?: string | undefined;
  readonly tenant: string;
  /** When the answer is no longer wanted, in milliseconds since the epoch. */
  readonly deadline: number;
  /** W3C trace context of the caller's span, when there is one. */
  readonly traceparent?: string | undefined;
  /** What the outermost caller sent along; empty when it sent nothing. */
  readonly baggage: Baggage;
}

/**
 * The second argument of a handler.
 *
 * `signal` aborts when the caller cancels, the deadline passes or the plugin stops.
 *
 * Nested calls inherit its user, tenant, trace and baggage, end at its deadline, and are cancelled
 * with it. Nested are all calls that the handler makes (in browsers: before its first `await`), and
 * all calls that receive this object or its signal as options. Once the handler has finished,
 * nothing is inherited.
 *
 * @example
 * async add({ text }, call) {
 *   await ctx.storage.set('last', text);
 *   return ctx.needs.search.index({ text }, call);
 * }
 */
export interface Call<E extends ErrorSchemas = Record<never, never>> extends ExecutionContext {
  readonly signal: AbortSignal;
  /** Reports progress to the caller; dropped when the caller doesn't listen. */
  progress(value: unknown): void;
  /**
   * Ends the call with one of the contract's declared errors. Never returns.
   *
   * @throws PluginValidationError `call/undeclared-error`, or `call/invalid-output` for data that
   * its schema refuses synchronously.
   */
  fail<K extends keyof E & string>(code: K, data: InferInput<E[K]>): never;
}

/** What `ctx.provide` takes: one handler for each command and hook of the contract. */
export type Handlers<C> = {
  [K in keyof C as C[K] extends { readonly kind: 'command' | 'hook' } ? K : never]: HandlerFor<
    C[K],
    Call<ErrorsOf<C[K]>>
  >;
};
