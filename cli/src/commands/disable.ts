/** `plinth disable`. */
import type { RunCommand } from '../command.js';
import { withKernel } from '../project/open-kernel.js';

/** Stops a plugin until it is enabled again. */
export const run: RunCommand = ([id = ''], options, terminal) =>
  withKernel(
    options,
    terminal,
    async (kernel) => {
      await kernel.plugins.disable(id);
      const { version, state } = kernel.plugins.get(id) ?? {};
      return { data: { id, version, state }, text: `disabled ${id} ${version}` };
    },
    { changes: true },
  );
