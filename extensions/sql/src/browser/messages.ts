/** What the host and the database worker tell each other. */
import type { Reply, Request } from '../sqlite/protocol.js';

/** The first message to the worker. */
export interface Start {
  /** Bytes that SQLite may take. */
  readonly memory: number;
  /** The name of the lock that the worker holds for as long as it lives. */
  readonly alive: string;
}

/** A message to the worker. */
export type ToWorker = Start | Request | 'end';

/** A message of the worker. */
export type FromWorker = Reply | 'ready' | { readonly failed: string };
