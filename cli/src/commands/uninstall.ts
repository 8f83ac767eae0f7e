/** `plinth uninstall`: removes a plugin, and with `--purge` everything that is kept under its id. */
import type { RunCommand } from '../command.js';
import { withOperator } from '../operate/with-operator.js';

/** Uninstalls a plugin. */
export const run: RunCommand = ([id = ''], options, terminal) =>
  withOperator(
    options,
    terminal,
    async (operator) => {
      const purge = options.purge === true;
      await operator.uninstall(id, purge);
      const kept = purge ? '' : `; its data is kept: plinth data purge ${id} deletes it`;
      return { data: { id, purged: purge }, text: `uninstalled ${id}${kept}` };
    },
    { changes: true },
  );
