/** Runs code of the application and of extensions, whose faults must not become the kernel's. */
import { asPromise } from '@plinth/sdk/contract';

/**
 * Runs what nothing waits for.
 *
 * @param failed hears what it throws, at once or later.
 */
export function contained(work: () => unknown, failed: (error: unknown) => void): void {
  try {
    heard(work(), failed);
  } catch (error) {
    failed(error);
  }
}

/** Hears the failure of an answer that may be a promise, which would end the process unheard. */
export function heard(answer: unknown, failed: (error: unknown) => void): void {
  asPromise(answer)?.then(undefined, failed);
}

/**
 * Refuses a promise where an answer is used at once: a check that answers later would check nothing.
 *
 * @param what names who answers.
 * @throws TypeError
 */
export function refuseLater(answer: unknown, what: string): void {
  const later = asPromise(answer);
  if (later === undefined) return;
  later.then(undefined, () => {});
  throw new TypeError(`${what} answers a promise, and nothing waits for it`);
}
