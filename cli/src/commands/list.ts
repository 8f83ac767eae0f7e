/** `plinth list`: the plugins of a project. */
import type { RunCommand } from '../command.js';
import type { PluginFacts } from '../operate/operator.js';
import { withOperator } from '../operate/with-operator.js';
import { table } from '../terminal/terminal.js';

/** Lists the plugins. */
export const run: RunCommand = (_, options, terminal) =>
  withOperator(options, terminal, async (operator) => {
    const plugins = (await operator.plugins()).map(shown);
    const rows = plugins.map(({ id, version = '', state, enabled, origin }) => [
      id,
      version,
      enabled ? state : `${state}, disabled`,
      origin,
    ]);
    return {
      data: { plugins },
      text:
        rows.length === 0
          ? 'no plugins: plinth create makes one, plinth install adds one'
          : table([['id', 'version', 'state', 'origin'], ...rows]),
    };
  });

/** What is shown of a plugin. A kernel elsewhere tells more. */
function shown({ id, name, version, state, enabled, origin, error }: PluginFacts) {
  return {
    id,
    ...(name !== undefined && { name }),
    ...(version !== undefined && { version }),
    state,
    enabled,
    origin,
    ...(error && { error }),
  };
}
