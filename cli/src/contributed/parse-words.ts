/** Reads what stands behind a plugin's command: options by their declared types, and arguments. */
import { parseArgs } from 'node:util';
import { CliError } from '../terminal/cli-error.js';
import { fullName, type NamedContribution, OWN_OPTIONS } from './contribution.js';

/** The words behind a command. */
export interface Given {
  readonly args: readonly string[];
  /** Options of the plugin. */
  readonly options: Readonly<Record<string, string | number | boolean>>;
}

/** Options of the program, which stand among those of the plugin. */
export interface OwnGiven {
  readonly help: boolean;
  readonly project: string | undefined;
  readonly timeout: string | undefined;
}

/** Takes the options of the program, before the plugin's are known. The rest stays as it is. */
export function ownOptions(words: readonly string[]): OwnGiven {
  const { values } = parseArgs({
    args: [...words],
    strict: false,
    options: {
      help: { type: 'boolean', short: 'h' },
      project: { type: 'string' },
      timeout: { type: 'string' },
    },
  });
  const text = (value: string | boolean | undefined, flag: string) => {
    if (value === undefined || typeof value === 'string') return value;
    throw new CliError('cli/usage', `${flag} takes a value`, { usage: true });
  };
  return {
    help: values.help === true,
    project: text(values.project, '--project'),
    timeout: text(values.timeout, '--timeout'),
  };
}

/**
 * Reads the options and arguments of a command.
 *
 * @throws CliError `cli/usage`: an unknown, missing or wrong option.
 */
export function parseWords(command: NamedContribution, words: readonly string[]): Given {
  const { values, positionals } = parsed(command, words);
  const options: Record<string, string | number | boolean> = {};
  for (const { name, type, required } of command.options) {
    const value = values[name];
    if (value === undefined) {
      if (required) throw wrong(command, `--${name} is missing`);
      continue;
    }
    options[name] = type === 'number' ? numberOf(command, name, value) : value;
  }
  return { args: positionals, options };
}

function parsed({ options, ...command }: NamedContribution, words: readonly string[]) {
  const types = new Map<string, 'string' | 'boolean'>([
    ...OWN_OPTIONS.map(
      (name) => [name, name === 'help' || name === 'json' ? 'boolean' : 'string'] as const,
    ),
    ...options.map(({ name, type }) => [name, type === 'boolean' ? type : 'string'] as const),
  ]);
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      allowPositionals: true,
      allowNegative: true,
      options: Object.fromEntries([...types].map(([name, type]) => [name, { type }])),
    });
    return { values: values as Readonly<Record<string, string | boolean>>, positionals };
  } catch (error) {
    throw wrong({ options, ...command }, (error as Error).message.split('. ')[0] ?? '');
  }
}

function numberOf(command: NamedContribution, name: string, value: string | boolean): number {
  const number = Number(value);
  if (typeof value === 'string' && value.trim() !== '' && Number.isFinite(number)) return number;
  throw wrong(command, `--${name} takes a number, not '${value}'`);
}

const wrong = (command: NamedContribution, message: string) =>
  new CliError('cli/usage', message, {
    usage: true,
    cure: `plinth ${command.word} --help shows the options of this command.`,
    details: { command: fullName(command) },
  });
