/** One run of a command or hook: its facts, and the single place where it ends. */
import {
  type Baggage,
  type CallMeta,
  type Caller,
  callerText,
  cancelSource,
  createError,
  DEFAULT_TIMEOUT,
  type ExecutionContext,
  isStreamSource,
  pairOf,
  PluginError,
  requestIdOf,
} from '@plinth/sdk/contract';
import { type Deadlines, type Link, RemoteStream, type Reply, type Timed, type Turn } from '@plinth/sdk/rpc';
import { blame, type LayerName } from '../middleware/compose.js';
import type { ServiceResolver, ServiceScope } from '../services/container.js';
import type { CommandCounter } from '../telemetry/metrics.js';
import type { Route } from './route.js';

/** Who the embedding application is. */
export const HOST: Caller = Object.freeze({ kind: 'host', id: 'host' });

/** What a caller may say of its call. */
export interface CallRequest {
  readonly user?: string | undefined;
  readonly signal?: AbortSignal;
  /** Takes the caller's cancel when it comes over a link: cheaper than a signal. */
  readonly inbound?: { onCancel: ((reason: Error) => void) | undefined };
  /** Milliseconds; may only shorten what the command allows. */
  readonly timeout?: number | undefined;
  readonly traceparent?: string | undefined;
  readonly baggage?: Baggage | undefined;
  /** The call that this one is made for: it hands on its facts, its deadline and its end. */
  readonly parent?: KernelCall | undefined;
  onProgress?(value: unknown): void;
}

/** What calls need of the kernel. */
export interface CallServices {
  readonly tenant: string;
  /** What request ids begin with. */
  readonly prefix: string;
  readonly deadlines: Deadlines;
  readonly turn: Turn;
  /** Numbers a call. */
  next(): number;
  /** Starts a scope of the application's services. */
  createScope(): ServiceScope;
  /** Takes the failure of foreign code that nobody waits for. */
  report(what: string, error: unknown): void;
  /** Told once, when a call has ended. */
  settled(call: KernelCall, ok: boolean, value: unknown, took: number): void;
}

/** What is called: a command, a hook's handler or an event on its way through middleware. */
export interface CallTarget {
  readonly id: string;
  /** Plugin id, or `host`. */
  readonly owner?: string;
  /** Whether it may answer while it is in its own chain of calls. */
  readonly reentrant?: boolean | undefined;
  readonly services: CallServices;
  /** Milliseconds a call may take; the kernel's default when absent. */
  readonly timeout?: number | undefined;
  /** Totals of its calls, where they are counted by name. */
  readonly counter?: CommandCounter | undefined;
  /** Starts the work of a call; the answer goes to the call. */
  provider(call: KernelCall, input: unknown): void;
}

/** Tells whoever works on the call that nobody waits any more. */
export type Cancel = (reason: Error) => void;

const NOTHING: CallRequest = Object.freeze({});

// One executor for all promises: a closure for each would be a third of what a call allocates.
let resolveNew!: (value: unknown) => void;
let rejectNew!: (error: unknown) => void;
const capture = (resolve: (value: unknown) => void, reject: (error: unknown) => void): void => {
  resolveNew = resolve;
  rejectNew = reject;
};

/** What only some calls need. */
interface Extras {
  cancel: Cancel | undefined;
  giveUpOuter: ((error: unknown) => void) | undefined;
  onAbort: (() => void) | undefined;
  controller: AbortController | undefined;
  /** The application's services for this call alone. */
  scope: ServiceScope | undefined;
  /** Calls that are made for this one and have not ended. */
  children: Set<KernelCall> | undefined;
}

/**
 * A call in flight. Made once, passed whole; it settles exactly once: by an answer, its deadline, its caller's signal
 * or the end of the guest that answers it.
 *
 * The hot path makes one of these a call and hardly anything else, so it avoids closures, timers and private names.
 */
