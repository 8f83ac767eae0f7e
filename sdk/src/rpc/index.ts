/** The wire: what kernel, hosts and guests use to speak to each other. Not for plugin authors. */
export { Deadlines, type Timed } from './deadlines.js';
export { type Endpoint, endpointPair, type MessageEventLike } from './endpoint.js';
export { Form, FIXED, headOf, Kind } from './frames.js';
export type { Inbound } from './inbound.js';
export { Link, type LinkOptions, type Reply } from './link.js';
export { DEFAULT_QUEUE, NoteQueue } from './note-queue.js';
export { SharedValue } from './outbox.js';
export { RemoteStream } from './streams.js';
export { transfer } from './transfer.js';
export { Turn } from './turn.js';
export { copyValue, decode, decodeError, decodeValue, type Encoded, encode, encodeValue, sizeOf, type StreamDoor, unreadable, unsendable } from './value.js';
