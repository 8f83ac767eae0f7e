/**
 * Reads from a source within a limited time. A server, a disk or a source of the application may
 * never answer.
 */
import { alarm } from '@plinth/sdk/contract';

/** Bounds of reading a package. */
export interface ReadBounds {
  /** Bytes of a file. */
  readonly codeSize: number;
  /** Milliseconds for a file. */
  readonly read: number;
}

/**
 * The result of a read, unless it takes longer than allowed. This doesn't end the read itself. That
 * is up to its reader.
 *
 * @param ms milliseconds; Infinity for no limit.
 * @param late the text of the error.
 */
export async function inTime<T>(
  reading: Promise<T>,
  ms: number,
  late = `it was not read within ${ms} ms ('limits.read')`,
): Promise<T> {
  let clear = () => {};
  const over = new Promise<never>((_, reject) => {
    const waiting = alarm(() => reject(new Error(late)), ms);
    clear = () => waiting.clear();
  });
  try {
    return await Promise.race([reading, over]);
  } finally {
    clear();
  }
}
