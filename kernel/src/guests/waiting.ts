/** Waits for a guest's answer, for a bounded time. */
import { createError } from '@plinth/sdk/contract';
import type { Deadlines, Timed } from '@plinth/sdk/rpc';

/**
 * Resolves to what `start` is told, or to false after so many milliseconds.
 *
 * @param start begins the work, and gets the function that ends the wait.
 */
export function within(
  deadlines: Deadlines,
  milliseconds: number,
  start: (done: (ok: boolean) => void) => void,
): Promise<boolean> {
  return new Promise((resolve) => {
    const timed: Timed = { bucket: undefined, slot: 0, expire: () => resolve(false) };
    deadlines.add(timed, milliseconds);
    start((ok) => {
      deadlines.remove(timed);
      resolve(ok);
    });
  });
}

/** How a method of a guest is waited for. */
export interface Answering {
  readonly plugin: string;
  readonly method: string;
  /** Milliseconds. */
  readonly timeout: number;
  readonly deadlines: Deadlines;
  /** Whether the guest may take any time, because a debugger may hold it. */
  mayWait(): boolean;
  /** Prepares an error to be shown. Answers a promise when that takes time. */
  show(error: unknown): Promise<unknown> | undefined;
}

/** @throws PluginTimeoutError `plugin/timeout`, or what the answer rejects with. */
export function answerOf(
  answer: Promise<unknown>,
  { plugin, method, timeout, deadlines, mayWait, show }: Answering,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timed: Timed = {
      bucket: undefined,
      slot: 0,
      expire: () => {
        if (mayWait()) deadlines.add(timed, timeout);
        else
          reject(
            createError(
              'plugin/timeout',
              `${plugin} did not finish '${method}' within ${timeout} ms`,
              { plugin, details: { method, timeout } },
            ),
          );
      },
    };
    deadlines.add(timed, timeout);
    answer.then(
      (value) => {
        deadlines.remove(timed);
        resolve(value);
      },
      (error) => {
        deadlines.remove(timed);
        const shown = show(error);
        if (shown === undefined) reject(error);
        else void shown.then(() => reject(error));
      },
    );
  });
}