export class KernelCall implements Reply, Timed, ExecutionContext {
  target: CallTarget;
  readonly caller: Caller;
  /** The call's number in this kernel. */
  readonly number: number;
  /** Milliseconds. */
  timeout: number;
  /** Milliseconds of the monotonic clock, as of the turn it was made in. */
  readonly started: number;
  /** The provider's answer, its output parsed. */
  readonly promise: Promise<unknown>;
  /** Parses the output, when the caller holds the contract. */
  parse: ((value: unknown) => unknown) | undefined = undefined;
  /** Which versions of its plugin the caller means. */
  route: Route | undefined = undefined;
  /** Whether middleware stands between the answer and the caller: the end of the chain is then the end of the call. */
  wrapped = false;
  /** Whether the call only passes through: the buffers in its values are nobody's here and may be moved. */
  relayed = false;
  /** The middleware around it, and the layer that it waits for; owned by the chain. */
  layers: readonly LayerName[] | undefined = undefined;
  within: LayerName | undefined = undefined;
  private answered = false;
  private ended = false;
  // Its place among the deadlines; owned by Deadlines.
  bucket: Timed['bucket'] = undefined;
  slot = 0;
  /** Its sequence on the link of the guest that works on it; owned by the link. */
  sequence = 0;
  private link: Link | undefined = undefined;
  private readonly request: CallRequest;
  private readonly resolve: (value: unknown) => void;
  private readonly reject: (error: unknown) => void;
  private extras: Extras | undefined = undefined;

  constructor(target: CallTarget, caller: Caller, request: CallRequest | undefined) {
    const { services, timeout } = target;
    this.target = target;
    this.caller = caller;
    this.number = services.next();
    this.request = request ?? NOTHING;
    const allowed = request?.timeout === undefined ? Math.min(timeout ?? DEFAULT_TIMEOUT, MAX_TIMEOUT) : effectiveTimeout(request.timeout, timeout, target.id);
    const parent = request?.parent;
    this.timeout = parent === undefined ? allowed : Math.min(allowed, parent.remaining);
    this.started = services.turn.now();
    this.promise = new Promise(capture);
    this.resolve = resolveNew;
    this.reject = rejectNew;
    services.deadlines.add(this, this.timeout, this.started);
    if (request !== undefined) this.listen(request);
    if (parent !== undefined) parent.adopt(this);
  }

  get id(): string {
    return this.target.id;
  }

  get user(): string | undefined {
    return this.request.user ?? this.request.parent?.user;
  }

  get traceparent(): string | undefined {
    return this.request.traceparent ?? this.request.parent?.traceparent;
  }

  get baggage(): Baggage {
    return this.request.baggage ?? this.request.parent?.baggage ?? NO_BAGGAGE;
  }

