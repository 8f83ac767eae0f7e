/** The file of what a plugin keeps, as `plinth data` reads it. */
import { DataLinesError, readData as readLines } from '@plinth/kernel/data';
import { CliError } from '../terminal/cli-error.js';
import { printableLine } from '../terminal/printable.js';

/**
 * The values of a file, all of them checked.
 *
 * @param plugin whose data it has to be.
 * @throws CliError `data/invalid`, with the `reason` in its details: `format`, `version`, `plugin`,
 * `cut` or `edited`.
 */
export async function readData(
  plugin: string,
  file: string,
  text: string,
): Promise<ReadonlyMap<string, unknown>> {
  try {
    return await readLines(plugin, text);
  } catch (cause) {
    if (!(cause instanceof DataLinesError)) throw cause;
    const { reason, message } = cause;
    throw new CliError(
      'data/invalid',
      `${file} can't be imported: ${printableLine(message, 256)}`,
      {
        cause,
        details: { file, reason },
        cure: `plinth data export ${plugin} <file> writes one that can.`,
      },
    );
  }
}
