/** One run of a command or hook: its facts, and the single place where it settles. */
import {
  A_TIME,
  asPromise,
  type Baggage,
  type Caller,
  type CallMeta,
  callerText,
  cancelSource,
  createError,
  DEFAULT_TIMEOUT,
  type ExecutionContext,
  isStreamSource,
  isTime,
  PluginError,
  pairOf,
  requestIdOf,
} from '@plinth/sdk/contract';
import {
  type Deadlines,
  type Link,
  RemoteStream,
  type Reply,
  type Timed,
  type Turn,
  type ValueBounds,
} from '@plinth/sdk/rpc';
import type { CommandCounter } from '../telemetry/metrics.js';
import { blame, guardUnavailable, type LayerName } from './layers.js';
import type { Route } from './route.js';
import type { ServiceResolver, ServiceScope } from './services.js';

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

/** From this depth on, calls without a named parent end with the root. */
const DEEP = 8;
/** How deep calls without a named parent may nest. */
const MAX_UNDER = 1_024;

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

/** Tells the code that works on the call that no caller waits any more. */
export type Cancel = (reason: Error) => void;

const NOTHING: CallRequest = Object.freeze({});

// One executor for all promises. A closure for each would be a third of what a call allocates.
let resolveNew!: (value: unknown) => void;
let rejectNew!: (error: unknown) => void;
const capture = (resolve: (value: unknown) => void, reject: (error: unknown) => void): void => {
  resolveNew = resolve;
  rejectNew = reject;
};

/** Facts that only some calls need. */
interface Extras {
  cancel: Cancel | undefined;
  giveUpOuter: ((error: unknown) => void) | undefined;
  onAbort: (() => void) | undefined;
  controller: AbortController | undefined;
  /** The application's services for this call alone. */
  scope: ServiceScope | undefined;
  /** Calls that are made for this one and have not ended. */
  children: Set<KernelCall> | undefined;
  /** What an extension has put in the place of the caller's trace. */
  traceparent: string | undefined;
  /** Run when the call has ended. */
  ends: (() => void)[] | undefined;
}

/**
 * A call in flight, created once and passed whole. It settles exactly once: by an answer, its
 * deadline, its caller's signal, or the end of its guest.
 *
 * The hot path creates little else for each call: it avoids closures, timers and private names.
 */
