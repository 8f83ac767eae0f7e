/** A call as extensions see it, while it runs and when it has ended. */
import type { Caller } from '@plinth/sdk/contract';
import type { CallWatch, KernelCall } from '../calls/kernel-call.js';
import { contained, heard } from '../contained.js';
import type { Observer } from './interest.js';
import type { CallView, MiddlewareView, TargetView } from './views.js';

/**
 * A call as extensions see it. It is a class, so that its parts are made only on request, and
 * without private names, because one is made for each call.
 */
export class CallFacade implements CallView {
  readonly target: TargetView;
  readonly middleware: MiddlewareView | undefined;
  private readonly call: KernelCall;
  protected readonly failed: (error: unknown) => void;

  constructor(
    call: KernelCall,
    target: TargetView,
    failed: (error: unknown) => void,
    middleware?: MiddlewareView,
  ) {
    this.call = call;
    this.target = target;
    this.failed = failed;
    this.middleware = middleware;
  }

  get caller(): Caller {
    return this.call.caller;
  }

  get provider(): string {
    return this.call.target.owner ?? this.target.owner;
  }

  get nested(): boolean {
    return this.call.parent !== undefined;
  }

  get user(): string | undefined {
    return this.call.user;
  }

  get tenant(): string {
    return this.call.tenant;
  }

  get requestId(): string {
    return this.call.requestId;
  }

  get remaining(): number {
    return this.call.remaining;
  }

  get signal(): AbortSignal {
    return this.call.signal;
  }

  get traceparent(): string | undefined {
    return this.call.traceparent;
  }

  set traceparent(value: string | undefined) {
    this.call.traceparent = value;
  }

  onEnd(task: () => unknown): void {
    this.call.onEnd(() => contained(task, this.failed));
  }
}

/** A call that is observed from its beginning to its end. It is the view that the observer gets. */
export class Watched extends CallFacade implements CallWatch {
  private readonly observer: Observer;
  private readonly next: CallWatch | undefined;
  private token: unknown = undefined;

  constructor(
    call: KernelCall,
    target: TargetView,
    failed: (error: unknown) => void,
    observer: Observer,
    next: CallWatch | undefined,
  ) {
    super(call, target, failed);
    this.observer = observer;
    this.next = next;
    try {
      this.token = observer.start(this);
      heard(this.token, failed);
    } catch (error) {
      failed(error);
    }
  }

  ended(ok: boolean, value: unknown, took: number): void {
    try {
      heard(this.observer.end(this, { ok, value, took }, this.token), this.failed);
    } catch (error) {
      this.failed(error);
    }
    this.next?.ended(ok, value, took);
  }
}
