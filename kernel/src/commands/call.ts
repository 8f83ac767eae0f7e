/** One run of a command or hook: its facts, and the single place where it ends. */
import { type CallMeta, type Caller, createError, DEFAULT_TIMEOUT, type ExecutionContext } from '@plinth/sdk/contract';
import type { Deadlines, Link, Reply, Timed } from '@plinth/sdk/rpc';

/** Who the embedding application is. */
export const HOST: Caller = Object.freeze({ kind: 'host', id: 'host' });

/** What a caller may say of its call. */
export interface CallRequest {
  readonly user?: string;
  readonly signal?: AbortSignal;
  /** Takes the caller's cancel when it comes over a link: cheaper than a signal. */
  readonly inbound?: { onCancel: ((reason: Error) => void) | undefined };
  /** Milliseconds; may only shorten what the command allows. */
  readonly timeout?: number;
  readonly traceparent?: string;
  readonly onProgress?: (value: unknown) => void;
}

/** What a call needs of the kernel. */
export interface CallServices {
  readonly tenant: string;
  readonly deadlines: Deadlines;
  nextRequestId(): string;
  /** Takes the failure of foreign code that nobody waits for. */
  report(what: string, error: unknown): void;
  /** Told once, when the call has ended. */
  settled(call: KernelCall, ok: boolean, value: unknown, took: number): void;
}

/** Tells whoever works on the call that nobody waits any more. */
export type Cancel = (reason: Error) => void;

const NOTHING: CallRequest = Object.freeze({});

/**
 * A call in flight. Made once, passed whole; it settles exactly once: by an answer, its deadline, its caller's signal
 * or the end of the guest that answers it.
 *
 * The hot path makes one of these a call and nothing else, so it avoids closures, timers and private-name stores.
 */
export class KernelCall implements Reply, Timed, ExecutionContext {
  readonly id: string;
  readonly caller: Caller;
  /** Milliseconds. */
  readonly timeout: number;
  /** Milliseconds of the monotonic clock. */
  readonly started: number;
  /** The provider's answer, its output parsed. */
  readonly promise: Promise<unknown>;
  /** Parses the output, when the caller holds the contract. */
  parse: ((value: unknown) => unknown) | undefined = undefined;
  /** Whether middleware stands between the answer and the caller: the end of the chain is then the end of the call. */
  wrapped = false;
  private answered = false;
  private ended = false;
  private giveUpOuter: ((error: unknown) => void) | undefined = undefined;
  // Links of the deadline list; owned by Deadlines.
  previous: Timed | undefined = undefined;
  next: Timed | undefined = undefined;
  bucket: Timed['bucket'] = undefined;
  private readonly request: CallRequest;
  private readonly services: CallServices;
  private resolve!: (value: unknown) => void;
  private reject!: (error: unknown) => void;
  private known: string | undefined = undefined;
  private cancel: Cancel | undefined = undefined;
  private link: Link | undefined = undefined;
  private sequence = 0;
  private onAbort: (() => void) | undefined = undefined;
  private controller: AbortController | undefined = undefined;

  /** @param allowed milliseconds the command allows; the kernel's default when absent. */
  constructor(id: string, caller: Caller, allowed: number | undefined, request: CallRequest | undefined, services: CallServices) {
    this.id = id;
    this.caller = caller;
    this.request = request ?? NOTHING;
    this.timeout = request?.timeout === undefined ? Math.min(allowed ?? DEFAULT_TIMEOUT, MAX_TIMEOUT) : effectiveTimeout(request.timeout, allowed);
    this.services = services;
    this.started = performance.now();
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    services.deadlines.add(this, this.timeout, this.started);
    if (request !== undefined) this.listen(request);
  }

  get user(): string | undefined {
    return this.request.user;
  }

  get traceparent(): string | undefined {
    return this.request.traceparent;
  }

  get tenant(): string {
    return this.services.tenant;
  }

  get requestId(): string {
    this.known ??= this.services.nextRequestId();
    return this.known;
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
    this.controller ??= new AbortController();
    return this.controller.signal;
  }

