/** What a call is, what it is for, and what its caller says about it. */
import type { Baggage, Caller, ExecutionContext } from '@plinth/sdk/contract';
import type { Deadlines, Link, Reply, Timed, Turn, ValueBounds } from '@plinth/sdk/rpc';
import type { CommandCounter } from '../telemetry/metrics.js';
import type { LayerName } from './layers.js';
import type { Route } from './route.js';
import type { ServiceResolver, ServiceScope } from './services.js';

/**
 * A call in flight, created once and passed whole. It settles exactly once: by an answer, its
 * deadline, its caller's signal, or the end of its guest.
 */
export interface KernelCall extends Reply, Timed, ExecutionContext {
  readonly target: CallTarget;
  readonly id: string;
  readonly caller: Caller;
  /** The call's number in this kernel. */
  readonly number: number;
  /** Milliseconds. */
  readonly timeout: number;
  /** Milliseconds left, never below 1. */
  readonly remaining: number;
  /** The user that the caller names, or that the call above names. */
  readonly user: string | undefined;
  readonly baggage: Baggage;
  /** Hands the caller what the provider reports on the way. */
  progress(value: unknown): void;
  /** The caller's trace. An extension puts its own span in between. */
  traceparent: string | undefined;
  /** The call that this one is made for. */
  readonly parent: KernelCall | undefined;
  /** Calls that this one is made for. Their callers need the rights to what it does. */
  readonly behalf: readonly KernelCall[];
  /** The same, where they are more than the parent. */
  readonly madeFor: readonly KernelCall[] | undefined;
  /** When it was made, in milliseconds of the monotonic clock. */
  readonly started: number;
  /** The first call of its chain, as far as that is known, and the number of calls in between. */
  readonly under: Under;
  /** The provider's answer, its output parsed. */
  readonly promise: Promise<unknown>;
  /** Whether no caller waits any more. Nothing new may start then. */
  readonly over: boolean;
  /** Aborts when the call ends before its answer. For handlers of the host and for middleware. */
  readonly signal: AbortSignal;
  /** The application's services in a scope of this call. They end with it. */
  readonly services: ServiceResolver;
  /** Parses the output, when the caller holds the contract. */
  parse: ((value: unknown, provider?: string) => unknown) | undefined;
  /** Which versions of its plugin the caller means. */
  route: Route | undefined;
  /** Whether middleware runs before the caller. The call then ends when the chain ends. */
  wrapped: boolean;
  /** Told once when the call has ended, whatever the cause. */
  watch: CallWatch | undefined;
  /** Whether the call only passes through: unread buffers in its values may be moved. */
  relayed: boolean;
  /** The middleware around the call, and the layer that it waits for. Owned by the chain. */
  layers: readonly LayerName[] | undefined;
  within: LayerName | undefined;
  /** Starts the provider, unless no caller waits any more. The answer is {@link promise}. */
  proceed(input: unknown): Promise<unknown>;
  /** Sets the provider once it is known. Its time limit counts from the beginning of the call. */
  goOnAs(target: CallTarget, input: unknown): void;
  /** Registers how to stop work on the call. The latest registration is told first. */
  onCancel(cancel: Cancel): void;
  /** Runs a task when the call has ended, whatever the cause. The task must not throw. */
  onEnd(task: () => void): void;
  /** Sends the call to a guest's handler. A cancel then follows over the same link. */
  sendOver(link: Link, handle: number, input: unknown): void;
  /**
   * The middleware around this call has started, with this result. If every layer passes the answer
   * through untouched, nothing is added. Else the call lasts until the chain's promise settles.
   */
  follow(result: Promise<unknown>): Promise<unknown>;
  /** A call is made for this one, and ends with it. */
  adopt(child: KernelCall): void;
  /** A call that was made for this one has ended. */
  release(child: KernelCall): void;
  /** Ends the call with an error, unless it has ended, and every call that is made for it. */
  giveUp(error: Error): void;
  /** Ends the call because the kernel stops. */
  stop(): void;
}

/** Observes the end of one call. It must not throw. */
export interface CallWatch {
  /** @param took milliseconds. */
  ended(ok: boolean, value: unknown, took: number): void;
}

/** Tells the code that works on the call that no caller waits any more. */
export type Cancel = (reason: Error) => void;

/** The identity of the embedding application. */
export const HOST: Caller = Object.freeze({ kind: 'host', id: 'host' });

/** What a caller may say about its call. */
export interface CallRequest {
  readonly user?: string | undefined;
  readonly signal?: AbortSignal;
  /** Registers the caller's cancel when the call comes over a link. Cheaper than a signal. */
  readonly inbound?: { onCancel: ((reason: Error) => void) | undefined };
  /** Milliseconds. It may only shorten what the command allows. */
  readonly timeout?: number | undefined;
  readonly traceparent?: string | undefined;
  readonly baggage?: Baggage | undefined;
  /** The call that this one is made for. It hands on its facts, its deadline and its end. */
  readonly parent?: KernelCall | undefined;
  /** Calls whose callers need the right to this one, where they are more than the parent. */
  readonly behalf?: readonly KernelCall[] | undefined;
  /** The calls that were open when a call without a parent was made; see {@link Under}. */
  readonly under?: Under | undefined;
  onProgress?(value: unknown): unknown;
}

/**
 * The root of calls that a guest made without naming a parent, where one root can be determined. A
 * long chain of such calls ends when the root ends.
 */
export interface Under {
  readonly root: KernelCall;
  /** The largest possible number of calls in between. */
  readonly depth: number;
}

/** What calls need from the kernel. */
export interface CallServices {
  readonly tenant: string;
  /** The prefix of request ids. */
  readonly prefix: string;
  /** The largest size of a value. */
  readonly bounds: ValueBounds;
  readonly deadlines: Deadlines;
  readonly turn: Turn;
  /** Assigns a call its number. */
  next(): number;
  /** Starts a scope of the application's services. */
  createScope(): ServiceScope;
  /** Takes failures of foreign code that no caller waits for. */
  report(what: string, error: unknown): void;
  /** Called once, when a call has ended. */
  settled(call: KernelCall, ok: boolean, value: unknown, took: number): void;
}

/** The target of a call: a command, a hook's handler, or an event on its way through middleware. */
export interface CallTarget {
  readonly id: string;
  /** Plugin id, or `host`. */
  readonly owner?: string;
  /** Whether it may answer a call while it is in that call's own chain. */
  readonly reentrant?: boolean | undefined;
  readonly services: CallServices;
  /** Milliseconds that a call may take. The kernel's default when absent. */
  readonly timeout?: number | undefined;
  /** Totals of its calls, where they are counted by name. */
  readonly counter?: CommandCounter | undefined;
  /** Starts the work of a call. The answer goes to the call. */
  provider(call: KernelCall, input: unknown): void;
}
