/** Connects the parts of a link, which is the only owner of what is created here. */
import { CarriedStreams } from './carried-streams.js';
import type { ControlCalls } from './control-calls.js';
import { DirectPath, nested } from './direct-path.js';
import type { DirectReceiver } from './endpoint.js';
import type { Inbox } from './inbox.js';
import { takeNote } from './incoming-notes.js';
import type { IncomingValues } from './incoming-values.js';
import type { LinkOptions } from './link-options.js';
import type { LinkParts } from './link-parts.js';
import { Outbox } from './outbox.js';
import type { Requests } from './requests.js';
import type { ServedRequests } from './served-requests.js';
import { streamWire } from './stream-frames.js';
import { Streams } from './streams.js';
import { Turn } from './turn.js';
import { failFrame } from './unsent-frames.js';

/** The parts that are created with the ones before them. Read only once frames flow. */
export interface LateParts {
  readonly requests: Requests;
  readonly control: ControlCalls;
}

/** Creates what the parts of a link share. */
export function createLinkParts(
  options: LinkOptions,
  values: IncomingValues,
  late: () => LateParts,
): LinkParts {
  const { endpoint, stacks } = options;
  const streams = new Streams(
    streamWire(() => parts),
    () => late().requests.streamsEnded(),
    options.defer,
    options.watchUnread,
  );
  const carried = new CarriedStreams(streams);
  const outbox = new Outbox({
    endpoint,
    turn: options.turn ?? new Turn(),
    streams: carried,
    stacks,
    peer: options.plugin,
    wanted: (sequence) => late().requests.waits(sequence),
    failed: (kind, sequence, frame, cause) =>
      failFrame({ ...parts, ...late() }, kind, sequence, frame, cause),
  });
  const direct = new DirectPath({ end: endpoint.direct, outbox, values, stacks });
  const parts: LinkParts = { options, values, streams, carried, outbox, direct };
  return parts;
}

/** How the other end in this thread reaches a link. */
export const directReceiver = (
  parts: LinkParts,
  requests: Requests,
  served: ServedRequests,
  inbox: Pick<Inbox, 'empty'>,
): DirectReceiver => ({
  get idle() {
    return inbox.empty;
  },
  streams: parts.carried,
  answerTo: (sequence) => requests.answerTo(sequence),
  request: (sequence, target, meta, input) =>
    served.serve(sequence, target, meta, input, performance.now()),
  settle: (sequence, ok, value) => requests.settleDirectly(sequence, ok, value),
  note: (target, meta, payload) => nested(() => takeNote(parts, target, meta, payload)),
});
