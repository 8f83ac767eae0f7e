/** Refuses ids of plugins that aren't there: what is done for a misspelt one has no effect. */
import { didYouMean } from '@plinth/sdk/contract';
import { CliError } from '../terminal/cli-error.js';
import type { Operator } from './operator.js';

/**
 * @param kept whether a plugin counts that is uninstalled, and of which something is kept.
 * @throws CliError `plugin/not-found`.
 */
export async function requirePlugin(operator: Operator, id: string, kept = false): Promise<void> {
  if ((await operator.plugin(id)) !== undefined) return;
  const left = kept ? (await operator.kept()).map(({ plugin }) => plugin) : [];
  if (left.includes(id)) return;
  const known = [...(await operator.plugins()).map((one) => one.id), ...left];
  throw new CliError(
    'plugin/not-found',
    `no plugin '${id}' is installed${kept ? ', and nothing is kept of one' : ''}${didYouMean(id, known, [])}`,
    {
      cure: kept
        ? 'plinth list shows the plugins, and plinth data list those of which data is left.'
        : 'plinth list shows the plugins. plinth install adds one.',
      details: { plugin: id },
    },
  );
}
