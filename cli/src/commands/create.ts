/** `plinth create`: a new project. Asks for what isn't said, on a terminal. */
import { relative } from 'node:path';
import type { Options, RunCommand } from '../command.js';
import { type CreateOptions, createProject, nameProblem } from '../create/create-project.js';
import { LANGUAGES, type Language, TEMPLATES, type TemplateName } from '../create/read-template.js';
import { CliError } from '../terminal/cli-error.js';
import type { Terminal } from '../terminal/terminal.js';

/** Creates a project. */
export const run: RunCommand = async ([name], options, terminal) => {
  const wanted = await wantedOf(name, options, terminal);
  const { folder, id, files } = await terminal.during(`creating ${wanted.name}`, () =>
    createProject(wanted),
  );
  const place = relative(process.cwd(), folder) || '.';
  return {
    data: { id, folder, template: wanted.template, language: wanted.language, files },
    text: `${terminal.paint('green', 'created')} ${id} in ${place}\n\n  cd ${place}\n  npm install\n  npm test\n  npm run dev`,
  };
};

async function wantedOf(
  name: string | undefined,
  options: Options,
  terminal: Terminal,
): Promise<CreateOptions> {
  const template = oneOf('--template', options.template, Object.keys(TEMPLATES) as TemplateName[]);
  const language = oneOf<Language>('--language', options.language, LANGUAGES);
  const id = typeof options.id === 'string' ? { id: options.id } : {};
  if (!terminal.interactive || (name !== undefined && options.yes === true)) {
    if (name === undefined)
      throw new CliError('cli/usage', 'create needs a name', {
        usage: true,
        cure: 'plinth create notes --template minimal --language ts',
      });
    return { name, ...id, template: template ?? 'minimal', language: language ?? 'ts' };
  }
  const { askChoice, askText } = await import('../terminal/prompts.js');
  return {
    name: name ?? (await askText('Name of the project', 'notes', nameProblem)),
    ...id,
    template:
      template ??
      (await askChoice(
        'Template',
        Object.entries(TEMPLATES).map(([value, hint]) => ({
          value: value as TemplateName,
          hint,
        })),
      )),
    language:
      language ??
      (await askChoice<Language>('Language', [
        { value: 'ts', hint: 'TypeScript' },
        { value: 'js', hint: 'JavaScript, with checked types' },
      ])),
  };
}

function oneOf<T extends string>(
  flag: string,
  value: string | boolean | undefined,
  known: readonly T[],
): T | undefined {
  if (value === undefined) return undefined;
  const found = known.find((one) => one === value);
  if (found !== undefined) return found;
  throw new CliError('cli/usage', `${flag} takes ${known.join(', ')}, not '${String(value)}'`, {
    usage: true,
  });
}
