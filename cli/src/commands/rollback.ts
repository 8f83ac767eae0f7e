/** `plinth rollback`. */
import type { RunCommand } from '../command.js';
import { withKernel } from '../project/open-kernel.js';

/** Takes back the last update. */
export const run: RunCommand = ([id = ''], options, terminal) =>
  withKernel(
    options,
    terminal,
    async (kernel) => {
      await kernel.plugins.rollback(id);
      const { version, state } = kernel.plugins.get(id) ?? {};
      return { data: { id, version, state }, text: `rolled back ${id} ${version}` };
    },
    { changes: true },
  );
