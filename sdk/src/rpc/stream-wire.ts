/** Items that a reader grants ahead of what it has taken. */
export const WINDOW = 16;

/** Most streams of one direction. */
export const MAX_STREAMS = 8_192;
/**
 * Most streams from answers to one caller, so that its unread streams don't block other callers.
 */
export const MAX_PER_CALLER = 1_024;

/** Runs something in the context that a stream belongs to. */
export type Around = <T>(run: () => T) => T;

/** How stream frames are sent. */
export interface StreamWire {
  /** Throws when the item can't cross. */
  item(stream: number, value: unknown): void;
  end(stream: number, error: unknown): void;
  pull(stream: number, items: number): void;
  stop(stream: number): void;
}

/** Watches a stream. The returned function is called when reading begins or the stream ends. */
export type WatchUnread = (stream: { fail(error: unknown): void }) => () => void;
