/** Passes each frame of the other side on to what it is for. */
import type { ControlCalls } from './control-calls.js';
import { Kind } from './frames.js';
import type { Taker } from './inbox.js';
import { takeNotes } from './incoming-notes.js';
import type { LinkParts } from './link-parts.js';
import type { Requests } from './requests.js';
import type { ServedRequests } from './served-requests.js';
import { takeEnd, takeItem } from './stream-frames.js';

/** The receivers of frames. */
export interface FrameReceivers {
  readonly link: LinkParts;
  readonly requests: Requests;
  readonly served: ServedRequests;
  readonly control: ControlCalls;
  /** The other side broke the protocol. */
  breach(reason: string): void;
}

/** Owns no frame: each is taken whole, at once. */
export class IncomingFrames implements Taker {
  readonly #parts: FrameReceivers;
  // Read for most frames: fields of its own save a step each.
  readonly #requests: Requests;
  readonly #served: ServedRequests;

  constructor(parts: FrameReceivers) {
    this.#parts = parts;
    this.#requests = parts.requests;
    this.#served = parts.served;
  }

  foreign(message: unknown): void {
    this.#parts.control.refuseForeign(message);
  }

  breach(reason: string): void {
    this.#parts.breach(reason);
  }

  credit(taken: number): void {
    this.#parts.link.outbox.push(Kind.credit, taken);
  }

  /** Passes a frame on to what it is for. */
  take(
    kind: number,
    sequence: number,
    form: number,
    message: readonly unknown[],
    index: number,
    value: number,
    received: number,
  ): void {
    switch (kind) {
      case Kind.request:
        return this.#served.take(sequence, form, message, index, value, received);
      case Kind.reply:
        return this.#requests.takeReply(sequence, form, message, value);
      case Kind.error:
        return this.#requests.settle(sequence, false, message[index + 1]);
      case Kind.note:
        return takeNotes(this.#parts.link, form, message, index, value);
      case Kind.cancel:
        return this.#served.cancel(sequence, form === 1);
      case Kind.progress:
        return this.#requests.takeProgress(sequence, form, message, value);
      case Kind.control:
        return this.#parts.control.takeRequest(message[index + 1]);
      case Kind.controlReply:
        return this.#parts.control.takeReply(message[index + 1]);
      case Kind.credit:
        if (this.#parts.link.outbox.acknowledge(sequence)) return;
        return this.breach('credit for frames that were never sent');
      case Kind.item:
        if (takeItem(this.#parts.link, sequence, form, message, value)) return;
        return this.breach('more items of a stream than were asked for');
      case Kind.end:
        return takeEnd(this.#parts.link, sequence, message[index + 1]);
      case Kind.pull:
        return this.#parts.link.streams.takePull(sequence, message[index + 1]);
      case Kind.stop:
        return this.#parts.link.streams.stopFeed(sequence);
      default:
        if (this.#parts.link.options.lane === undefined)
          return this.breach('a direct lane that was not asked for');
        return this.#parts.link.options.lane(sequence, message[index + 1], message[index + 2]);
    }
  }
}
