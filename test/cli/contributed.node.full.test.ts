/** Commands that plugins add to the program. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { printable } from '../../cli/src/terminal/printable.ts';
import { cliPage } from '../../scripts/cli-docs.ts';
import { folderOf, json, plinth } from './plinth.ts';

/** A plugin with commands. `list` is the source of what it lists. */
const tool = (id: string, list: string, run = ANSWER) => ({
  [`plugins/${id}/plugin.json`]: {
    id,
    version: '1.0.0',
    main: 'plugin.js',
    engines: { plinth: '^1.0.0' },
    provides: ['plinth.cli-commands@1'],
    permissions: {
      contracts: { provide: ['plinth.cli-commands'] },
      storage: { read: true, write: ['count'] },
    },
  },
  [`plugins/${id}/plugin.js`]: `export default {
  activate(ctx) {
    ctx.commands.handle('plinth.cli-commands:list', () => (${list}));
    ctx.commands.handle('plinth.cli-commands:run', async (input) => { ${run} });
  },
};
`,
});

const ANSWER = `return { exitCode: 0, stdout: JSON.stringify(input) + '\\n' };`;
const GREET = `[{ name: 'greet', description: 'Greets', options: [
  { name: 'to', type: 'string', required: true, description: 'who is greeted' },
  { name: 'times', type: 'number' },
  { name: 'loud', type: 'boolean' },
] }]`;
const one = (name: string) => `[{ name: '${name}', description: 'From it' }]`;

describe('a command that a plugin adds', () => {
  it('runs in the guest, with options of their types, and arguments', async () => {
    const folder = await folderOf(tool('com.example.greeter', GREET));
    const words = ['greet', 'a', '--times', '2', '--loud', '--to=you', '--', '--b'];
    const { code, out, err } = await plinth(folder, words);
    expect([code, err]).toEqual([0, '']);
    expect(JSON.parse(out)).toEqual({
      name: 'greet',
      args: ['a', '--b'],
      options: { to: 'you', times: 2, loud: true },
    });
    expect(await json(folder, ['com.example.greeter:greet', '--to', 'all'])).toMatchObject({
      ok: true,
      exitCode: 0,
      stderr: '',
    });
  });

  it('is not started with options that are wrong', async () => {
    const folder = await folderOf(tool('com.example.greeter', GREET));
    for (const [words, message] of [
      [['greet'], '--to is missing'],
      [['greet', '--to', 'you', '--times', 'often'], "--times takes a number, not 'often'"],
      [['greet', '--to', 'you', '--nope'], "Unknown option '--nope'"],
      [['greet', '--to'], "Option '--to <value>' argument missing"],
    ] as const) {
      const { code, out, err } = await plinth(folder, words);
      expect([code, out]).toEqual([2, '']);
      expect(err).toContain(message);
      expect(err).toContain('plinth greet --help');
    }
  });

  it('shows in the help, which starts nothing', async () => {
    const folder = await folderOf(tool('com.example.greeter', GREET));
    expect((await plinth(folder, ['--help'])).out).not.toContain('greet ');
    const listed = await plinth(folder, ['commands']);
    expect(listed.out).toBe('greet  com.example.greeter  Greets\n');
    await writeFile(join(folder, 'plugins/com.example.greeter/plugin.js'), 'not JavaScript');
    expect((await plinth(folder, ['--help'])).out).toMatch(
      /Commands of this project's plugins:\n {2}greet +Greets\n/,
    );
    await writeFile(join(folder, '.plinth/commands.json'), '{"version":1');
    expect((await plinth(folder, ['--help'])).code).toBe(0);
  });

  it('has help of its own', async () => {
    const folder = await folderOf(tool('com.example.greeter', GREET));
    const { code, out } = await plinth(folder, ['greet', '--help']);
    expect(code).toBe(0);
    expect(out).toContain('Usage: plinth greet [options] [arguments...]');
    expect(out).toMatch(/--to <text> +who is greeted \(required\)/);
    expect(out).toMatch(/--times <number>/);
    expect(out).toMatch(/--loud\n/);
  });

  it('ends with its exit code, and writes to both streams', async () => {
    const run = "return { exitCode: 7, stdout: 'half', stderr: 'no\\n' };";
    const folder = await folderOf(tool('com.example.greeter', one('fail'), run));
    expect(await plinth(folder, ['fail'])).toEqual({ code: 7, out: 'half', err: 'no\n' });
    expect(await json(folder, ['fail'])).toEqual({
      ok: false,
      exitCode: 7,
      stdout: 'half',
      stderr: 'no\n',
    });
  });

  it('has the permissions of its plugin, and no more', async () => {
    const run = `
      if (input.args[0] === 'count') return { exitCode: 0, stdout: String(await ctx.storage.update('count', (n = 0) => n + 1)) };
      await ctx.storage.set('other', 1);
      return { exitCode: 0 };`;
    const folder = await folderOf(tool('com.example.greeter', one('do'), run));
    expect((await plinth(folder, ['do', 'count'])).out).toBe('1');
    expect((await plinth(folder, ['do', 'count'])).out).toBe('2');
    const { code, err } = await plinth(folder, ['do', 'other']);
    expect([code, err]).toEqual([1, expect.stringContaining('permission/denied')]);
  });
});

