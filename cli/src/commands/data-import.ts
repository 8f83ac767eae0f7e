/** `plinth data import`: gives a plugin what a file of `plinth data export` has. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { RunCommand } from '../command.js';
import { amountOf } from '../data/amount.js';
import { withOperator } from '../operate/with-operator.js';
import { CliError } from '../terminal/cli-error.js';

/** Checks the whole file, and writes all of it or nothing. No plugin of a project runs meanwhile. */
export const run: RunCommand = async ([id = '', path = ''], options, terminal) => {
  const file = resolve(path);
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new CliError('data/unreadable', `${file} can't be read: ${cause.message}`, {
      cause,
      usage: true,
    });
  });
  return withOperator(
    options,
    terminal,
    async (operator) => {
      const moved = await operator.importData(id, file, text);
      return { data: { id, ...moved, file }, text: `imported ${amountOf(moved)} of ${id}` };
    },
    { idle: true },
  );
};
