/** `plinth data export`: everything that a plugin keeps, in one file. */
import { resolve } from 'node:path';
import type { RunCommand } from '../command.js';
import { amountOf } from '../data/amount.js';
import { writeWhole } from '../files/write-files.js';
import { requirePlugin } from '../operate/require-plugin.js';
import { withOperator } from '../operate/with-operator.js';

/** Writes the data to a file, or to stdout. No plugin runs, so none writes meanwhile. */
export const run: RunCommand = ([id = '', path], options, terminal) =>
  withOperator(
    options,
    terminal,
    async (operator) => {
      await requirePlugin(operator, id, true);
      const { text, ...moved } = await operator.exportData(id);
      if (path === undefined) return { data: { id, ...moved, export: text }, text: text.trimEnd() };
      const file = resolve(path);
      await writeWhole(file, text, 0o600);
      return {
        data: { id, ...moved, file },
        text: `wrote ${amountOf(moved)} of ${id} to ${file}`,
      };
    },
    { idle: true },
  );
