/** What happens to a frame of this side that cannot be posted: only what it belongs to fails. */
import { createSharedError } from '../contract/errors.js';
import { errorToWire } from '../contract/wire-error.js';
import { failedReply } from './control.js';
import type { ControlCalls } from './control-calls.js';
import { headOf, Kind } from './frames.js';
import type { LinkParts } from './link-parts.js';
import type { Requests } from './requests.js';

/** What this module needs from its link. */
export interface UnsentParts extends Pick<LinkParts, 'options' | 'values' | 'streams'> {
  readonly requests: Requests;
  readonly control: ControlCalls;
}

/** Ends what the frame belongs to with an error, on the side that waits for it. */
export function failFrame(
  { options, values, streams, requests, control }: UnsentParts,
  kind: number,
  sequence: number,
  frame: readonly unknown[],
  cause: unknown,
): void {
  const error = createSharedError(
    'value/invalid',
    'the value cannot cross to another plugin: it cannot be cloned',
    { cause },
  );
  const post = (head: number) =>
    options.endpoint.postMessage([
      headOf(sequence, head),
      errorToWire(error, false, values.encode),
    ]);
  switch (kind) {
    case Kind.request:
      requests.fail(sequence, error);
      break;
    case Kind.reply:
    case Kind.error:
      post(Kind.error);
      break;
    case Kind.item:
      streams.stopFeed(sequence);
      post(Kind.end);
      break;
    case Kind.control:
      control.fail(frame[1], error);
      break;
    case Kind.controlReply:
      options.endpoint.postMessage([headOf(0, Kind.controlReply), failedReply(frame[1], error)]);
      break;
    default:
      options.onUnsent?.(error);
  }
}
