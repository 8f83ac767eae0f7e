/** `plinth rollback`. */
import type { RunCommand } from '../command.js';
import { withOperator } from '../operate/with-operator.js';

/** Takes back the last update. */
export const run: RunCommand = ([id = ''], options, terminal) =>
  withOperator(
    options,
    terminal,
    async (operator) => {
      const changed = await operator.step('rollback', id);
      return { data: { ...changed }, text: `rolled back ${id} ${changed.version}` };
    },
    { changes: true },
  );
