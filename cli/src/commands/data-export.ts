/** `plinth data export`: everything that a plugin keeps, in one file. */
import { resolve } from 'node:path';
import type { RunCommand } from '../command.js';
import { writeData } from '../data/data-file.js';
import { writeWhole } from '../files/write-files.js';
import { withKernel } from '../project/open-kernel.js';

/** Writes the data to a file, or to stdout. No plugin runs, so none writes meanwhile. */
export const run: RunCommand = ([id = '', path], options, terminal) =>
  withKernel(
    options,
    terminal,
    async (kernel) => {
      const values = await kernel.storage.of(id).export();
      const text = writeData(id, values);
      if (path === undefined)
        return { data: { id, keys: values.size, export: text }, text: text.trimEnd() };
      const file = resolve(path);
      await writeWhole(file, text, 0o600);
      return {
        data: { id, keys: values.size, file },
        text: `wrote ${values.size} keys of ${id} to ${file}`,
      };
    },
    { idle: true },
  );
