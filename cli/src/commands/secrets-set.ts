/** `plinth secrets set`: gives a plugin a secret, which never stands in a command line. */
import type { RunCommand } from '../command.js';
import { requirePlugin } from '../operate/require-plugin.js';
import { withOperator } from '../operate/with-operator.js';
import { CliError } from '../terminal/cli-error.js';
import { askSecret } from '../terminal/prompts.js';
import { readStdin } from '../terminal/read-input.js';

/** Reads the secret from stdin, or asks for it, and keeps it encrypted. */
export const run: RunCommand = async ([plugin = '', name = ''], options, terminal) => {
  const value = terminal.interactive
    ? await askSecret(`${name} of ${plugin}`)
    : (await readStdin()).replace(/\r?\n$/, '');
  if (value === '')
    throw new CliError('cli/usage', 'there is no secret on stdin', {
      usage: true,
      cure: `plinth secrets set ${plugin} ${name} < file`,
    });
  return withOperator(
    options,
    terminal,
    async (operator) => {
      await requirePlugin(operator, plugin);
      await operator.setSecret(plugin, name, value);
      return { data: { plugin, name }, text: `kept the secret ${name} of ${plugin}` };
    },
    { makeKey: true },
  );
};
