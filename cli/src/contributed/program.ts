/** Where the program meets the commands of plugins. Nothing else is loaded until one is wanted. */
import type { CommandResult } from '../command.js';
import { isProject } from '../project/project-config.js';
import type { Terminal } from '../terminal/terminal.js';

/** Runs the command line if its word is none of the program's own, and there is a project. */
export async function tryContributed(
  args: readonly string[],
  reserved: ReadonlySet<string>,
  terminal: Terminal,
): Promise<{ readonly result: CommandResult | undefined } | undefined> {
  const at = args.findIndex((one) => !one.startsWith('-'));
  const word = args[at];
  if (word === undefined || reserved.has(word) || args.slice(0, at).some((one) => one !== '--json'))
    return undefined;
  const words = args.slice(at + 1);
  const { ownOptions } = await import('./parse-words.js');
  if (!(await isProject(ownOptions(words).project ?? '.'))) return undefined;
  const { runContributed } = await import('./run-contributed.js');
  return { result: await runContributed(word, words, reserved, terminal) };
}

/** The commands of plugins for the help of the program; empty when none are known here. */
export async function contributedHelp(
  args: readonly string[],
  reserved: ReadonlySet<string>,
): Promise<string> {
  const [first] = args.filter((one) => one !== '--json');
  if (first !== undefined && !['-h', '--help', 'help'].includes(first)) return '';
  if (!(await isProject('.'))) return '';
  const { readSnapshot } = await import('./snapshot.js');
  const { named } = await import('./contribution.js');
  const { helpSection } = await import('./help.js');
  return helpSection(named(readSnapshot('.').commands, reserved));
}
