/** Control calls over a link: those of this side settle when the link closes. */
import { createSharedError } from '../contract/errors.js';
import { type Control, createControl, type Refusal, refusalReply } from './control.js';
import { Kind } from './frames.js';
import type { LinkOptions } from './link-options.js';
import type { Outbox } from './outbox.js';

/** Owns one link's side of the control plane. */
export class ControlCalls {
  readonly #options: LinkOptions;
  readonly #outbox: Outbox;
  readonly #control: Control;
  readonly #waiting = new Set<(error: unknown) => void>();

  constructor(options: LinkOptions, outbox: Outbox) {
    this.#options = options;
    this.#outbox = outbox;
    this.#control = createControl(options.control, {
      plugin: options.plugin,
      stacks: options.stacks,
      postRequest: (message) => outbox.ordered(Kind.control, 0, message),
      postReply: (message) => outbox.push(Kind.controlReply, 0, message),
    });
  }

  /** See `Link.call`. */
  call(method: string, args: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      this.#control.call(method, args).then(
        (value) => {
          this.#waiting.delete(reject);
          resolve(value);
        },
        (error) => {
          this.#waiting.delete(reject);
          reject(error);
        },
      );
    });
  }

  takeRequest(message: unknown): void {
    this.#options.count?.();
    this.#refuse(this.#control.receiveRequest(message));
  }

  takeReply(message: unknown): void {
    this.#refuse(this.#control.receiveReply(message));
  }

  /** A message that is no frame, for instance one meant for a bare Comlink. */
  refuseForeign(message: unknown): void {
    const id = (message as { id?: unknown } | null)?.id;
    this.#refuse({
      reason: 'not a frame',
      ...(typeof id === 'string' && id.length <= 80 && { id }),
    });
  }

  /** A request of this side could not be sent. */
  fail(message: unknown, error: Error): void {
    this.#control.fail(message, error);
  }

  /** No message goes either way any more. Calls still wait. */
  close(): void {
    this.#control.close();
  }

  /** Settles the calls that wait. */
  reject(error: Error): void {
    for (const reject of this.#waiting) reject(error);
    this.#waiting.clear();
  }

  /** Forgets the calls that wait, without settling them; see `Link.abandon`. */
  abandon(): void {
    this.#waiting.clear();
  }

  #refuse(refusal: Refusal | undefined): void {
    if (refusal === undefined) return;
    this.#options.onRefused?.(
      createSharedError('wire/refused', `refused a message: ${refusal.reason}`, {
        plugin: this.#options.plugin,
        details: { reason: refusal.reason },
      }),
    );
    if (refusal.id !== undefined) this.#outbox.push(Kind.controlReply, 0, refusalReply(refusal));
  }
}
