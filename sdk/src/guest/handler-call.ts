/**
 * The second argument of a handler, built from what the kernel says of the call. Most fields are
 * created on first read.
 */
import { type Baggage, type Call, type Caller, DEFAULT_TIMEOUT } from '../contract/call-context.js';
import {
  type CallMeta,
  highOf,
  LANE_NUMBERS,
  nameIn,
  REMOTE,
  requestIdOf,
} from '../contract/call-facts.js';
import { type Answered, declaredError } from '../contract/declared-error.js';
import { createSharedError } from '../contract/errors.js';
import { OWN_BEHALF } from '../contract/operations.js';
import type { Inbound } from '../rpc/inbound.js';

const HOST: Caller = Object.freeze({ kind: 'host', id: 'host' });

/**
 * Carries a handler's cause across its awaits: a runtime's `AsyncLocalStorage` or an equivalent.
 */
export interface ContextPort {
  /** Runs work, and everything it leads to, with a value. */
  run<T>(value: unknown, work: () => T): T;
  current(): unknown;
}

/** What all calls of a guest share. */
export interface HandlerScope {
  readonly tenant: string;
  /** Prefix of request ids. */
  readonly requests: string;
  /** The text for a name number of the kernel. */
  textOf(name: number): string | undefined;
  /** Carries the current cause. Runtimes without it use {@link current}. */
  readonly context: ContextPort | undefined;
  /** The cause of the handler that runs right now. Known only until its first `await`. */
  current: Cause | undefined;
  /** Calls by their signals, for nested calls that receive a signal. */
  readonly signals: WeakMap<AbortSignal, HandlerCall>;
  /** Causes by the object that is passed as options: for an event, its listener's event info. */
  readonly causes: WeakMap<object, Cause>;
}

/** What nested calls are made for. */
export interface Cause {
  /** The kernel's number for it. */
  readonly sequence: number;
  /** Whether nested calls inherit something that only the kernel may pass on. */
  readonly carries: boolean;
  /** Whether its handler has finished; nothing is nested in it after that. */
  readonly over: boolean;
}

/** The plugin's own behalf. */
const OWN: Cause = Object.freeze({ sequence: OWN_BEHALF, carries: false, over: false });

/**
 * The cause of an event that was emitted inside a call: its listeners' calls inherit that call's
 * facts.
 */
export class EventCause implements Cause {
  readonly sequence: number;
  readonly carries = true;
  over = false;

  constructor(sequence: number) {
    this.sequence = sequence;
  }
}

const NO_BAGGAGE: Baggage = Object.freeze({});

/** One call as its handler sees it. */
export class HandlerCall implements Call, Cause {
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

  /**
   * This call's number on the kernel's link, which nested calls refer to; 0 when it came over a
   * lane.
   */
  get sequence(): number {
    return typeof this.meta !== 'number' && this.meta[0] >= LANE_NUMBERS
      ? 0
      : this.inbound.sequence;
  }

  get over(): boolean {
    return this.inbound.over;
  }

  get carries(): boolean {
    return (
      typeof this.meta !== 'number' &&
      (this.meta[2] !== undefined || this.meta[4] !== undefined || this.meta[5] !== undefined)
    );
  }

  /** How many lane calls this one is nested in. */
  get depth(): number {
    return typeof this.meta === 'number' ? 0 : (this.meta[8] ?? 0);
  }

  /** Cancels something together with this call. Returns a function that undoes the tie. */
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
    return requestIdOf(
      this.scope.requests,
      typeof this.meta === 'number' ? highOf(this.meta) : this.meta[0],
    );
  }

  get caller(): Caller {
    const text =
      typeof this.meta === 'number' ? (this.scope.textOf(nameIn(this.meta)) ?? '') : this.meta[1];
    if (text === '') return HOST;
    if (text.startsWith(REMOTE)) return { kind: 'remote', id: text.slice(REMOTE.length) };
    const at = text.lastIndexOf('@');
    return { kind: 'plugin', id: text.slice(0, at), version: text.slice(at + 1) };
  }

  get user(): string | undefined {
    return typeof this.meta === 'number' ? undefined : this.meta[2];
  }

  get deadline(): number {
    return Date.now() + this.remaining;
  }

  /** Milliseconds left, never below 1, independent of the wall clock. */
  get remaining(): number {
    const given = typeof this.meta === 'number' ? DEFAULT_TIMEOUT : this.meta[3];
    return Math.max(1, Math.ceil(given - (performance.now() - this.inbound.received)));
  }

  get traceparent(): string | undefined {
    return typeof this.meta === 'number' ? undefined : this.meta[4];
  }

  /** Wire id of the command or topic of the event. Only for middleware. */
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

/** Runs something for a cause, or for none. */
export function handling<T>(scope: HandlerScope, call: Cause | undefined, run: () => T): T {
  const { context } = scope;
  if (context !== undefined)
    return call === undefined && context.current() === undefined ? run() : context.run(call, run);
  const before = scope.current;
  scope.current = call;
  try {
    return run();
  } finally {
    scope.current = before;
  }
}

/** Runs something on the plugin's own behalf. Passes it the call options that say so. */
export function onOwnBehalf<T>(scope: HandlerScope, run: (own: object) => T): T {
  const own = Object.freeze({});
  scope.causes.set(own, OWN);
  return handling(scope, OWN, () => run(own));
}

/** The cause of a new call: the call or event in its options, or the one that is being handled. */
export function parentOf(
  scope: HandlerScope,
  options: { readonly signal?: AbortSignal } | undefined,
): Cause | undefined {
  const given = options === undefined ? undefined : givenBy(scope, options);
  if (given !== undefined && !given.over) return given;
  const current =
    scope.context === undefined ? scope.current : (scope.context.current() as Cause | undefined);
  return current?.over ? undefined : current;
}

function givenBy(
  scope: HandlerScope,
  options: { readonly signal?: AbortSignal },
): Cause | undefined {
  if (options instanceof HandlerCall) return options;
  if (options === null || typeof options !== 'object')
    throw createSharedError(
      'call/invalid-option',
      `options are an object, not ${options === null ? 'null' : typeof options}`,
    );
  return (
    scope.causes.get(options) ??
    (options.signal === undefined ? undefined : scope.signals.get(options.signal))
  );
}
