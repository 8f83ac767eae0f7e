/** `plinth info`: what a plugin is and can do. */
import type { RunCommand } from '../command.js';
import { withOperator } from '../operate/with-operator.js';
import { CliError } from '../terminal/cli-error.js';
import { toJson } from '../terminal/show-value.js';
import { table } from '../terminal/terminal.js';

/** Shows one plugin. */
export const run: RunCommand = ([id = ''], options, terminal) =>
  withOperator(options, terminal, async (operator) => {
    const found = await operator.plugin(id);
    if (found === undefined)
      throw new CliError('plugin/not-found', `no plugin '${id}' is installed`, {
        cure: 'plinth list shows those that are.',
      });
    const { facts, manifest, commands, data } = found;
    const { name, version, state, enabled, origin, error } = facts;
    const rows: readonly (readonly [string, string])[] = [
      ['id', id],
      ['name', name ?? ''],
      ['version', version ?? ''],
      ['description', manifest?.description ?? ''],
      ['state', enabled ? state : `${state}, disabled`],
      ['origin', origin],
      ['provides', manifest?.provides?.join(', ') ?? ''],
      ['needs', manifest?.needs?.join(', ') ?? ''],
      ['commands', commands.join(', ')],
      ['permissions', manifest === undefined ? '' : toJson(manifest.permissions)],
      ['error', error?.message ?? ''],
    ];
    return {
      data,
      text: table(rows.filter(([, value]) => value !== '')),
    };
  });