  /** The call that this one is made for. */
  get parent(): KernelCall | undefined {
    return this.request.parent;
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

  /** Aborts when the call ends before its answer: for handlers of the host and for middleware. */
  get signal(): AbortSignal {
    const extras = this.extra();
    extras.controller ??= new AbortController();
    return extras.controller.signal;
  }

  /** The application's services in a scope of this call; they end with it. */
  get services(): ServiceResolver {
    const extras = this.extra();
    if (extras.scope === undefined) {
      extras.scope = this.target.services.createScope();
      if (this.ended) this.endScope(extras.scope);
    }
    return extras.scope;
  }

  /** Whether nobody waits any more: then nothing new may start. */
  get over(): boolean {
    return this.ended;
  }

  /** Lets the provider work, unless nobody waits any more; the answer is {@link promise}. */
  proceed(input: unknown): Promise<unknown> {
    // A layer that goes on after the time-out or cancel finds the rejection.
    if (!this.ended) this.target.provider(this, input);
    return this.promise;
  }

  /** Who answers is known now; the time it allows counts from the beginning of the call. */
  goOnAs(target: CallTarget, input: unknown): void {
    this.target = target;
    const { timeout } = target;
    if (timeout !== undefined && timeout < this.timeout) {
      const { deadlines } = target.services;
      deadlines.remove(this);
      this.timeout = timeout;
      deadlines.add(this, timeout, this.started);
    }
    target.provider(this, input);
  }

  /** Whoever works on the call says how to stop; the latest is told first. */
  onCancel(cancel: Cancel): void {
    const extras = this.extra();
    const before = extras.cancel;
    extras.cancel =
      before === undefined
        ? cancel
        : (reason) => {
            cancel(reason);
            before(reason);
          };
  }

  /** Sends the call to a guest's handler; a cancel then follows over the same link. */
  sendOver(link: Link, handle: number, input: unknown): void {
    this.link = link;
    link.request(handle, input, this.metaFor(link), this, this.relayed);
  }

  /** Takes the provider's answer; whatever comes after the first is dropped. */
  settle(ok: boolean, value: unknown): void {
    if (this.answered) {
      if (ok && isStreamSource(value)) cancelSource(value).catch(() => {});
      return;
    }
    this.answered = true;
    if (!ok) value = withCommand(value, this.target);
    if (this.request.signal !== undefined && value instanceof RemoteStream) value.follow(this.request.signal);
    let good = ok;
    let result = value;
    if (good && this.parse !== undefined) {
      try {
        result = this.parse(value);
      } catch (error) {
        good = false;
        result = error;
      }
    }
    if (!this.wrapped) this.end(good, result);
    if (good) this.resolve(result);
    else this.reject(result);
  }

  /**
   * The middleware around this call has started, and this is its result. When every layer passed the answer through
   * untouched, nothing is added; otherwise the call lasts until the chain's own promise settles.
   */
  follow(result: Promise<unknown>): Promise<unknown> {
    if (result === this.promise && !this.answered) {
      this.wrapped = false;
      return result;
    }
    if (this.ended) {
      result.catch(() => {});
      return this.promise;
    }
    // A layer may have let go of the provider's answer: its failure then belongs to nobody.
    this.promise.catch(() => {});
    return new Promise((resolve, reject) => {
      this.extra().giveUpOuter = reject;
      result.then(
        (value) => {
          this.end(true, value);
          resolve(value);
        },
        (error) => {
          this.end(false, error);
          reject(error);
        },
      );
    });
  }

  /** Lets go of everything that was held for the call, and counts it. */
  private end(ok: boolean, value: unknown): void {
    if (this.ended) return;
    this.ended = true;
    const { services } = this.target;
    services.deadlines.remove(this);
    if (this.request !== NOTHING) {
      this.unlisten();
      this.request.parent?.extras?.children?.delete(this);
    }
    const scope = this.extras?.scope;
    if (scope !== undefined) this.endScope(scope);
    // The turn's clock is good enough for calls that leave the turn; work inside one has to be timed itself.
    const now = services.turn.now();
    services.settled(this, ok, value, (now === this.started ? performance.now() : now) - this.started);
  }

  private endScope(scope: ServiceScope): void {
    scope.dispose().catch((error: unknown) => this.target.services.report(`the services of a call of ${this.id} did not end well`, error));
  }

  progress(value: unknown): void {
    if (this.ended) return;
    try {
      this.request.onProgress?.(value);
    } catch (error) {
      // The listener is the caller's; its failure must not count against whoever reports.
      this.target.services.report(`a progress listener of ${this.id} threw`, error);
    }
  }

  expire(): void {
    const { id: command, timeout } = this;
    const late = `${command} did not answer within ${timeout} ms`;
    const layers = this.answered ? (this.layers ?? []) : this.within === undefined ? [] : [this.within];
    if (layers.length === 0) {
      this.giveUp(createError('call/timeout', late, { plugin: ownerOf(command), details: { command, timeout } }));
      return;
    }
    const names = layers.map(({ name }) => name).join(', ');
    const why = this.answered ? `the middleware around it (${names}) held the answer` : `the middleware ${names} did not go on`;
    const { plugin, details } = blame(layers[0] as LayerName);
    this.giveUp(createError('call/timeout', `${late}: ${why}`, { plugin, details: { ...details, middleware: names, command, timeout } }));
  }

  stop(): void {
    this.giveUp(createError('kernel/stopped', `the kernel stopped before ${this.id} was answered`, { details: { command: this.id } }));
  }

  /**
   * The facts as they go over a link: a number for a plain call, which is the common case.
   *
   * @param subject the id of the command or event that a middleware wraps.
   */
  metaFor(link: Link, subject?: string): CallMeta {
    const { caller, user, traceparent, baggage } = this;
    // A call that was made for another at once has hardly less time than that: it is kept to the millisecond here all the same.
    const usual = this.timeout <= DEFAULT_TIMEOUT && this.timeout > DEFAULT_TIMEOUT - NEGLIGIBLE;
    if (subject === undefined && usual && user === undefined && traceparent === undefined && baggage === NO_BAGGAGE) {
      if (caller.kind === 'host') return pairOf(this.number, 0);
      const name = link.nameOf(textOf(caller));
      if (name > 0) return pairOf(this.number, name);
    }
    return [this.number, callerText(caller), user, this.remaining, traceparent, baggage === NO_BAGGAGE ? undefined : baggage, subject];
  }

  /** A call is made for this one. */
  private adopt(child: KernelCall): void {
    if (this.ended) return;
    const extras = this.extra();
    extras.children ??= new Set();
    extras.children.add(child);
  }

  private extra(): Extras {
    this.extras ??= { cancel: undefined, giveUpOuter: undefined, onAbort: undefined, controller: undefined, scope: undefined, children: undefined };
    return this.extras;
  }

  private listen({ signal, inbound }: CallRequest): void {
    if (inbound !== undefined) inbound.onCancel = (reason) => this.giveUp(reason);
    if (signal === undefined) return;
    const onAbort = () => {
      this.giveUp(createError('call/cancelled', `the call of ${this.id} was cancelled`, { plugin: ownerOf(this.id), details: { command: this.id }, cause: signal.reason }));
    };
    this.extra().onAbort = onAbort;
    if (signal.aborted) queueMicrotask(onAbort);
    else signal.addEventListener('abort', onAbort, { once: true });
  }

  private unlisten(): void {
    const { signal, inbound } = this.request;
    const onAbort = this.extras?.onAbort;
    if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort);
    if (inbound !== undefined) inbound.onCancel = undefined;
  }