describe('the name of a command', () => {
  it('never hides one of the program, or one of another plugin', async () => {
    const folder = await folderOf({
      ...tool('com.example.one', `[...${one('list')}, ...${one('same')}, ...${one('help')}]`),
      ...tool('com.example.two', one('same')),
    });
    const { commands } = (await json(folder, ['commands'])) as { commands: { word: string }[] };
    expect(commands.map(({ word }) => word)).toEqual([
      'com.example.one:list',
      'com.example.one:same',
      'com.example.one:help',
      'com.example.two:same',
    ]);
    expect((await plinth(folder, ['list'])).out).toContain('com.example.two');
    const { code, err } = await plinth(folder, ['same']);
    expect(code).toBe(2);
    expect(err).toContain('plinth com.example.one:same, plinth com.example.two:same');
    expect((await plinth(folder, ['com.example.two:same'])).code).toBe(0);
    expect((await plinth(folder, ['lisst'])).err).toContain("did you mean 'list'?");
  });

  it('is gone with its plugin', async () => {
    const folder = await folderOf(tool('com.example.greeter', GREET));
    await plinth(folder, ['commands']);
    await plinth(folder, ['disable', 'com.example.greeter']);
    expect((await plinth(folder, ['--help'])).out).not.toContain('greet ');
    expect((await plinth(folder, ['greet', '--to', 'you'])).code).toBe(2);
  });
});

describe('a hostile plugin', () => {
  it('lists at most 64 commands, with names that can be typed and texts that are harmless', async () => {
    const list = `[
      { name: '\\u001b[2J', description: 'x' }, { name: 'a b', description: 'x' },
      { name: '--json', description: 'x' }, { name: '__proto__', description: 'x' },
      { name: 'x'.repeat(10_000), description: 'x' }, { name: 'com.example.other:do', description: 'x' },
      { name: 'fine', description: '\\u001b[31mred\\u202e\\n  fake  Runs rm' + 'y'.repeat(10_000), options: [
        { name: 'json' }, { name: '\\u0007' }, { name: 'no-limit' }, { name: 'constructor' },
        ...Array.from({ length: 500 }, (_, at) => ({ name: 'o' + at })),
      ] },
      ...Array.from({ length: 2000 }, (_, at) => ({ name: 'c' + at, description: '' })),
    ]`;
    const folder = await folderOf(tool('com.example.hostile', list));
    const { commands } = (await json(folder, ['commands'])) as {
      commands: { word: string; description: string; options: { name: string }[] }[];
    };
    expect(commands).toHaveLength(64);
    const { word, description, options } = commands[0] ?? { options: [] };
    expect(word).toBe('fine');
    expect(description).toMatch(/^\\u001b\[31mred\\u202e fake Runs rmy+…$/);
    expect(description?.length).toBeLessThanOrEqual(140);
    expect(options.map(({ name }) => name).slice(0, 2)).toEqual(['constructor', 'o0']);
    expect(options).toHaveLength(32);
    const { out } = await plinth(folder, ['--help']);
    expect(out.split('\n').filter((line) => line.includes('fake'))).toHaveLength(1);
    expect(printable(out)).toBe(out);
    const run = await plinth(folder, ['fine', '--constructor', 'x']);
    expect(JSON.parse(run.out)).toMatchObject({ options: { constructor: 'x' } });
  });

  it('that never answers stops no other, and is named', async () => {
    const folder = await folderOf({
      ...tool('com.example.silent', 'new Promise(() => {})'),
      ...tool('com.example.greeter', one('wait'), 'await new Promise(() => {});'),
    });
    const { out, err } = await plinth(folder, ['commands']);
    expect(out).toBe('wait  com.example.greeter  From it\n');
    expect(err).toContain('com.example.silent lists nothing: ');
    expect(await json(folder, ['wait', '--timeout', '200'])).toMatchObject({
      ok: false,
      error: { code: 'call/timeout' },
    });
  });

  it('answers what the contract does not allow, and is refused', async () => {
    const folder = await folderOf({
      ...tool('com.example.bad', '[{ name: 3 }]'),
      ...tool('com.example.worse', one('do'), 'return { exitCode: 4000 };'),
    });
    expect((await plinth(folder, ['commands'])).err).toContain('com.example.bad lists nothing');
    expect(await json(folder, ['do'])).toMatchObject({
      ok: false,
      error: { code: 'call/invalid-output' },
    });
  });
});

it('texts of plugins have escapes in place of what a terminal obeys or hides', () => {
  expect(printable('a\u001b[1m\r\u0007\u009b\u202eb\n\tc')).toBe(
    'a\\u001b[1m\\u000d\\u0007\\u009b\\u202eb\n\tc',
  );
});

it('the plugin of the page works as it is', async () => {
  const [, source = ''] =
    /```ts\n(import \{ definePlugin[^`]*`[^`]*`[^`]*)```/.exec(cliPage()) ?? [];
  const folder = await folderOf({
    'plugin.json': { id: 'com.example.greeter', version: '1.0.0' },
    'src/index.ts': source,
  });
  const { out, err } = await plinth(folder, ['greet', 'Ada', '--times', '2']);
  expect([out, err]).toEqual(['Hello Ada!\nHello Ada!\n', '']);
});

it('nothing is asked where there is no project', async () => {
  const folder = await folderOf({ 'note.txt': 'x' });
  expect((await plinth(folder, ['greet'])).err).toContain("unknown command 'greet'");
  expect(await readFile(join(folder, 'note.txt'), 'utf8')).toBe('x');
});
