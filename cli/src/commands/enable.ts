/** `plinth enable`. */
import type { RunCommand } from '../command.js';
import { withKernel } from '../project/open-kernel.js';

/** Allows a plugin to run. */
export const run: RunCommand = ([id = ''], options, terminal) =>
  withKernel(
    options,
    terminal,
    async (kernel) => {
      await kernel.plugins.enable(id);
      const { version, state } = kernel.plugins.get(id) ?? {};
      return { data: { id, version, state }, text: `enabled ${id} ${version}` };
    },
    { changes: true },
  );
