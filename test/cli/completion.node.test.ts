/** Completion of command lines, in bash as a user has it. */
import { execFile } from 'node:child_process';
import { chmod } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { BIN, filesOf, folderOf, json, plinth, write } from './plinth.ts';

const run = promisify(execFile);

const ID = 'com.example.greeter';
const greeter = {
  [`plugins/greeter/plugin.json`]: {
    id: ID,
    version: '1.0.0',
    main: 'plugin.js',
    engines: { plinth: '^1.0.0' },
    provides: ['plinth.cli-commands@1'],
    permissions: { contracts: { provide: ['plinth.cli-commands'] } },
  },
  'plugins/greeter/plugin.js': `export default { activate(ctx) {
    ctx.commands.handle('plinth.cli-commands:list', () => [
      { name: 'greet', description: 'Greets', options: [{ name: 'times', type: 'number' }] },
      { name: 'list', description: 'Lists' },
    ]);
  } };
`,
};

/** What bash would offer behind each line, with `plinth` in its path. */
async function offered(folder: string, lines: readonly string[]): Promise<readonly string[][]> {
  await write(folder, { 'bin/plinth': `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n` });
  await chmod(join(folder, 'bin/plinth'), 0o755);
  const script = `eval "$(plinth completion bash)"
for COMP_LINE in "$@"; do
  COMP_POINT=\${#COMP_LINE}
  _plinth
  echo "\${COMPREPLY[*]}"
done`;
  const { stdout } = await run('bash', ['--norc', '-c', script, 'bash', ...lines], {
    cwd: folder,
    env: { ...process.env, PATH: `${join(folder, 'bin')}${delimiter}${process.env.PATH}` },
  });
  const rows = stdout.split('\n').slice(0, -1);
  return rows.map((row) => row.split(' ').filter((word) => word !== ''));
}

it('bash offers commands, options, and arguments, also of plugins', async () => {
  const folder = await folderOf(greeter);
  await plinth(folder, ['commands']);
  expect(
    await offered(folder, [
      'plinth un',
      'plinth data ',
      'plinth data i',
      'plinth bundle --no-',
      'plinth --json inf',
      'plinth info ',
      'plinth report --hours 3 com.ex',
      'plinth bundle ',
      'plinth run --project ',
      'plinth completion ',
      'plinth gr',
      `plinth ${ID}:l`,
      'plinth greet --t',
      'plinth help doc',
      'plinth nothing ',
    ]),
  ).toEqual([
    ['uninstall'],
    ['export', 'import', 'list', 'purge'],
    ['import'],
    ['--no-archive', '--no-minify'],
    ['info'],
    [ID],
    [ID],
    [],
    [],
    ['bash', 'fish', 'zsh'],
    ['greet'],
    ['list'],
    ['--timeout', '--times'],
    ['doctor'],
    [],
  ]);
});

it('starts nothing and writes nothing where nothing is known', async () => {
  const folder = await folderOf(greeter);
  const before = await filesOf(folder);
  const { out } = await plinth(folder, ['completion', 'words', '--', 'info', '']);
  expect(out).toBe('');
  expect(await filesOf(folder)).toEqual(before);
});

it('has a script for each shell it names, and refuses others', async () => {
  const folder = await folderOf({});
  for (const shell of ['bash', 'zsh', 'fish'])
    expect(await json(folder, ['completion', shell])).toMatchObject({
      ok: true,
      script: expect.stringContaining('plinth completion words -- '),
    });
  expect((await plinth(folder, ['completion', 'tcsh'])).code).toBe(2);
});
