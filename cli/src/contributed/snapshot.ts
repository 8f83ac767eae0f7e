/**
 * What was last known of a project's plugins and their commands, in a file. `--help` and completion
 * read it: they start nothing and run no code of the project. What runs is always asked again.
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Kernel } from '@plinth/host-node';
import { CliCommands } from '@plinth/sdk/contracts';
import { writeWhole } from '../files/write-files.js';
import type { Project } from '../project/project-config.js';
import { type Collected, collect } from './collect.js';
import { type Contribution, contributionsOf, type Listed } from './contribution.js';

/** What a project had when one of its commands ran last. */
export interface Snapshot {
  /** Ids, sorted. */
  readonly plugins: readonly string[];
  readonly commands: readonly Contribution[];
}

const NONE: Snapshot = { plugins: [], commands: [] };
const MAX_BYTES = 4 * 1_048_576;
const ID = /^[a-z][a-z0-9.-]{0,127}$/;

const fileIn = (own: string) => join(own, 'commands.json');

/** Reads the snapshot of a project's folder. A file that is absent or wrong has nothing in it. */
export function readSnapshot(folder: string): Snapshot {
  const file = fileIn(join(folder, '.plinth'));
  try {
    if (statSync(file).size > MAX_BYTES) return NONE;
    const { version, plugins, commands } = JSON.parse(readFileSync(file, 'utf8'));
    if (version !== 1) return NONE;
    return {
      plugins: (plugins as unknown[]).filter(isId),
      commands: Object.entries(commands).flatMap(([plugin, list]) =>
        isId(plugin) ? contributionsOf(plugin, listedOf(list)) : [],
      ),
    };
  } catch {
    return NONE;
  }
}

const isId = (value: unknown): value is string => typeof value === 'string' && ID.test(value);

/** A list as the contract has it; empty when it is none. */
function listedOf(value: unknown): Listed {
  const result = CliCommands.list.output?.['~standard'].validate(value);
  return result === undefined || result instanceof Promise || result.issues ? [] : result.value;
}

/** Asks the plugins of a started kernel, and keeps their answers. */
export async function takeSnapshot(kernel: Kernel, { own }: Project): Promise<Collected> {
  const collected = await collect(kernel);
  const plugins = kernel.plugins
    .list()
    .map(({ id }) => id)
    .filter(isId)
    .sort();
  const commands = new Map<string, Contribution[]>();
  for (const one of collected.commands)
    commands.set(one.plugin, [...(commands.get(one.plugin) ?? []), one]);
  const text = JSON.stringify({ version: 1, plugins, commands: Object.fromEntries(commands) });
  // A folder that can't be written costs the help of these commands, and stops none.
  await writeWhole(fileIn(own), `${text}\n`).catch(() => {});
  return collected;
}
