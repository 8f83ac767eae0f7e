/** `plinth data purge`: deletes what a plugin keeps. */
import type { RunCommand } from '../command.js';
import { requirePlugin } from '../operate/require-plugin.js';
import { withOperator } from '../operate/with-operator.js';
import { CliError } from '../terminal/cli-error.js';

/** Deletes the data of a plugin, after `--yes`. */
export const run: RunCommand = async ([id = ''], options, terminal) => {
  if (options.yes !== true)
    throw new CliError('cli/usage', `deleting the data of ${id} can't be undone`, {
      usage: true,
      cure: 'Repeat the command with --yes.',
    });
  return withOperator(options, terminal, async (operator) => {
    await requirePlugin(operator, id, true);
    const keys = await operator.purgeData(id);
    return { data: { id, keys }, text: `deleted ${keys} keys of ${id}` };
  });
};
