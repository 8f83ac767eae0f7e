/** `plinth data list`: what plugins keep. */
import type { RunCommand } from '../command.js';
import { withKernel } from '../project/open-kernel.js';
import { table } from '../terminal/terminal.js';

/** Lists the keys of one plugin, or how many each has; what is left of uninstalled ones too. */
export const run: RunCommand = ([id], options, terminal) =>
  withKernel(options, terminal, async (kernel) => {
    if (id !== undefined) {
      const keys = await kernel.storage.of(id).list();
      return { data: { id, keys }, text: keys.length === 0 ? 'no data' : keys.join('\n') };
    }
    const left = await kernel.plugins.leftovers();
    const known = [...new Set(kernel.plugins.list().map((one) => one.id))].filter((one) =>
      /^[a-z][a-z0-9.-]*$/.test(one),
    );
    const plugins = [];
    for (const plugin of known)
      plugins.push({
        plugin,
        keys: (await kernel.storage.of(plugin).list()).length,
        installed: true,
      });
    plugins.push(...left.map(({ plugin, keys }) => ({ plugin, keys, installed: false })));
    return {
      data: { plugins },
      text:
        plugins.length === 0
          ? 'no data'
          : table([
              ['plugin', 'keys', ''],
              ...plugins.map(({ plugin, keys, installed }) => [
                plugin,
                String(keys),
                installed ? '' : 'uninstalled',
              ]),
            ]),
    };
  });
