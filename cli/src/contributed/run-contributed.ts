/** Runs a command that a plugin adds, in the plugin's guest. */
import { didYouMean } from '@plinth/sdk/contract';
import { CliCommands } from '@plinth/sdk/contracts';
import type { CommandResult } from '../command.js';
import { withKernel } from '../project/open-kernel.js';
import { CliError } from '../terminal/cli-error.js';
import { millisecondsOf } from '../terminal/numbers.js';
import { printable } from '../terminal/printable.js';
import type { Terminal } from '../terminal/terminal.js';
import { type Collected, collect } from './collect.js';
import { fullName, type NamedContribution, named } from './contribution.js';
import { helpOf } from './help.js';
import { ownOptions, parseWords } from './parse-words.js';
import { takeSnapshot } from './snapshot.js';

/**
 * Runs a command by its word, or by `<plugin>:<name>`.
 *
 * @throws CliError `cli/usage` for a word that no plugin of the project has, or several have.
 */
export function runContributed(
  word: string,
  words: readonly string[],
  reserved: ReadonlySet<string>,
  terminal: Terminal,
): Promise<CommandResult | undefined> {
  const { help, project, timeout } = ownOptions(words);
  const limit = timeout === undefined ? undefined : millisecondsOf(timeout, '--timeout');
  return withKernel({ project }, terminal, async (kernel, opened) => {
    const colon = word.indexOf(':');
    // Where a command names its plugin, no other one is waited for.
    const collected =
      colon < 0 ? await takeSnapshot(kernel, opened) : await collect(kernel, word.slice(0, colon));
    const command = find(word, collected, reserved);
    if (help) return { data: { command }, text: helpOf(command) };
    const { args, options } = parseWords(command, words);
    const { exitCode, stdout, stderr } = await kernel
      .client(CliCommands, { provider: command.plugin })
      .run(
        { name: command.name, args: [...args], options },
        limit === undefined ? {} : { timeout: limit },
      );
    const data = { exitCode, stdout, stderr };
    if (terminal.json) return { data, text: '', exitCode };
    write(process.stdout, stdout);
    write(process.stderr, stderr);
    return { data, text: '', exitCode, written: true };
  });
}

/** Writes the text of a plugin. A terminal gets no control characters; a file gets what was written. */
function write(stream: NodeJS.WriteStream, text: string): void {
  if (text !== '') stream.write(stream.isTTY ? printable(text.replaceAll('\r\n', '\n')) : text);
}

function find(
  word: string,
  { commands, problems }: Collected,
  reserved: ReadonlySet<string>,
): NamedContribution {
  const all = named(commands, reserved);
  const found = all.find((one) => one.word === word || fullName(one) === word);
  if (found !== undefined) return { ...found, word };
  const same = all.filter(({ name }) => name === word).map(fullName);
  const silent = problems.map(({ plugin, message }) => `${plugin}: ${message}`);
  throw new CliError(
    'cli/usage',
    same.length > 0
      ? `several plugins have a command '${word}'`
      : `there is no command '${word}', and no plugin of this project adds it${didYouMean(word, [...reserved, ...all.map((one) => one.word)], [])}`,
    {
      usage: true,
      cure:
        same.length > 0
          ? `Name the plugin: ${same.map((one) => `plinth ${one}`).join(', ')}.`
          : 'plinth --help lists the commands, plinth commands those of plugins.',
      ...(silent.length > 0 && { frame: `not asked: ${silent.join('\n')}` }),
      details: { word, plugins: same },
    },
  );
}
