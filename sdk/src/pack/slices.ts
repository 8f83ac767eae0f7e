/** Work in steps, so that a thread answers meanwhile. */

/** Work that stops between its steps. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** Milliseconds for which one slice may block the thread. */
const SLICE = 8;

/** Does all the work at once. */
export function atOnce<T>(work: Steps<T>): T {
  let step = work.next();
  while (step.done !== true) step = work.next();
  return step.value;
}

/**
 * Does the work in slices of eight milliseconds.
 *
 * @param pause settles after other tasks have run.
 */
export async function inSlices<T>(work: Steps<T>, pause: () => Promise<void>): Promise<T> {
  let since = performance.now();
  for (let step = work.next(); ; step = work.next()) {
    if (step.done === true) return step.value;
    if (performance.now() - since < SLICE) continue;
    await pause();
    since = performance.now();
  }
}
