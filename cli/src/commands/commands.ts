/** `plinth commands`: the commands that the plugins of a project add. */
import type { RunCommand } from '../command.js';
import { fullName, named } from '../contributed/contribution.js';
import { takeSnapshot } from '../contributed/snapshot.js';
import { withKernel } from '../project/open-kernel.js';
import { table } from '../terminal/terminal.js';

/** Makes the command. `reserved` are the names of the program's own commands. */
export const listing =
  (reserved: ReadonlySet<string>): RunCommand =>
  (_, options, terminal) =>
    withKernel(options, terminal, async (kernel, project) => {
      const { commands, problems } = await takeSnapshot(kernel, project);
      for (const { plugin, message } of problems)
        terminal.note(`${terminal.paint('yellow', 'warning')} ${plugin} lists nothing: ${message}`);
      const all = named(commands, reserved);
      return {
        data: { commands: all.map((one) => ({ ...one, fullName: fullName(one) })), problems },
        text:
          all.length === 0
            ? 'no commands: no plugin of this project adds one'
            : table(all.map(({ word, plugin, description }) => [word, plugin, description])),
      };
    });
