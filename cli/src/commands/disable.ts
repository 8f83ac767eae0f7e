/** `plinth disable`. */
import type { RunCommand } from '../command.js';
import { withOperator } from '../operate/with-operator.js';

/** Stops a plugin until it is enabled again. */
export const run: RunCommand = ([id = ''], options, terminal) =>
  withOperator(
    options,
    terminal,
    async (operator) => {
      const changed = await operator.step('disable', id);
      return { data: { ...changed }, text: `disabled ${id} ${changed.version}` };
    },
    { changes: true },
  );
