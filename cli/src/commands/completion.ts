/** `plinth completion`: the script that completes command lines of a shell. */
import type { RunCommand } from '../command.js';
import { SCRIPTS, SHELLS } from '../completion/scripts.js';
import { CliError } from '../terminal/cli-error.js';

/** Writes the script of a shell. */
export const run: RunCommand = async ([name]) => {
  const shell = SHELLS.find((one) => one === name);
  if (shell === undefined)
    throw new CliError('cli/usage', `there are scripts for ${SHELLS.join(', ')}, not '${name}'`, {
      usage: true,
    });
  return { data: { shell, script: SCRIPTS[shell] }, text: SCRIPTS[shell].trimEnd() };
};
