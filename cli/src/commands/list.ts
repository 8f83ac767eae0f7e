/** `plinth list`: the plugins of a project. */
import type { RunCommand } from '../command.js';
import { withKernel } from '../project/open-kernel.js';
import { table } from '../terminal/terminal.js';

/** Lists the plugins. */
export const run: RunCommand = (_, options, terminal) =>
  withKernel(options, terminal, async (kernel) => {
    const plugins = kernel.plugins
      .list()
      .map(({ id, name, version, state, enabled, origin, error }) => ({
        id,
        ...(name !== undefined && { name }),
        ...(version !== undefined && { version }),
        state,
        enabled,
        origin,
        ...(error !== undefined && { error: { code: error.code, message: error.message } }),
      }));
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
