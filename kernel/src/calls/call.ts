/** One run of a command or hook: its facts, and the single place where it settles. */
import { type Caller, cancelSource, isStreamSource } from '@plinth/sdk/contract';
import { type Link, RemoteStream, type Timed } from '@plinth/sdk/rpc';
import { contained } from '../contained.js';
import {
  cancelledError,
  isLate,
  lateError,
  readable,
  stoppedError,
  withCommand,
} from './call-errors.js';
import { CallFacts, NOTHING } from './call-facts.js';
import { metaOf } from './call-meta.js';
import { DEEP } from './chain.js';
import type {
  CallRequest,
  CallTarget,
  CallWatch,
  Cancel,
  KernelCall,
  Under,
} from './kernel-call.js';
import type { LayerName } from './layers.js';
import type { ServiceResolver, ServiceScope } from './services.js';

// One executor for all promises. A closure for each would be a third of what a call allocates.
let resolveNew!: (value: unknown) => void;
let rejectNew!: (error: unknown) => void;
const capture = (resolve: (value: unknown) => void, reject: (error: unknown) => void): void => {
  resolveNew = resolve;
  rejectNew = reject;
};

/**
 * A call in flight. The hot path creates little else for each call: it avoids closures, timers and
 * private names.
 */
export class Call extends CallFacts implements KernelCall {
  readonly promise: Promise<unknown>;
  parse: KernelCall['parse'] = undefined;
  wrapped = false;
  watch: CallWatch | undefined = undefined;
  relayed = false;
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
  private readonly resolve: (value: unknown) => void;
  private readonly reject: (error: unknown) => void;

  constructor(target: CallTarget, caller: Caller, request: CallRequest | undefined) {
    super(target, caller, request);
    this.promise = new Promise(capture);
    this.resolve = resolveNew;
    this.reject = rejectNew;
    target.services.deadlines.add(this, this.timeout, this.started);
    if (request !== undefined) this.listen(request);
    const parent = request?.parent;
    if (parent !== undefined) parent.adopt(this);
    else if (request?.under !== undefined && request.under.depth >= DEEP)
      request.under.root.adopt(this);
  }

  get under(): Under {
    const { parent, under } = this.request;
    if (under !== undefined) return under;
    if (parent === undefined) return { root: this, depth: 0 };
    const above = parent.under;
    return { root: above.root, depth: above.depth + 1 };
  }

  get signal(): AbortSignal {
    const extras = this.extra();
    extras.controller ??= new AbortController();
    return extras.controller.signal;
  }

  get services(): ServiceResolver {
    const extras = this.extra();
    if (extras.scope === undefined) {
      extras.scope = this.target.services.createScope();
      if (this.ended) this.endScope(extras.scope);
    }
    return extras.scope;
  }

  get over(): boolean {
    return this.ended;
  }

  proceed(input: unknown): Promise<unknown> {
    // A layer that continues after the time-out or cancel gets the rejection.
    if (!this.ended) this.target.provider(this, input);
    return this.promise;
  }

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

  onEnd(task: () => void): void {
    if (this.ended) {
      task();
      return;
    }
    const extras = this.extra();
    extras.ends ??= [];
    extras.ends.push(task);
  }

  sendOver(link: Link, handle: number, input: unknown): void {
    this.link = link;
    link.request(handle, input, metaOf(this, link), this, this.relayed);
  }

  /** Takes the provider's answer. Any later answer is dropped. */
  settle(ok: boolean, value: unknown): void {
    if (this.answered) {
      if (ok && isStreamSource(value)) cancelSource(value).catch(() => {});
      return;
    }
    this.answered = true;
    if (!ok) value = withCommand(readable(value), this.target);
    if (this.request.signal !== undefined && value instanceof RemoteStream)
      value.follow(this.request.signal);
    let good = ok;
    let result = value;
    if (good && this.parse !== undefined) {
      try {
        result = this.parse(value, this.target.owner);
      } catch (error) {
        good = false;
        result = error;
      }
    }
    if (!this.wrapped) this.end(good, result);
    if (good) this.resolve(result);
    else this.reject(result);
  }

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
        (thrown) => {
          const error = readable(thrown);
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
      (this.request.parent ?? this.request.under?.root)?.release(this);
    }
    const scope = this.extras?.scope;
    if (scope !== undefined) this.endScope(scope);
    const ends = this.extras?.ends;
    if (ends !== undefined) for (const end of ends) end();
    // The turn's clock suffices for calls that leave the turn. Others need the exact time.
    const now = services.turn.now();
    const took = (now === this.started ? performance.now() : now) - this.started;
    services.settled(this, ok, value, took);
    this.watch?.ended(ok, value, took);
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
    contained(() => this.request.onProgress?.(value), failed);
  }

  expire(): void {
    this.giveUp(lateError(this, this.answered));
  }

  stop(): void {
    this.giveUp(stoppedError(this.id));
  }

  adopt(child: KernelCall): void {
    if (this.ended) return;
    const extras = this.extra();
    extras.children ??= new Set();
    extras.children.add(child);
  }

  release(child: KernelCall): void {
    this.extras?.children?.delete(child);
  }

  private listen({ signal, inbound }: CallRequest): void {
    if (inbound !== undefined) inbound.onCancel = (reason) => this.giveUp(reason);
    if (signal === undefined) return;
    const onAbort = () => this.giveUp(cancelledError(this.target, signal.reason));
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

  giveUp(error: Error): void {
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
    for (const child of [...extras.children])
      child.giveUp(cancelledError(child.target, error, this.id));
  }
}

/** Whether a value is a call of this kernel's own making. */
export const isCall = (value: unknown): value is KernelCall => value instanceof Call;
