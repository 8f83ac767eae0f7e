/** The facts of a call: its target, its caller, its time, and the call that it is made for. */
import { type Baggage, type Caller, DEFAULT_TIMEOUT, requestIdOf } from '@plinth/sdk/contract';
import { effectiveTimeout } from './call-errors.js';
import { type Extras, newExtras } from './call-extras.js';
import { NO_BAGGAGE } from './call-meta.js';
import type { CallRequest, CallTarget, KernelCall } from './kernel-call.js';
import type { Route } from './route.js';

/** The request of a caller that says nothing. One object, so that it is known by identity. */
export const NOTHING: CallRequest = Object.freeze({});

/** What is known of a call from its start. {@link KernelCall} adds how it runs and ends. */
export abstract class CallFacts {
  target: CallTarget;
  readonly caller: Caller;
  /** The call's number in this kernel. */
  readonly number: number;
  /** Milliseconds. */
  timeout: number;
  /** Milliseconds of the monotonic clock, as of the turn that the call was made in. */
  readonly started: number;
  /** Which versions of its plugin the caller means. */
  route: Route | undefined = undefined;
  protected readonly request: CallRequest;
  protected extras: Extras | undefined = undefined;

  /** @throws PluginValidationError `call/invalid-option` for a time-out that is not a time. */
  constructor(target: CallTarget, caller: Caller, request: CallRequest | undefined) {
    const { services, timeout } = target;
    this.target = target;
    this.caller = caller;
    this.number = services.next();
    this.request = request ?? NOTHING;
    const allowed =
      request?.timeout === undefined
        ? (timeout ?? DEFAULT_TIMEOUT)
        : effectiveTimeout(request.timeout, timeout, target.id);
    const parent = request?.parent;
    this.timeout = parent === undefined ? allowed : Math.min(allowed, parent.remaining);
    this.started = services.turn.now();
  }

  get id(): string {
    return this.target.id;
  }

  get user(): string | undefined {
    return this.request.user ?? this.request.parent?.user;
  }

  get traceparent(): string | undefined {
    return this.extras?.traceparent ?? this.request.traceparent ?? this.request.parent?.traceparent;
  }

  /** An extension puts its own span in between. */
  set traceparent(value: string | undefined) {
    this.extra().traceparent = value;
  }

  get baggage(): Baggage {
    return this.request.baggage ?? this.request.parent?.baggage ?? NO_BAGGAGE;
  }

  /** The call that this one is made for. */
  get parent(): KernelCall | undefined {
    return this.request.parent;
  }

  /** Calls that this one is made for. Their callers need the rights to what it does. */
  get behalf(): readonly KernelCall[] {
    const { behalf, parent } = this.request;
    return behalf ?? (parent === undefined ? [] : [parent]);
  }

  get madeFor(): readonly KernelCall[] | undefined {
    return this.request.behalf;
  }

  get tenant(): string {
    return this.target.services.tenant;
  }

  get requestId(): string {
    return requestIdOf(this.target.services.prefix, this.number);
  }

  get deadline(): number {
    return Date.now() + this.remaining;
  }

  /** Milliseconds left, never below 1. */
  get remaining(): number {
    return Math.max(1, Math.ceil(this.timeout - (performance.now() - this.started)));
  }

  protected extra(): Extras {
    this.extras ??= newExtras();
    return this.extras;
  }
}
