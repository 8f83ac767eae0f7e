/** Commands that plugins add to the program: what is taken of their lists, and how they are called. */

import type { Client } from '@plinth/sdk';
import type { CliCommands } from '@plinth/sdk/contracts';
import { printableLine } from '../terminal/printable.js';

/** What `list()` of a plugin answers. */
export type Listed = Awaited<ReturnType<Client<typeof CliCommands>['list']>>;

/** An option of a command. */
export interface ContributedOption {
  /** Without dashes. */
  readonly name: string;
  readonly description: string;
  readonly type: 'string' | 'number' | 'boolean';
  readonly required: boolean;
}

/** A command of a plugin, with texts that are safe to show. */
export interface Contribution {
  readonly plugin: string;
  readonly name: string;
  readonly description: string;
  readonly options: readonly ContributedOption[];
}

/** A command with the word that runs it. */
export interface NamedContribution extends Contribution {
  /** Its name, or `<plugin>:<name>` where the name is taken. */
  readonly word: string;
}

/** Most commands of a plugin. */
export const MAX_COMMANDS = 64;
/** Most options of a command. */
export const MAX_OPTIONS = 32;

const COMMAND = /^[a-z0-9][a-z0-9._-]{0,63}$/i;
const OPTION = /^[a-z][a-z0-9-]{0,39}$/i;
const LONGEST_TEXT = 120;

/** Options that each command of the program has. No plugin can give them another meaning. */
export const OWN_OPTIONS = ['help', 'json', 'project', 'timeout'] as const;

/**
 * The commands of a plugin's list that can be called. Names that can't be typed, repeated names,
 * and what is beyond the bounds are left out.
 */
export function contributionsOf(plugin: string, listed: Listed): readonly Contribution[] {
  const found = new Map<string, Contribution>();
  for (const { name, description, options } of listed) {
    if (found.size === MAX_COMMANDS) break;
    if (!COMMAND.test(name) || found.has(name)) continue;
    const own = optionsOf(options);
    found.set(name, {
      plugin,
      name,
      description: printableLine(description, LONGEST_TEXT),
      options: own,
    });
  }
  return [...found.values()];
}

function optionsOf(listed: Listed[number]['options']): readonly ContributedOption[] {
  const found = new Map<string, ContributedOption>();
  for (const { name, description = '', type, required } of listed) {
    if (found.size === MAX_OPTIONS) break;
    if (!OPTION.test(name) || name.startsWith('no-') || found.has(name)) continue;
    if (OWN_OPTIONS.some((own) => own === name)) continue;
    found.set(name, {
      name,
      description: printableLine(description, LONGEST_TEXT),
      type,
      required,
    });
  }
  return [...found.values()];
}

/**
 * Finds the word for each command. A name of the program, and a name that several plugins have,
 * belongs to none of them: those commands need the plugin's id.
 */
export function named(
  contributions: readonly Contribution[],
  reserved: ReadonlySet<string>,
): readonly NamedContribution[] {
  const counts = new Map<string, number>();
  for (const { name } of contributions) counts.set(name, (counts.get(name) ?? 0) + 1);
  return contributions.map((one) => ({
    ...one,
    word: reserved.has(one.name) || counts.get(one.name) !== 1 ? fullName(one) : one.name,
  }));
}

/** The name that always runs a command. No other plugin can have it. */
export const fullName = ({ plugin, name }: Contribution) => `${plugin}:${name}`;
