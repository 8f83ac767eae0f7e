/** One call over a lane, as its caller waits for it. */
import { createSharedError } from '../../contract/errors.js';
import { ownerOf } from '../../contract/names.js';
import type { Deadlines, Timed } from '../../rpc/deadlines.js';
import type { Link } from '../../rpc/link.js';
import type { HandlerCall } from '../handler-call.js';
import { KernelRequest } from '../kernel-calls.js';

/** A call over a lane. The caller enforces its deadline. */
export class LaneRequest extends KernelRequest implements Timed {
  bucket: Timed['bucket'] = undefined;
  slot = 0;
  private readonly id: string;
  private readonly timeout: number;
  private readonly link: Link;
  private readonly deadlines: Deadlines;
  private readonly refuse: (error: unknown) => void;
  private untie: (() => void) | undefined = undefined;

  constructor(
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
    id: string,
    timeout: number,
    link: Link,
    deadlines: Deadlines,
  ) {
    super(resolve, reject);
    this.id = id;
    this.timeout = timeout;
    this.link = link;
    this.deadlines = deadlines;
    this.refuse = reject;
  }

  begin(): void {
    if (!this.over) this.deadlines.add(this, this.timeout);
  }

  /** Cancels this call when its parent call is cancelled. */
  belongTo(parent: HandlerCall): void {
    if (this.over) return;
    this.untie = parent.tie((reason) => {
      if (this.over) return;
      this.forget();
      this.link.cancel(
        this.sequence,
        (reason as { readonly code?: unknown }).code === 'call/timeout',
      );
      this.refuse(
        createSharedError('call/cancelled', `the call of ${this.id} was cancelled`, {
          plugin: ownerOf(this.id),
          details: { command: this.id },
          cause: reason,
        }),
      );
    });
  }

  override forget(): void {
    this.deadlines.remove(this);
    this.untie?.();
    super.forget();
  }

  expire(): void {
    this.forget();
    this.link.cancel(this.sequence, true);
    this.refuse(
      createSharedError('call/timeout', `${this.id} did not answer within ${this.timeout} ms`, {
        plugin: ownerOf(this.id),
        details: { command: this.id, timeout: this.timeout },
      }),
    );
  }
}
