/** `plinth data import`: gives a plugin what a file of `plinth data export` has. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Kernel } from '@plinth/host-node';
import { messageOf } from '@plinth/sdk/contract';
import type { RunCommand } from '../command.js';
import { readData } from '../data/data-file.js';
import { withKernel } from '../project/open-kernel.js';
import { CliError } from '../terminal/cli-error.js';

/** Checks the whole file, and writes all of it or nothing. No plugin runs meanwhile. */
export const run: RunCommand = async ([id = '', path = ''], options, terminal) => {
  const file = resolve(path);
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new CliError('data/unreadable', `${file} can't be read: ${cause.message}`, {
      cause,
      usage: true,
    });
  });
  const values = readData(id, file, text);
  return withKernel(
    options,
    terminal,
    async (kernel) => {
      await importAll(kernel.storage.of(id), values);
      return {
        data: { id, keys: values.size, file },
        text: `imported ${values.size} keys of ${id}`,
      };
    },
    { idle: true },
  );
};

type PluginStorage = ReturnType<Kernel['storage']['of']>;

/** Writes the values beside those that are there. When one can't be written, none is changed. */
async function importAll(
  storage: PluginStorage,
  values: ReadonlyMap<string, unknown>,
): Promise<void> {
  const before = await storage.export();
  try {
    await storage.import(values);
  } catch (cause) {
    try {
      await storage.purge();
      await storage.import(before);
    } catch (second) {
      throw new CliError(
        'data/incomplete',
        `the import failed (${messageOf(cause)}), and what was there before could not be put back: ${messageOf(second)}`,
        { cause, cure: 'Repeat the import when the storage works again.' },
      );
    }
    throw cause;
  }
}
