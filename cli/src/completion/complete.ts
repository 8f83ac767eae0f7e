/** Which words fit where a command line is being typed. */
import type { CommandSpec } from '../command.js';
import { named, OWN_OPTIONS } from '../contributed/contribution.js';
import { readSnapshot, type Snapshot } from '../contributed/snapshot.js';
import { SHELLS } from './scripts.js';

const EVERYWHERE = ['--json', '--help'];

/**
 * The words that fit. It starts nothing: ids and commands of plugins are those of the last snapshot.
 *
 * @param words what stands behind `plinth`. The last one is being typed, and may be empty.
 */
export function complete(
  words: readonly string[],
  specs: readonly CommandSpec[],
  reserved: ReadonlySet<string>,
): readonly string[] {
  const typed = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const project = before.lastIndexOf('--project');
  const snapshot = readSnapshot((project < 0 ? undefined : before[project + 1]) ?? '.');
  return candidates(before, typed, specs, { snapshot, reserved })
    .filter((one) => one.startsWith(typed))
    .sort();
}

interface Known {
  readonly snapshot: Snapshot;
  readonly reserved: ReadonlySet<string>;
}

function candidates(
  before: readonly string[],
  typed: string,
  specs: readonly CommandSpec[],
  { snapshot, reserved }: Known,
): readonly string[] {
  const own = named(snapshot.commands, reserved);
  const at = before.findIndex((one) => !one.startsWith('-'));
  const word = before[at];
  if (word === undefined)
    return typed.startsWith('-')
      ? [...EVERYWHERE, '--version']
      : ['help', ...specs.map(nameOf), ...own.map((one) => one.word)];
  const rest = before.slice(at + 1);
  const spec = specs.find((one) => nameOf(one) === word);
  if (spec !== undefined) return ofSpec(spec, rest, typed, snapshot);
  if (word === 'help') return rest.length === 0 ? specs.map(nameOf) : [];
  const contributed = own.find((one) => one.word === word || `${one.plugin}:${one.name}` === word);
  if (contributed === undefined || !typed.startsWith('-')) return [];
  return [...contributed.options, ...OWN_OPTIONS.map((name) => ({ name }))].map(
    ({ name }) => `--${name}`,
  );
}

function ofSpec(
  { usage, options = [], commands }: CommandSpec,
  before: readonly string[],
  typed: string,
  snapshot: Snapshot,
): readonly string[] {
  const at = before.findIndex((one) => !one.startsWith('-'));
  const inner = commands?.find((one) => nameOf(one) === before[at]);
  if (inner !== undefined) return ofSpec(inner, before.slice(at + 1), typed, snapshot);
  const flags = options.map(([flag]) => flag);
  if (typed.startsWith('-'))
    return [...flags.map((flag) => flag.split(' ')[0] ?? ''), ...EVERYWHERE];
  if (commands !== undefined) return at < 0 ? commands.map(nameOf) : [];
  const takesValue = (word: string | undefined) =>
    flags.some((flag) => flag.includes(' <') && flag.split(' ')[0] === word);
  if (takesValue(before.at(-1))) return [];
  const given = before.filter(
    (one, index) => !one.startsWith('-') && !takesValue(before[index - 1]),
  ).length;
  const argument = usage.split(' ')[given + 1]?.replaceAll(/[<>[\]]/g, '');
  if (argument === 'id') return snapshot.plugins;
  return argument === 'shell' ? SHELLS : [];
}

const nameOf = ({ usage }: CommandSpec) => usage.split(' ')[0] ?? '';
