/** `plinth uninstall`: removes a plugin, and with `--purge` everything that is kept under its id. */
import type { RunCommand } from '../command.js';
import { withKernel } from '../project/open-kernel.js';

/** Uninstalls a plugin. */
export const run: RunCommand = ([id = ''], options, terminal) =>
  withKernel(
    options,
    terminal,
    async (kernel) => {
      const purge = options.purge === true;
      await kernel.plugins.uninstall(id, { purge });
      const kept = purge ? '' : `; its data is kept: plinth data purge ${id} deletes it`;
      return { data: { id, purged: purge }, text: `uninstalled ${id}${kept}` };
    },
    { changes: true },
  );
