/** `plinth config get`: the settings of a plugin, and where each comes from. */
import type { RunCommand } from '../command.js';
import { withKernel } from '../project/open-kernel.js';
import { CliError } from '../terminal/cli-error.js';
import { toJson } from '../terminal/show-value.js';
import { table } from '../terminal/terminal.js';

/** Shows all settings, or one by its path. */
export const run: RunCommand = ([id = '', key], options, terminal) =>
  withKernel(options, terminal, async (kernel) => {
    const layers = kernel.config.layers(id);
    if (key === undefined)
      return {
        data: { config: kernel.config.get(id), layers },
        text: table(
          Object.entries(layers).map(([path, { value, layer }]) => [path, toJson(value), layer]),
        ),
      };
    const value = key
      .split('.')
      .reduce<unknown>((at, part) => Object(at)[part], kernel.config.get(id));
    if (value === undefined)
      throw new CliError('config/unknown', `${id} has no setting '${key}'`, {
        cure: `plinth config get ${id} shows all of them.`,
      });
    return { data: { value }, text: toJson(value, 2) };
  });
