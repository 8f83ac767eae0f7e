/** Makes the folder of a new project: all of it, or nothing. */
import { basename, resolve } from 'node:path';
import { pluginIdProblem } from '@plinth/sdk/contract';
import { filesIn, writeFolder } from '../files/write-files.js';
import { CliError } from '../terminal/cli-error.js';
import { readTemplate, type TemplateFacts } from './read-template.js';

/** What to make. */
export interface CreateOptions extends Omit<TemplateFacts, 'id'> {
  /** Folder, relative to the current one. */
  readonly name: string;
  /** The plugin's id; `com.example.` and the folder's name when absent. */
  readonly id?: string;
}

/** What was made. */
export interface Created {
  readonly folder: string;
  readonly id: string;
  readonly files: readonly string[];
}

/** The id that a name stands for. */
export function idFor(name: string): string {
  const last = basename(resolve(name));
  return last.includes('.') ? last : `com.example.${last}`;
}

/** Why no project can have this name; undefined when one can. */
export function nameProblem(name: string): string | undefined {
  if (name.trim() === '') return 'a project needs a name';
  return pluginIdProblem(idFor(name));
}

/** The nearest name that a project can have. */
function legalName(name: string): string {
  const words = basename(resolve(name))
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => /^[a-z]/.test(word));
  const near = words.join('-');
  return near === '' || pluginIdProblem(idFor(near)) !== undefined ? 'notes' : near;
}

/** The nearest id that a project can have. */
function legalId(id: string, name: string): string {
  const words = id
    .toLowerCase()
    .split('.')
    .map((one) => one.replace(/[^a-z0-9]+/g, '-').replace(/^[^a-z]+|-+$/g, ''))
    .filter((one) => one !== '');
  const near = words.length > 1 ? words.join('.') : `com.example.${words[0] ?? ''}`;
  return pluginIdProblem(near) === undefined ? near : idFor(legalName(name));
}

/**
 * Writes a project.
 *
 * @throws CliError `create/illegal-id`, or `create/exists` for a folder that isn't empty.
 */
export async function createProject(options: CreateOptions): Promise<Created> {
  const { name, template, language, id = idFor(name) } = options;
  // It would stand for the current folder.
  if (name.trim() === '')
    throw new CliError('cli/usage', 'create needs a name', {
      usage: true,
      cure: 'plinth create notes',
    });
  const problem = pluginIdProblem(id);
  if (problem !== undefined)
    throw new CliError('create/illegal-id', `'${id}' can't be the id of a plugin: ${problem}`, {
      usage: true,
      cure:
        options.id === undefined
          ? `plinth create ${legalName(name)}`
          : `plinth create ${name} --id ${legalId(options.id, name)}`,
    });
  const folder = resolve(name);
  const there = await filesIn(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOTDIR') return [basename(folder)];
    throw error;
  });
  if (there.length > 0)
    throw new CliError('create/exists', `${folder} exists and is not empty`, {
      cure: 'Choose another name, or remove what is there.',
    });
  const files = await readTemplate({ id, template, language });
  await writeFolder(folder, files);
  return { folder, id, files: [...files.keys()].sort() };
}
