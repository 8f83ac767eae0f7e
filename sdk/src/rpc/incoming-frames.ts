/** Passes each frame of the other side on to what it is for. */
import type { ControlCalls } from './control-calls.js';
import { Kind } from './frames.js';
import type { Inbox } from './inbox.js';
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
  readonly inbox: Pick<Inbox, 'messageTime'>;
  /** The other side broke the protocol. */
  breach(reason: string): void;
}

/** Owns no frame: each is taken whole, at once. */
export class IncomingFrames {
  readonly #parts: FrameReceivers;

  constructor(parts: FrameReceivers) {
    this.#parts = parts;
  }

  /** Passes a frame on to what it is for. */
  take(
    kind: number,
    sequence: number,
    form: number,
    message: readonly unknown[],
    index: number,
    value: number,
  ): void {
    const { link, requests, served, control, inbox } = this.#parts;
    switch (kind) {
      case Kind.request:
        return served.take(sequence, form, message, index, value, inbox.messageTime);
      case Kind.reply:
        return requests.takeReply(sequence, form, message, value);
      case Kind.error:
        return requests.settle(sequence, false, message[index + 1]);
      case Kind.note:
        return takeNotes(link, form, message, index, value);
      case Kind.cancel:
        return served.cancel(sequence, form === 1);
      case Kind.progress:
        return requests.takeProgress(sequence, form, message, value);
      case Kind.control:
        return control.takeRequest(message[index + 1]);
      case Kind.controlReply:
        return control.takeReply(message[index + 1]);
      case Kind.credit:
        if (link.outbox.acknowledge(sequence)) return;
        return this.#parts.breach('credit for frames that were never sent');
      case Kind.item:
        if (takeItem(link, sequence, form, message, value)) return;
        return this.#parts.breach('more items of a stream than were asked for');
      case Kind.end:
        return takeEnd(link, sequence, message[index + 1]);
      case Kind.pull:
        return link.streams.takePull(sequence, message[index + 1]);
      case Kind.stop:
        return link.streams.stopFeed(sequence);
      default:
        if (link.options.lane === undefined)
          return this.#parts.breach('a direct lane that nobody asked for');
        return link.options.lane(sequence, message[index + 1], message[index + 2]);
    }
  }
}