  /** Whether nobody waits any more: then nothing new may start. */
  get over(): boolean {
    return this.ended;
  }

  /** Whoever works on the call says how to stop; the latest is told first. */
  onCancel(cancel: Cancel): void {
    const before = this.cancel;
    this.cancel =
      before === undefined
        ? cancel
        : (reason) => {
            cancel(reason);
            before(reason);
          };
  }

  /** A guest works on it: a cancel goes over its link. */
  sentOver(link: Link, sequence: number): void {
    this.link = link;
    this.sequence = sequence;
  }

  /** Takes the provider's answer; whatever comes after the first is dropped. */
  settle(ok: boolean, value: unknown): void {
    if (this.answered) return;
    this.answered = true;
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
    // A layer may have let go of the provider's answer: its failure then belongs to nobody.
    this.promise.catch(() => {});
    return new Promise((resolve, reject) => {
      this.giveUpOuter = reject;
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
    const { services, request } = this;
    services.deadlines.remove(this);
    if (this.onAbort !== undefined) request.signal?.removeEventListener('abort', this.onAbort);
    if (request.inbound !== undefined) request.inbound.onCancel = undefined;
    services.settled(this, ok, value, performance.now() - this.started);
  }

  progress(value: unknown): void {
    if (this.ended) return;
    try {
      this.request.onProgress?.(value);
    } catch (error) {
      // The listener is the caller's; its failure must not count against whoever reports.
      this.services.report(`a progress listener of ${this.id} threw`, error);
    }
  }

  expire(): void {
    this.giveUp(
      createError('call/timeout', `${this.id} did not answer within ${this.timeout} ms`, { plugin: ownerOf(this.id), details: { command: this.id, timeout: this.timeout } }),
    );
  }

  /** The facts as they go on the wire; nothing for a plain call of the host, which is the common case. */
  get meta(): CallMeta | undefined {
    if (this.caller === HOST && this.request === NOTHING && this.timeout === DEFAULT_TIMEOUT) return undefined;
    return this.metaFor(undefined);
  }

  /** The facts with the id of the command or event that a middleware wraps. */
  metaFor(subject: string | undefined): CallMeta {
    const { kind, id, version } = this.caller;
    return [this.requestId, kind, id, version, this.user, this.remaining, this.traceparent, subject];
  }

  private listen({ signal, inbound }: CallRequest): void {
    if (inbound !== undefined) inbound.onCancel = (reason) => this.giveUp(reason);
    if (signal === undefined) return;
    this.onAbort = () => {
      this.giveUp(createError('call/cancelled', `the call of ${this.id} was cancelled`, { plugin: ownerOf(this.id), details: { command: this.id }, cause: signal.reason }));
    };
    if (signal.aborted) queueMicrotask(this.onAbort);
    else signal.addEventListener('abort', this.onAbort, { once: true });
  }

  private giveUp(error: Error): void {
    if (this.ended) return;
    this.end(false, error);
    const { cancel, link } = this;
    if (!this.answered) {
      this.answered = true;
      this.reject(error);
    }
    this.giveUpOuter?.(error);
    cancel?.(error);
    link?.cancel(this.sequence);
    this.controller?.abort(error);
  }
}

/** Longest a call may take, in milliseconds: a guest must not be able to make one that never ends. */
const MAX_TIMEOUT = 86_400_000;

/**
 * The shorter of what the caller wants and what the command allows, in milliseconds.
 *
 * @throws PluginValidationError `call/invalid-option`.
 */
export function effectiveTimeout(wanted: number, allowed: number | undefined): number {
  if (typeof wanted !== 'number' || !Number.isFinite(wanted) || wanted <= 0) {
    throw createError('call/invalid-option', `timeout must be a positive number of milliseconds, not ${String(wanted)}`);
  }
  return Math.min(wanted, allowed ?? MAX_TIMEOUT, MAX_TIMEOUT);
}

const ownerOf = (id: string) => id.slice(0, Math.max(0, id.indexOf(':')));
