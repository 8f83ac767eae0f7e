/** Messages as bytes, for a guest in a process of its own. The format is in `codec-tags.ts`. */
export { MessageReader, readMessage } from './message-reader.js';
export { MessageWriter } from './message-writer.js';
