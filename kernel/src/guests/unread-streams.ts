/**
 * Ends streams that no reader begins to read within a time. Each is an open resource of the plugin
 * that made it.
 */
import { createError } from '@plinth/sdk/contract';
import type { Deadlines, Timed, WatchUnread } from '@plinth/sdk/rpc';

/** @param after milliseconds; Infinity for never. */
export function watchUnread(deadlines: Deadlines, after: number): WatchUnread | undefined {
  if (after === Number.POSITIVE_INFINITY) return undefined;
  return (stream) => {
    const timed: Timed = {
      bucket: undefined,
      slot: 0,
      expire: () =>
        stream.fail(
          createError('stream/unread', `no reader began to read this stream within ${after} ms`, {
            details: { after },
          }),
        ),
    };
    deadlines.add(timed, after);
    return () => deadlines.remove(timed);
  };
}
