/** `plinth info`: what a plugin is and can do. */
import type { RunCommand } from '../command.js';
import { withKernel } from '../project/open-kernel.js';
import { CliError } from '../terminal/cli-error.js';
import { plainOf, toJson } from '../terminal/show-value.js';
import { table } from '../terminal/terminal.js';

/** Shows one plugin. */
export const run: RunCommand = ([id = ''], options, terminal) =>
  withKernel(options, terminal, async (kernel) => {
    const found = kernel.plugins.get(id);
    if (found === undefined)
      throw new CliError('plugin/not-found', `no plugin '${id}' is installed`, {
        cure: 'plinth list shows the plugins of this project.',
      });
    const { name, version, state, enabled, origin, manifest, error } = found;
    const capabilities = manifest === undefined ? undefined : kernel.plugins.capabilities(id);
    const commands = capabilities?.commands.map((command) => command.id) ?? [];
    const rows: readonly (readonly [string, string])[] = [
      ['id', id],
      ['name', name ?? ''],
      ['version', version ?? ''],
      ['description', manifest?.description ?? ''],
      ['state', enabled ? state : `${state}, disabled`],
      ['origin', origin],
      ['provides', manifest?.provides?.join(', ') ?? ''],
      ['needs', manifest?.needs.join(', ') ?? ''],
      ['commands', commands.join(', ')],
      ['permissions', manifest === undefined ? '' : toJson(manifest.permissions)],
      ['error', error?.message ?? ''],
    ];
    return {
      data: { plugin: plainOf(found), capabilities: plainOf(capabilities) },
      text: table(rows.filter(([, value]) => value !== '')),
    };
  });