  private giveUp(error: Error): void {
    if (this.ended) return;
    this.end(false, error);
    const { extras, link } = this;
    if (!this.answered) {
      this.answered = true;
      this.reject(error);
    }
    extras?.giveUpOuter?.(error);
    extras?.cancel?.(error);
    link?.cancel(this.sequence);
    extras?.controller?.abort(error);
    if (extras?.children === undefined) return;
    for (const child of [...extras.children]) {
      child.giveUp(
        createError('call/cancelled', `the call of ${child.id} was cancelled, because ${this.id} was`, { plugin: ownerOf(child.id), details: { command: child.id }, cause: error }),
      );
    }
  }
}

/** What a provider did that is no error of its own is told with the command that it was asked for. */
function withCommand(error: unknown, { id, owner }: CallTarget): unknown {
  if (!(error instanceof PluginError) || error.details.command !== undefined) return error;
  const unsent = error.code === 'value/invalid' && error.details.side === 'provider';
  if (!unsent && error.code !== 'call/failed') return error;
  const { plugin = owner === 'host' ? undefined : owner, message, details, cause } = error;
  const told = unsent ? message.replace('the answer', `the answer of ${id}`) : `${id} ${message}`;
  return createError(error.code as 'call/failed', told, { plugin, details: { ...details, command: id }, ...(cause !== undefined && { cause }) });
}

const NO_BAGGAGE: Baggage = Object.freeze({});
/** Milliseconds by which a deadline may differ from the usual one before a handler is told. */
const NEGLIGIBLE = 1_000;
/** Longest chain of calls that are made for each other. */
const MAX_DEPTH = 32;

/**
 * Refuses a call that would come back to where its chain has been: whoever waits there would wait for himself.
 *
 * @throws PluginLifecycleError `call/cycle` with the whole path.
 */
export function checkChain(target: CallTarget, parent: KernelCall): void {
  let depth = 1;
  let cycle = false;
  for (let above: KernelCall | undefined = parent; above !== undefined; above = above.parent) {
    depth += 1;
    if (above.target.id === target.id && above.target.owner === target.owner && target.reentrant !== true) cycle = true;
  }
  if (!cycle && depth <= MAX_DEPTH) return;
  const path = [target.id];
  for (let above: KernelCall | undefined = parent; above !== undefined; above = above.parent) path.unshift(above.target.id);
  const shown = path.length > 8 ? [...path.slice(0, 4), '…', ...path.slice(-3)] : path;
  throw createError(
    'call/cycle',
    `${target.id} is not called: ${cycle ? 'its chain of calls has been there already' : `its chain of calls is longer than ${MAX_DEPTH}`} (${shown.join(' → ')})`,
    {
      plugin: target.owner,
      details: { command: target.id, path },
    },
  );
}

// Calls of one guest follow one another.
let lastCaller: Caller | undefined;
let lastText = '';

function textOf(caller: Caller): string {
  if (caller !== lastCaller) {
    lastCaller = caller;
    lastText = callerText(caller);
  }
  return lastText;
}

/** Longest a call may take, in milliseconds: a guest must not be able to make one that never ends. */
const MAX_TIMEOUT = 86_400_000;

/**
 * The shorter of what the caller wants and what the command allows, in milliseconds.
 *
 * @throws PluginValidationError `call/invalid-option`.
 */
export function effectiveTimeout(wanted: number, allowed: number | undefined, id: string): number {
  if (typeof wanted !== 'number' || !Number.isFinite(wanted) || wanted <= 0) {
    throw createError('call/invalid-option', `the timeout of a call of ${id} must be a positive number of milliseconds, not ${String(wanted)}`, { details: { command: id } });
  }
  return Math.min(wanted, allowed ?? MAX_TIMEOUT, MAX_TIMEOUT);
}

const ownerOf = (id: string) => id.slice(0, Math.max(0, id.indexOf(':')));
