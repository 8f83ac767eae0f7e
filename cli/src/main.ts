/** `plinth`: reads the command line, loads the module of the command, tells its result. */
import { Command, CommanderError } from 'commander';
import type { CommandResult, CommandSpec, Options } from './command.js';
import { COMMANDS, RESERVED } from './commands.js';
import { contributedHelp, tryContributed } from './contributed/program.js';
import { cleanUpOnSignals } from './terminal/clean-up.js';
import { CliError, EXIT } from './terminal/cli-error.js';
import { reportError } from './terminal/report-error.js';
import { createTerminal, type Terminal } from './terminal/terminal.js';
import { VERSION } from './version.js';

/** Runs a command line, and sets the exit code: 0 done, 1 failed, 2 bad usage. */
export async function main(args: readonly string[]): Promise<void> {
  const terminal = createTerminal(args.includes('--json'));
  cleanUpOnSignals();
  try {
    process.exitCode = await run(args, terminal);
  } catch (error) {
    process.exitCode = reportError(error, terminal);
  }
}

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  if (args[0] === 'completion' && args[1] === 'words' && args[2] === '--') {
    const { complete } = await import('./completion/complete.js');
    process.stdout.write(
      complete(args.slice(3), COMMANDS, RESERVED)
        .map((one) => `${one}\n`)
        .join(''),
    );
    return EXIT.ok;
  }
  const contributed = await tryContributed(args, RESERVED, terminal);
  if (contributed !== undefined) return tell(contributed.result, terminal);
  let code: number = EXIT.ok;
  const program = settled(new Command('plinth'), terminal)
    .description('Create, bundle, validate, sign and run plugins of Plinth.')
    .option('--json', 'write the result as JSON')
    .version(VERSION, '-V, --version', 'show the version')
    .addHelpText(
      'after',
      `${await contributedHelp(args, RESERVED)}\nExit codes: 0 done, 1 failed, 2 bad usage.\nplinth <command> --help shows examples.`,
    );
  for (const spec of COMMANDS)
    add(program, spec, terminal, (ended) => {
      code = ended;
    });
  if (args.length === 0) {
    program.outputHelp();
    return EXIT.ok;
  }
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return EXIT.ok;
    const noCommand = error.code === 'commander.help';
    // The help on stderr says it all to a reader, and nothing to a program.
    if (noCommand && !terminal.json) return EXIT.usage;
    const message = noCommand ? 'a command is missing' : error.message.replace(/^error: /, '');
    throw new CliError('cli/usage', message, {
      usage: true,
      cure: 'plinth --help lists the commands, plinth <command> --help its options.',
    });
  }
  return code;
}

/** Makes a command throw instead of ending the process, and not write its errors twice. */
function settled(command: Command, terminal: Terminal): Command {
  return command
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .configureHelp({ styleTitle: (text) => terminal.paint('bold', text) })
    .helpOption('-h, --help', 'show this help');
}

function add(
  parent: Command,
  spec: CommandSpec,
  terminal: Terminal,
  done: (code: number) => void,
): void {
  const { usage, summary, options = [], examples, load, commands = [] } = spec;
  const command = settled(parent.command(usage), terminal)
    .summary(summary)
    .description(summary)
    .option('--json', 'write the result as JSON');
  for (const [flags, meaning] of options) command.option(flags, meaning);
  command.addHelpText(
    'after',
    `\nExamples:\n${examples.map((example) => `  $ ${example}`).join('\n')}`,
  );
  for (const one of commands) add(command, one, terminal, done);
  if (load === undefined) return;
  command.action(async (...given: unknown[]) => {
    const all = given.slice(0, -2) as (string | undefined)[];
    const { run } = await load();
    done(tell(await run(all, given.at(-2) as Options, terminal), terminal));
  });
}

/** Writes what a command answers, unless it has done so itself. Returns the exit code. */
function tell(result: CommandResult | undefined, terminal: Terminal): number {
  if (result === undefined) return EXIT.ok;
  const { exitCode = result.failed === true ? EXIT.failed : EXIT.ok } = result;
  if (result.written !== true)
    terminal.out(
      terminal.json ? JSON.stringify({ ok: exitCode === EXIT.ok, ...result.data }) : result.text,
    );
  return exitCode;
}
