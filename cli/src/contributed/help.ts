/** The help of commands that plugins add. */
import { table } from '../terminal/terminal.js';
import type { ContributedOption, NamedContribution } from './contribution.js';

/** The help of one command. */
export function helpOf({ word, plugin, description, options }: NamedContribution): string {
  const rows = [
    ...options.map((one) => [flagOf(one), meaningOf(one)]),
    ['--project <folder>', 'folder of the project (default: .)'],
    ['--timeout <ms>', 'milliseconds that it may take'],
    ['--json', 'write the result as JSON'],
    ['-h, --help', 'show this help'],
  ];
  return [
    `Usage: plinth ${word} [options] [arguments...]`,
    '',
    `${description}  (a command of ${plugin})`,
    '',
    'Options:',
    table(rows.map(([flag = '', meaning = '']) => [`  ${flag}`, meaning])),
  ].join('\n');
}

/** The section of `plinth --help`; empty when there is none. */
export function helpSection(commands: readonly NamedContribution[]): string {
  if (commands.length === 0) return '';
  const rows = commands.map(({ word, description }) => [`  ${word}`, description]);
  return `\nCommands of this project's plugins:\n${table(rows)}\n`;
}

const flagOf = ({ name, type }: ContributedOption) =>
  type === 'boolean' ? `--${name}` : `--${name} <${type === 'number' ? 'number' : 'text'}>`;

const meaningOf = ({ description, required }: ContributedOption) =>
  [description, required ? '(required)' : ''].filter((part) => part !== '').join(' ');
