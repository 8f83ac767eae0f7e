/** Completion of command lines, in each shell as a user has it. */
import { execFile, spawnSync } from 'node:child_process';
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

/** Runs a shell in a folder, with `plinth` in its path. */
async function runShell(folder: string, shell: string, args: readonly string[]): Promise<string> {
  await write(folder, { 'bin/plinth': `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n` });
  await chmod(join(folder, 'bin/plinth'), 0o755);
  const { stdout } = await run(shell, [...args], {
    cwd: folder,
    env: {
      ...process.env,
      HOME: folder,
      TERM: 'dumb',
      PATH: `${join(folder, 'bin')}${delimiter}${process.env.PATH}`,
    },
    timeout: 60_000,
  });
  return stdout;
}

/** What bash would offer behind each line. */
async function offered(folder: string, lines: readonly string[]): Promise<readonly string[][]> {
  const script = `eval "$(plinth completion bash)"
for COMP_LINE in "$@"; do
  COMP_POINT=\${#COMP_LINE}
  _plinth
  echo "\${COMPREPLY[*]}"
done`;
  const stdout = await runShell(folder, 'bash', ['--norc', '-c', script, 'bash', ...lines]);
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

/** A test that needs a shell. Where the machine doesn't have it, that is said, and nothing is tested. */
function inShell(shell: string, name: string, test: () => Promise<void>): void {
  const there = spawnSync(shell, ['--version']).status === 0;
  if (!there)
    console.warn(
      `NOT TESTED: ${shell} ${name}, because ${shell} is missing: apt-get install ${shell}`,
    );
  it.skipIf(!there)(`${shell} ${name}`, test);
}

/**
 * Types each line into an interactive zsh, and presses the tab key. `[[…]]` is the line then, and
 * what is listed stands before it.
 */
const TYPING = `zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'PROMPT= PS2= RPROMPT=; autoload -Uz compinit && compinit -u -D; eval "$(plinth completion zsh)"; setopt no_beep; typed() { print -r -- "[[$BUFFER]]"; BUFFER= }; zle -N typed; bindkey "^X" typed; print ready-$((1 + 1))'
zpty -r shell out '*ready-2*'
for line in "$@"; do
  zpty -w -n shell "$line"$'\\t\\x18'
  zpty -r shell out '*\\[\\[*\\]\\]*'
  print -r -- "line: $out"
done
zpty -d shell`;

inShell('zsh', 'completes lines that are typed', async () => {
  const folder = await folderOf(greeter);
  await plinth(folder, ['commands']);
  const lines = ['plinth un', 'plinth data ', 'plinth info ', 'plinth gr', 'plinth bundle bi'];
  const out = await runShell(folder, 'zsh', ['-f', '-c', TYPING, 'zsh', ...lines]);
  const [, un, data, info, greet, files] = out.split('line: ');
  expect(un).toContain('[[plinth uninstall ]]');
  expect(data).toMatch(/export +import +list +purge/);
  expect(data).toContain('[[plinth data ]]');
  expect(info).toContain(`[[plinth info ${ID} ]]`);
  expect(greet).toContain('[[plinth greet ]]');
  // Where no word fits, files are offered.
  expect(files).toContain('[[plinth bundle bin/]]');
});

inShell('fish', 'completes words, options and ids, and files where none fits', async () => {
  const folder = await folderOf(greeter);
  await plinth(folder, ['commands']);
  const script = `plinth completion fish | source
for line in $argv; echo (complete -C $line); end`;
  const lines = [
    'plinth un',
    'plinth data ',
    'plinth info ',
    'plinth bundle --no-',
    'plinth gr',
    'plinth bundle bi',
  ];
  const out = await runShell(folder, 'fish', ['--no-config', '-c', script, ...lines]);
  expect(out.trimEnd().split('\n')).toEqual([
    'uninstall',
    'export import list purge',
    ID,
    '--no-archive --no-minify',
    'greet',
    'bin/',
  ]);
});