export class KernelCall implements Reply, Timed, ExecutionContext {
  target: CallTarget;
  readonly caller: Caller;
  /** The call's number in this kernel. */
  readonly number: number;
  /** Milliseconds. */
  timeout: number;
  /** Milliseconds of the monotonic clock, as of the turn that the call was made in. */
  readonly started: number;
  /** The provider's answer, its output parsed. */
  readonly promise: Promise<unknown>;
  /** Parses the output, when the caller holds the contract. */
  parse: ((value: unknown) => unknown) | undefined = undefined;
  /** Which versions of its plugin the caller means. */
  route: Route | undefined = undefined;
  /** Whether middleware runs before the caller. The call then ends when the chain ends. */
  wrapped = false;
  /** Whether the call only passes through: unread buffers in its values may be moved. */
  relayed = false;
  /** The middleware around the call, and the layer that it waits for. Owned by the chain. */
  layers: readonly LayerName[] | undefined = undefined;
  within: LayerName | undefined = undefined;
  private answered = false;
  private ended = false;
  // Its place among the deadlines. Owned by Deadlines.
  bucket: Timed['bucket'] = undefined;
  slot = 0;
  /** Its sequence on the link of the guest that works on it. Owned by the link. */
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
    const allowed =
      request?.timeout === undefined
        ? (timeout ?? DEFAULT_TIMEOUT)
        : effectiveTimeout(request.timeout, timeout, target.id);
    const parent = request?.parent;
    this.timeout = parent === undefined ? allowed : Math.min(allowed, parent.remaining);
    this.started = services.turn.now();
    this.promise = new Promise(capture);
    this.resolve = resolveNew;
    this.reject = rejectNew;
    services.deadlines.add(this, this.timeout, this.started);
    if (request !== undefined) this.listen(request);
    if (parent !== undefined) parent.adopt(this);
    else if (request?.under !== undefined && request.under.depth >= DEEP)
      request.under.root.adopt(this);
  }

  /** The first call of its chain, as far as that is known, and the number of calls in between. */
  get under(): Under {
    const { parent, under } = this.request;
    if (under !== undefined) return under;
    if (parent === undefined) return { root: this, depth: 0 };
    const above = parent.under;
    return { root: above.root, depth: above.depth + 1 };
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

  /** Aborts when the call ends before its answer. For handlers of the host and for middleware. */
  get signal(): AbortSignal {
    const extras = this.extra();
    extras.controller ??= new AbortController();
    return extras.controller.signal;
  }

  /** The application's services in a scope of this call. They end with it. */
  get services(): ServiceResolver {
    const extras = this.extra();
    if (extras.scope === undefined) {
      extras.scope = this.target.services.createScope();
      if (this.ended) this.endScope(extras.scope);
    }
    return extras.scope;
  }

  /** Whether no caller waits any more. Nothing new may start then. */
  get over(): boolean {
    return this.ended;
  }

  /** Starts the provider, unless no caller waits any more. The answer is {@link promise}. */
  proceed(input: unknown): Promise<unknown> {
    // A layer that continues after the time-out or cancel gets the rejection.
    if (!this.ended) this.target.provider(this, input);
    return this.promise;
  }

  /** Sets the provider once it is known. Its time limit counts from the beginning of the call. */
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

  /** Registers how to stop work on the call. The latest registration is told first. */
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

  /** Runs a task when the call has ended, whatever the cause. The task must not throw. */
  onEnd(task: () => void): void {
    if (this.ended) {
      task();
      return;
    }
    const extras = this.extra();
    extras.ends ??= [];
    extras.ends.push(task);
  }

  /** Sends the call to a guest's handler. A cancel then follows over the same link. */
  sendOver(link: Link, handle: number, input: unknown): void {
    this.link = link;
    link.request(handle, input, this.metaFor(link), this, this.relayed);
  }

  /** Takes the provider's answer. Any later answer is dropped. */
  settle(ok: boolean, value: unknown): void {
    if (this.answered) {
      if (ok && isStreamSource(value)) cancelSource(value).catch(() => {});
      return;
    }
    this.answered = true;
    if (!ok) value = withCommand(value, this.target);
    if (this.request.signal !== undefined && value instanceof RemoteStream)
      value.follow(this.request.signal);
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
   * The middleware around this call has started, with this result. If every layer passes the answer
   * through untouched, nothing is added. Else the call lasts until the chain's promise settles.
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
    // A layer may have dropped the provider's answer, so its failure must not go unhandled.
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

  /** Releases everything that was held for the call, and counts the call. */
  private end(ok: boolean, value: unknown): void {
    if (this.ended) return;
    this.ended = true;
    const { services } = this.target;
    services.deadlines.remove(this);
    if (this.request !== NOTHING) {
      this.unlisten();
      (this.request.parent ?? this.request.under?.root)?.extras?.children?.delete(this);
    }
    const scope = this.extras?.scope;
    if (scope !== undefined) this.endScope(scope);
    const ends = this.extras?.ends;
    if (ends !== undefined) for (const end of ends) end();
    // The turn's clock suffices for calls that leave the turn. Others need the exact time.
    const now = services.turn.now();
    services.settled(
      this,
      ok,
      value,
      (now === this.started ? performance.now() : now) - this.started,
    );
  }

  private endScope(scope: ServiceScope): void {
    scope
      .dispose()
      .catch((error: unknown) =>
        this.target.services.report(`the services of a call of ${this.id} did not end well`, error),
      );
  }

  progress(value: unknown): void {
    if (this.ended) return;
    // The listener is the caller's. Its failure must not count against the reporting plugin.
    const failed = (error: unknown) =>
      this.target.services.report(`a progress listener of ${this.id} threw`, error);
    try {
      asPromise(this.request.onProgress?.(value))?.then(undefined, failed);
    } catch (error) {
      failed(error);
    }
  }

  expire(): void {
    const { id: command, timeout } = this;
    const late = `${command} did not answer within ${timeout} ms`;
    const { within } = this;
    if (!this.answered && within?.absence !== undefined) {
      this.giveUp(guardUnavailable(`${late}: it waits for`, within, { command, timeout }));
      return;
    }
    const layers = this.answered
      ? (this.layers ?? [])
      : this.within === undefined
        ? []
        : [this.within];
    if (layers.length === 0) {
      this.giveUp(
        createError('call/timeout', late, {
          plugin: ownerOf(command),
          details: { command, timeout },
        }),
      );
      return;
    }
    const names = layers.map(({ name }) => name).join(', ');
    const why = this.answered
      ? `the middleware around it (${names}) held the answer`
      : `the middleware ${names} did not go on`;
    const { plugin, details } = blame(layers[0] as LayerName);
    this.giveUp(
      createError('call/timeout', `${late}: ${why}`, {
        plugin,
        details: { ...details, middleware: names, command, timeout },
      }),
    );
  }

  stop(): void {
    this.giveUp(
      createError('kernel/stopped', `the kernel stopped before ${this.id} was answered`, {
        details: { command: this.id },
      }),
    );
  }

  /**
   * The facts as they go over a link: a number for a plain call, which is the common case.
   *
   * @param subject the id of the command or event that a middleware wraps.
   */
  metaFor(link: Link, subject?: string): CallMeta {
    const { caller, user, traceparent, baggage } = this;
    // A call made at once for another has almost its time left. It stays exact to the millisecond.
    const usual = this.timeout <= DEFAULT_TIMEOUT && this.timeout > DEFAULT_TIMEOUT - NEGLIGIBLE;
    if (
      subject === undefined &&
      usual &&
      user === undefined &&
      traceparent === undefined &&
      baggage === NO_BAGGAGE
    ) {
      if (caller.kind === 'host') return pairOf(this.number, 0);
      const name = link.nameOf(textOf(caller));
      if (name > 0) return pairOf(this.number, name);
    }
    return [
      this.number,
      callerText(caller),
      user,
      this.remaining,
      traceparent,
      baggage === NO_BAGGAGE ? undefined : baggage,
      subject,
    ];
  }

  /** Registers a call that is made for this one. */
  private adopt(child: KernelCall): void {
    if (this.ended) return;
    const extras = this.extra();
    extras.children ??= new Set();
    extras.children.add(child);
  }

  private extra(): Extras {
    this.extras ??= {
      cancel: undefined,
      giveUpOuter: undefined,
      onAbort: undefined,
      controller: undefined,
      scope: undefined,
      children: undefined,
      traceparent: undefined,
      ends: undefined,
    };
    return this.extras;
  }

  private listen({ signal, inbound }: CallRequest): void {
    if (inbound !== undefined) inbound.onCancel = (reason) => this.giveUp(reason);
    if (signal === undefined) return;
    const onAbort = () => {
      this.giveUp(
        createError('call/cancelled', `the call of ${this.id} was cancelled`, {
          plugin: ownerOf(this.id),
          details: { command: this.id },
          cause: signal.reason,
        }),
      );
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
    link?.cancel(this.sequence, isLate(error));
    extras?.controller?.abort(error);
    if (extras?.children === undefined) return;
    for (const child of [...extras.children]) {
      child.giveUp(
        createError(
          'call/cancelled',
          `the call of ${child.id} was cancelled, because ${this.id} was`,
          { plugin: ownerOf(child.id), details: { command: child.id }, cause: error },
        ),
      );
    }
  }
}

/** Whether a deadline ended the call: its own, or that of the call it was made for. */
export function isLate(error: unknown): boolean {
  const { code, cause } = error as {
    readonly code?: unknown;
    readonly cause?: { readonly code?: unknown };
  };
  return code === 'call/timeout' || cause?.code === 'call/timeout';
}

/** Names the command in a provider's failure that isn't an error of its own. */
function withCommand(error: unknown, { id, owner }: CallTarget): unknown {
  if (!(error instanceof PluginError) || error.details.command !== undefined) return error;
  const unsent = error.code === 'value/invalid' && error.details.side === 'provider';
  if (!unsent && error.code !== 'call/failed') return error;
  const { plugin = owner === 'host' ? undefined : owner, message, details, cause } = error;
  const told = unsent ? message.replace('the answer', `the answer of ${id}`) : `${id} ${message}`;
  return createError(error.code as 'call/failed', told, {
    plugin,
    details: { ...details, command: id },
    ...(cause !== undefined && { cause }),
  });
}

const NO_BAGGAGE: Baggage = Object.freeze({});
/** Milliseconds by which a deadline may differ from the usual one before the handler is told. */
const NEGLIGIBLE = 1_000;
/** Longest chain of calls that are made for each other. */
const MAX_DEPTH = 32;

/**
 * Refuses a call that would return to a provider in its chain, which would wait for itself.
 *
 * @throws PluginLifecycleError `call/cycle` with the whole path.
 */
export function checkChain(target: CallTarget, parent: KernelCall): void {
  let depth = 1;
  let cycle = false;
  for (let above: KernelCall | undefined = parent; above !== undefined; above = above.parent) {
    depth += 1;
    if (
      above.target.id === target.id &&
      above.target.owner === target.owner &&
      target.reentrant !== true
    )
      cycle = true;
  }
  if (!cycle && depth <= MAX_DEPTH) return;
  const path = [target.id];
  for (let above: KernelCall | undefined = parent; above !== undefined; above = above.parent)
    path.unshift(above.target.id);
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

/**
 * What a guest's call without a named parent may belong to. Undefined when that is unknown.
 *
 * @throws PluginLifecycleError `call/cycle` when so many calls nest that only a cycle explains it,
 * PluginCancelledError `call/cancelled` when the root has ended.
 */
export function underOf(open: readonly KernelCall[], plugin: string): Under | undefined {
  const [first] = open;
  if (first === undefined) return undefined;
  let { root, depth } = first.under;
  let several = false;
  for (const one of open) {
    const under = one.under;
    several ||= under.root !== root;
    if (under.depth > depth) ({ root, depth } = under);
  }
  // Takes the deepest: a cycle keeps growing. Nothing proves that this call extends it.
  if (several && depth < DEEP) return undefined;
  if (!several) depth += 1;
  const why = (what: string) =>
    `${plugin} calls on and on for ${root.id}, and doesn't say so: ${what}; pass the call on that a handler gets, as in execute(id, input, call)`;
  const facts = { plugin, details: { command: root.id, depth } };
  if (depth >= MAX_UNDER)
    throw createError('call/cycle', why(`${depth} calls lie under one another`), facts);
  if (depth >= DEEP && root.over)
    throw createError('call/cancelled', why('that call is over'), facts);
  return { root, depth };
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

/**
 * The shorter of what the caller wants and what the command allows, in milliseconds.
 *
 * @throws PluginValidationError `call/invalid-option`.
 */
export function effectiveTimeout(wanted: number, allowed: number | undefined, id: string): number {
  if (!isTime(wanted))
    throw createError(
      'call/invalid-option',
      `the timeout of a call of ${id} must be ${A_TIME}, not ${String(wanted)}`,
      { details: { command: id } },
    );
  return Math.min(wanted, allowed ?? Number.POSITIVE_INFINITY);
}

const ownerOf = (id: string) => id.slice(0, Math.max(0, id.indexOf(':')));
