/** `plinth enable`. */
import type { RunCommand } from '../command.js';
import { withOperator } from '../operate/with-operator.js';

/** Allows a plugin to run. */
export const run: RunCommand = ([id = ''], options, terminal) =>
  withOperator(
    options,
    terminal,
    async (operator) => {
      const changed = await operator.step('enable', id);
      return { data: { ...changed }, text: `enabled ${id} ${changed.version}` };
    },
    { changes: true },
  );
