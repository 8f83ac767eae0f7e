/** The wire between kernel, hosts and guests. Not for plugin authors. */
export {
  boundsOf,
  DEFAULT_BOUNDS,
  MAX_VALUE_BYTES,
  MAX_VALUE_DEPTH,
  NO_BOUNDS,
  type ValueBounds,
} from './bounds.js';
export { Deadlines, type Timed } from './deadlines.js';
export { type Endpoint, endpointPair, type MessageEventLike } from './endpoint.js';
export { FIXED, Form, headOf, Kind } from './frames.js';
export type { Inbound } from './inbound.js';
export { Link } from './link.js';
export type { LinkOptions, Reply } from './link-options.js';
export { DEFAULT_QUEUE, NoteQueue } from './note-queue.js';
export { RemoteStream } from './remote-stream.js';
export { SharedValue } from './shared-value.js';
export type { StreamDoor } from './stream-door.js';
export type { WatchUnread } from './stream-wire.js';
export { transfer } from './transfer.js';
export { Turn } from './turn.js';
export {
  copyValue,
  decode,
  decodeError,
  decodeValue,
  type Encoded,
  encode,
  encodeValue,
  sizeOf,
  unreadable,
  unsendable,
} from './value.js';
