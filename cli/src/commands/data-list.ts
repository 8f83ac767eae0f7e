/** `plinth data list`: what plugins keep. */
import type { RunCommand } from '../command.js';
import { requirePlugin } from '../operate/require-plugin.js';
import { withOperator } from '../operate/with-operator.js';
import { table } from '../terminal/terminal.js';

/** Lists the keys of one plugin, or how many each has; what is left of uninstalled ones too. */
export const run: RunCommand = ([id], options, terminal) =>
  withOperator(options, terminal, async (operator) => {
    if (id !== undefined) {
      await requirePlugin(operator, id, true);
      const keys = await operator.keys(id);
      return { data: { id, keys }, text: keys.length === 0 ? 'no data' : keys.join('\n') };
    }
    const plugins = await operator.kept();
    return {
      data: { plugins },
      text:
        plugins.length === 0
          ? 'no data'
          : table([
              ['plugin', 'keys', 'database', ''],
              ...plugins.map(({ plugin, keys, database, installed }) => [
                plugin,
                String(keys),
                database === undefined ? '' : String(database),
                installed ? '' : 'uninstalled',
              ]),
            ]),
    };
  });
