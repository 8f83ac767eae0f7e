/** The wire: what kernel, hosts and guests use to speak to each other. Not for plugin authors. */
export { Deadlines, type Timed } from './deadlines.js';
export { type Endpoint, endpointPair, type MessageEventLike } from './endpoint.js';
export { headOf, Kind, SLOTS } from './frames.js';
export { type Inbound, Link, type LinkOptions, type Reply } from './link.js';
export { decode, decodeError, decodeValue, type Encoded, encode, encodeValue } from './value.js';
