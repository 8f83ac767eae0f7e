/** Bounds the time of an extension's work for a plugin. */
import { createError, messageOf } from '@plinth/sdk/contract';
import { inTime } from '../in-time.js';

/**
 * Waits for the work. Its own errors pass as they are.
 *
 * @param what the work, for the message.
 * @param milliseconds the most that it may take.
 * @throws PluginError `extension/failed` for work that hangs.
 */
export async function bounded<T>(
  extension: string,
  what: string,
  plugin: string,
  milliseconds: number,
  work: () => T | Promise<T>,
): Promise<T> {
  let over = false;
  const settled = () => {
    over = true;
  };
  const working = Promise.resolve().then(work);
  working.then(settled, settled);
  try {
    return await inTime(working, milliseconds, `it did not end within ${milliseconds} ms`);
  } catch (cause) {
    if (over) throw cause;
    throw createError(
      'extension/failed',
      `the extension '${extension}' hangs while ${what}: ${messageOf(cause)}`,
      { plugin, details: { extension }, cause },
    );
  }
}
