/** `plinth config get`: the settings of a plugin, and where each comes from. */
import type { RunCommand } from '../command.js';
import type { Settings } from '../operate/operator.js';
import { withOperator } from '../operate/with-operator.js';
import { CliError } from '../terminal/cli-error.js';
import { toJson } from '../terminal/show-value.js';
import { table } from '../terminal/terminal.js';

/** Shows all settings, or one by its path. */
export const run: RunCommand = ([id = '', key], options, terminal) =>
  withOperator(options, terminal, async (operator) => {
    const settings = await operator.settings(id);
    if (key === undefined) return { data: { ...settings }, text: table(rowsOf(settings)) };
    const value = key.split('.').reduce<unknown>((at, part) => Object(at)[part], settings.config);
    if (value === undefined)
      throw new CliError('config/unknown', `${id} has no setting '${key}'`, {
        cure: `plinth config get ${id} shows all of them.`,
      });
    return { data: { value }, text: toJson(value, 2) };
  });

function rowsOf({ layers }: Settings): readonly (readonly string[])[] {
  return Object.entries(layers).map(([path, { value, layer }]) => [path, toJson(value), layer]);
}
