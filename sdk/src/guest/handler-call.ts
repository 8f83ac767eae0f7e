/** The second argument of a handler, built from what the kernel says of the call. Most fields are made when asked for. */
import { type Baggage, type Call, type Caller, DEFAULT_TIMEOUT } from '../contract/call-context.js';
import { type Answered, declaredError } from '../contract/declared-error.js';
import { type CallMeta, highOf, LANE_NUMBERS, nameIn, requestIdOf } from '../contract/protocol.js';
import type { Inbound } from '../rpc/inbound.js';

const HOST: Caller = Object.freeze({ kind: 'host', id: 'host' });

/** What every call of a guest has in common. */
export interface HandlerScope {
  readonly tenant: string;
  /** What request ids begin with. */
  readonly requests: string;
  /** The text behind a name of the kernel. */
  textOf(name: number): string | undefined;
  /** The call or event whose handler runs right now: only until its first `await`, because nobody can tell after that. */
  current: Cause | undefined;
  /** Calls by their signals, for calls that are given one. */
  readonly signals: WeakMap<AbortSignal, HandlerCall>;
  /** What events were emitted for, by what their listeners were told of them. */
  readonly causes: WeakMap<object, EventCause>;
}

/** What a call may be made for. */
export type Cause = HandlerCall | EventCause;

/** An event that was emitted for something: calls of its listeners carry that on. */
export class EventCause {
  /** The kernel's number for it, below 0. */
  readonly sequence: number;
  readonly carries = true;

  constructor(sequence: number) {
    this.sequence = sequence;
  }
}

const NO_BAGGAGE: Baggage = Object.freeze({});

/** One call as its handler sees it. */
export class HandlerCall implements Call {
  private readonly scope: HandlerScope;
  private readonly inbound: Inbound;
  private readonly meta: CallMeta;
  private readonly member: Answered | undefined;
  private tied: Set<(reason: Error) => void> | undefined = undefined;

  constructor(inbound: Inbound, meta: CallMeta, scope: HandlerScope, member?: Answered) {
    this.inbound = inbound;
    this.meta = meta;
    this.scope = scope;
    this.member = member;
  }

  /** The number of this call on the kernel's link, by which calls made for it are tied to it; 0 when it came over a lane. */
  get sequence(): number {
    return typeof this.meta !== 'number' && this.meta[0] >= LANE_NUMBERS ? 0 : this.inbound.sequence;
  }

  /** Whether there is something that calls which are made for this one have to carry on, and only the kernel may say. */
  get carries(): boolean {
    return typeof this.meta !== 'number' && (this.meta[2] !== undefined || this.meta[4] !== undefined || this.meta[5] !== undefined);
  }

  /** How many calls over lanes this one is made for. */
  get depth(): number {
    return typeof this.meta === 'number' ? 0 : (this.meta[8] ?? 0);
  }

  /** Ends something with this call, when that is cancelled; the answer takes it back. */
  tie(cancel: (reason: Error) => void): () => void {
    if (this.tied === undefined) {
      const tied = new Set<(reason: Error) => void>();
      this.tied = tied;
      this.inbound.onCancel = (reason) => {
        for (const one of [...tied]) one(reason);
      };
    }
    const { tied } = this;
    tied.add(cancel);
    return () => void tied.delete(cancel);
  }

  get tenant(): string {
    return this.scope.tenant;
  }

  get requestId(): string {
    return requestIdOf(this.scope.requests, typeof this.meta === 'number' ? highOf(this.meta) : this.meta[0]);
  }

  get caller(): Caller {
    const text = typeof this.meta === 'number' ? (this.scope.textOf(nameIn(this.meta)) ?? '') : this.meta[1];
    if (text === '') return HOST;
    const at = text.lastIndexOf('@');
    return { kind: 'plugin', id: text.slice(0, at), version: text.slice(at + 1) };
  }

  get user(): string | undefined {
    return typeof this.meta === 'number' ? undefined : this.meta[2];
  }

  get deadline(): number {
    return Date.now() + this.remaining;
  }

  /** Milliseconds left, never below 1, whatever becomes of the wall clock. */
  get remaining(): number {
    const given = typeof this.meta === 'number' ? DEFAULT_TIMEOUT : this.meta[3];
    return Math.max(1, Math.ceil(given - (performance.now() - this.inbound.received)));
  }

  get traceparent(): string | undefined {
    return typeof this.meta === 'number' ? undefined : this.meta[4];
  }

  /** Wire id of the command or topic of the event; only middleware is told. */
  get subject(): string {
    return typeof this.meta === 'number' ? '' : (this.meta[6] ?? '');
  }

  /** Number of the middleware step. */
  get step(): number {
    return typeof this.meta === 'number' ? 0 : (this.meta[7] ?? 0);
  }

  get baggage(): Baggage {
    return typeof this.meta === 'number' ? NO_BAGGAGE : (this.meta[5] ?? NO_BAGGAGE);
  }

  get signal(): AbortSignal {
    const { signal } = this.inbound;
    this.scope.signals.set(signal, this);
    return signal;
  }

  progress(value: unknown): void {
    this.inbound.progress(value);
  }

  fail(code: string, data: unknown): never {
    throw declaredError(this.member ?? {}, code, data);
  }
}

/** Runs a handler as the current one. */
export function handling<T>(scope: HandlerScope, call: Cause | undefined, run: () => T): T {
  const before = scope.current;
  scope.current = call;
  try {
    return run();
  } finally {
    scope.current = before;
  }
}

/** What a call is made for: the call or event it is given, or the one that is being handled. */
export function parentOf(scope: HandlerScope, options: { readonly signal?: AbortSignal } | undefined): Cause | undefined {
  if (options === undefined) return scope.current;
  if (options instanceof HandlerCall) return options;
  return scope.causes.get(options) ?? (options.signal === undefined ? undefined : scope.signals.get(options.signal)) ?? scope.current;
}
