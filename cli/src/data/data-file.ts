/** The file of what a plugin keeps, as `plinth data` reads it. */
import { type DataExport, DataLinesError, readData, readExport } from '@plinth/kernel/data';
import { CliError } from '../terminal/cli-error.js';
import { printableLine } from '../terminal/printable.js';

/**
 * What a file has, all of it checked.
 *
 * @param plugin whose data it has to be.
 * @throws CliError `data/invalid`, with the `reason` in its details: `format`, `version`, `plugin`,
 * `cut` or `edited`.
 */
export function readFileOf(plugin: string, file: string, text: string): Promise<DataExport> {
  return checked(plugin, file, () => readExport(plugin, text));
}

/**
 * The values of a file without a database, all of them checked.
 *
 * @throws CliError as {@link readFileOf}, and with the reason `database` for a file that has one.
 */
export function readValues(
  plugin: string,
  file: string,
  text: string,
): Promise<ReadonlyMap<string, unknown>> {
  return checked(plugin, file, () => readData(plugin, text));
}

async function checked<T>(plugin: string, file: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
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
