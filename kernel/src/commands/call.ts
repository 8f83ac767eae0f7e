/** One run of a command or hook: its facts, and the single place where it ends. */
import { type CallMeta, type Caller, createError, DEFAULT_TIMEOUT, type ExecutionContext } from '@plinth/sdk/contract';
import type { Deadlines, Reply, Timed } from '@plinth/sdk/rpc';

/** Who the embedding application is. */
export const HOST: Caller = Object.freeze({ kind: 'host', id: 'host' });

/** What a caller may say of its call. */
export interface CallSettings {
  readonly caller: Caller;
  readonly user?: string;
  readonly tenant: string;
  readonly signal?: AbortSignal;
  /** Takes the caller's cancel when it comes over a link: cheaper than a signal. */
  readonly inbound?: { onCancel: ((reason: Error) => void) | undefined };
  /** Milliseconds. */
  readonly timeout: number;
  readonly traceparent?: string;
  readonly onProgress?: (value: unknown) => void;
}

/** What a call needs of the kernel. */
export interface CallServices {
  readonly deadlines: Deadlines;
  nextRequestId(): string;
  /** Told once, when the call has ended. */
  settled(call: KernelCall, ok: boolean, value: unknown, took: number): void;
}

/** Tells whoever works on the call that nobody waits any more. */
export type Cancel = (reason: Error) => void;

/**
 * A call in flight. Made once, passed whole; it settles exactly once: by an answer, its deadline, its caller's signal
 * or the end of the guest that answers it.
 */
export class KernelCall implements Reply, Timed, ExecutionContext {
  readonly id: string;
  readonly caller: Caller;
  readonly user?: string;
  readonly tenant: string;
  readonly timeout: number;
  readonly traceparent?: string;
  readonly started: number;
  readonly #services: CallServices;
  readonly #onProgress: ((value: unknown) => void) | undefined;
  readonly #callerSignal: AbortSignal | undefined;
  #requestId: string | undefined;
  #resolve!: (value: unknown) => void;
  #reject!: (error: unknown) => void;
  #cancel: Cancel | undefined;
  #controller: AbortController | undefined;
  #done = false;
  readonly promise: Promise<unknown>;
  // Links of the deadline list; owned by Deadlines.
  previous: Timed | undefined = undefined;
  next: Timed | undefined = undefined;
  bucket: Timed['bucket'] = undefined;

  constructor(id: string, settings: CallSettings, services: CallServices) {
    this.id = id;
    this.caller = settings.caller;
    if (settings.user !== undefined) this.user = settings.user;
    this.tenant = settings.tenant;
    this.timeout = settings.timeout;
    if (settings.traceparent !== undefined) this.traceparent = settings.traceparent;
    this.#onProgress = settings.onProgress;
    this.#services = services;
    this.started = performance.now();
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    services.deadlines.add(this, settings.timeout, this.started);
    this.#callerSignal = settings.signal;
    if (settings.signal !== undefined) this.#follow(settings.signal);
    if (settings.inbound !== undefined) settings.inbound.onCancel = (reason) => this.#giveUp(reason);
  }

  get requestId(): string {
    this.#requestId ??= this.#services.nextRequestId();
    return this.#requestId;
  }

  get deadline(): number {
    return Date.now() + this.remaining;
  }

  /** Milliseconds left, never below 1. */
  get remaining(): number {
    return Math.max(1, Math.ceil(this.timeout - (performance.now() - this.started)));
  }

  get done(): boolean {
    return this.#done;
  }

  /** Aborts when the call ends before its answer: for handlers of the host and for middleware. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }

  /** Whoever works on the call says how to stop; the latest is told first. */
  onCancel(cancel: Cancel): void {
    const before = this.#cancel;
    this.#cancel =
      before === undefined
        ? cancel
        : (reason) => {
            cancel(reason);
            before(reason);
          };
  }

  settle(ok: boolean, value: unknown): void {
    if (this.#done) return;
    this.#done = true;
    this.#cancel = undefined;
    this.#services.deadlines.remove(this);
    if (this.#callerSignal !== undefined) this.#callerSignal.removeEventListener('abort', this.#onAbort);
    this.#services.settled(this, ok, value, performance.now() - this.started);
    if (ok) this.#resolve(value);
    else this.#reject(value);
  }

  progress(value: unknown): void {
    if (!this.#done) this.#onProgress?.(value);
  }

  expire(): void {
    this.#giveUp(
      createError('call/timeout', `${this.id} did not answer within ${this.timeout} ms`, { plugin: ownerOf(this.id), details: { command: this.id, timeout: this.timeout } }),
    );
  }

  /** The facts as they go on the wire; nothing for a plain call of the host, which is the common case. */
  get meta(): CallMeta | undefined {
    if (this.caller === HOST && this.user === undefined && this.traceparent === undefined && this.timeout === DEFAULT_TIMEOUT) return undefined;
    return this.metaFor(undefined);
  }

  /** The facts with the id of the command or event that a middleware wraps. */
  metaFor(subject: string | undefined): CallMeta {
    const { kind, id, version } = this.caller;
    return [this.requestId, kind, id, version, this.user, this.remaining, this.traceparent, subject];
  }

  readonly #onAbort = (): void => {
    this.#giveUp(
      createError('call/cancelled', `the call of ${this.id} was cancelled`, { plugin: ownerOf(this.id), details: { command: this.id }, cause: this.#callerSignal?.reason }),
    );
  };

  #follow(signal: AbortSignal): void {
    if (signal.aborted) queueMicrotask(this.#onAbort);
    else signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  #giveUp(error: Error): void {
    if (this.#done) return;
    const cancel = this.#cancel;
    this.settle(false, error);
    cancel?.(error);
    this.#controller?.abort(error);
  }
}

const ownerOf = (id: string) => id.slice(0, Math.max(0, id.indexOf(':')));
