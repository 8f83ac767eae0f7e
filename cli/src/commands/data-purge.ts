/** `plinth data purge`: deletes what a plugin keeps. */
import type { RunCommand } from '../command.js';
import { withKernel } from '../project/open-kernel.js';
import { CliError } from '../terminal/cli-error.js';

/** Deletes the data of a plugin, after `--yes`. */
export const run: RunCommand = async ([id = ''], options, terminal) => {
  if (options.yes !== true)
    throw new CliError('cli/usage', `deleting the data of ${id} can't be undone`, {
      usage: true,
      cure: 'Repeat the command with --yes.',
    });
  return withKernel(options, terminal, async (kernel) => {
    const { length } = await kernel.storage.of(id).list();
    const left = (await kernel.plugins.leftovers()).some(({ plugin }) => plugin === id);
    // Of an uninstalled plugin there may also be secrets, settings and grants.
    if (left) await kernel.plugins.uninstall(id, { purge: true });
    else await kernel.storage.of(id).purge();
    return { data: { id, keys: length }, text: `deleted ${length} keys of ${id}` };
  });
};
