/** `plinth dev`: saves reach the running kernel, with the plugin's state. */
import type { ChildProcess } from 'node:child_process';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { develop, folderOf, type Line, start, write } from './plinth.ts';

/** Counts its activations over swaps, and says each in its log. */
const source = (word: string, more = '') => `import { definePlugin } from '@plinth/sdk';
${more}
let lives = 0;
export default definePlugin({
  activate(ctx) {
    lives += 1;
    ctx.logger.info(\`${word} \${lives}\`);
  },
  getState: () => lives,
  restoreState(state) {
    lives = Number(state);
  },
});
`;
const manifest = (id: string, version = '1.0.0') => ({ id, version });

const ended = (child: ChildProcess) =>
  new Promise((resolve) => child.on('exit', (code) => resolve(code)));

/** What plugins have logged, in order. */
async function logged(folder: string): Promise<readonly string[]> {
  const text = await readFile(join(folder, '.plinth/logs/plinth.log'), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { source: string; message: string })
    .filter(({ source }) => source !== 'kernel')
    .map(({ message }) => message);
}

it('swaps a plugin after a save, with its state', async () => {
  const folder = await folderOf({
    'plugins/one/plugin.json': manifest('com.example.one'),
    'plugins/one/src/index.ts': source('first'),
  });
  const { child, next, first } = await develop(folder);
  expect(first).toEqual({ event: 'ready', active: 1 });
  for (let save = 2; save <= 6; save++) {
    await write(folder, { 'plugins/one/src/index.ts': source(`save ${save}`) });
    const line = await next();
    expect(line).toMatchObject({ event: 'swapped', id: 'com.example.one', version: '1.0.0' });
    expect(line.ms).toBeGreaterThan(0);
  }
  await expect
    .poll(() => logged(folder))
    .toEqual(['first 1', 'save 2 2', 'save 3 3', 'save 4 4', 'save 5 5', 'save 6 6']);
  const end = ended(child);
  child.kill('SIGINT');
  expect(await end).toBe(0);
});

it('tells a build that fails, and goes on with what ran before', async () => {
  const folder = await folderOf({
    'plugins/one/plugin.json': manifest('com.example.one'),
    'plugins/one/src/index.ts': source('first'),
  });
  const { next } = await develop(folder);
  const save = (text: string) => write(folder, { 'plugins/one/src/index.ts': text });
  await save('export default {\n');
  expect(await next()).toMatchObject({ event: 'failed', error: { code: 'bundle/syntax' } });
  await save("throw new Error('at the top');\n");
  expect(await next()).toMatchObject({
    event: 'failed',
    error: { message: expect.stringContaining('at the top') },
  });
  await save(`export default { activate() { throw new Error('in activate'); } };\n`);
  expect(await next()).toMatchObject({
    event: 'failed',
    error: { message: expect.stringContaining('in activate') },
  });
  await save(source('mended'));
  expect(await next()).toMatchObject({ event: 'swapped' });
  await expect.poll(() => logged(folder)).toEqual(expect.arrayContaining(['first 1', 'mended 2']));
});

it('takes folders that come and go, another id, another version, and editors that rename', async () => {
  const folder = await folderOf({
    'plugins/one/plugin.json': manifest('com.example.one'),
    'plugins/one/src/index.ts': source('one'),
    'later/plugin.json': manifest('com.example.two'),
    'later/src/index.ts': source('two'),
  });
  const { next } = await develop(folder);
  await rename(join(folder, 'later'), join(folder, 'plugins/two'));
  expect(await next()).toMatchObject({ event: 'added', id: 'com.example.two' });
  await write(folder, { 'plugins/two/plugin.json': manifest('com.example.two', '1.1.0') });
  expect(await next()).toMatchObject({ event: 'swapped', version: '1.1.0' });
  await write(folder, { 'plugins/two/plugin.json': manifest('com.example.three', '1.1.0') });
  expect(await next()).toMatchObject({ event: 'removed', id: 'com.example.two' });
  expect(await next()).toMatchObject({ event: 'added', id: 'com.example.three' });
  const [file, other] = [join(folder, 'plugins/one/src/index.ts'), join(folder, 'new.ts')];
  for (const word of ['renamed', 'renamed again']) {
    await writeFile(other, source(word));
    await rename(other, file);
    expect(await next()).toMatchObject({ event: 'swapped', id: 'com.example.one' });
  }
  await rm(join(folder, 'plugins/two'), { recursive: true });
  expect(await next()).toMatchObject({ event: 'removed', id: 'com.example.three' });
});

it('starts with plugins that cannot be built, and takes them once they can', async () => {
  const folder = await folderOf({
    'plugins/one/plugin.json': '{',
    'plugins/one/src/index.ts': source(
      'one',
      "import { word } from '../../../shared/word.ts';\nconsole.log(word);",
    ),
    'shared/word.ts': "export const word = 'a';\n",
  });
  const child = start(folder, ['dev', '--json']);
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[
    Symbol.asyncIterator
  ]();
  const next = async () => JSON.parse((await lines.next()).value as string) as Line;
  expect(await next()).toMatchObject({ event: 'failed', error: { code: 'manifest/not-json' } });
  expect(await next()).toEqual({ event: 'ready', active: 0 });
  await write(folder, { 'plugins/one/plugin.json': manifest('com.example.one') });
  expect(await next()).toMatchObject({ event: 'added', id: 'com.example.one' });
  await write(folder, { 'shared/word.ts': "export const word = 'b';\n" });
  expect(await next()).toMatchObject({ event: 'swapped', id: 'com.example.one' });
});

it('says at the start what cannot be built, and only that', async () => {
  const folder = await folderOf({
    'plugins/one/plugin.json': manifest('com.example.one'),
    'plugins/one/src/index.ts': 'export default {\n',
  });
  const child = start(folder, ['dev']);
  let told = '';
  child.stderr?.on('data', (chunk) => {
    told += chunk;
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const { value } = await lines[Symbol.asyncIterator]().next();
  expect(value).toContain('ready 0 active');
  expect(told).toContain('bundle/syntax');
  expect(told).not.toMatch(/still runs|found no plugins/);
  const end = ended(child);
  child.kill('SIGINT');
  expect(await end).toBe(0);
});

it.each(['plugin.js', 'dist/plugin.js'])(
  'watches a package that is built elsewhere: %s',
  async (main) => {
    const folder = await folderOf({
      'plugins/one/plugin.json': {
        ...manifest('com.example.one'),
        main,
        engines: { plinth: '^1.0.0' },
      },
      [`plugins/one/${main}`]: 'export default { activate() {} };\n',
    });
    const { next } = await develop(folder);
    await write(folder, {
      [`plugins/one/${main}`]: 'export default { activate() {}, deactivate() {} };\n',
    });
    expect(await next()).toMatchObject({ event: 'swapped', id: 'com.example.one' });
  },
);

it('--inspect opens the inspector, and a project without plugins is told so', async () => {
  const folder = await folderOf({
    'plugin.json': manifest('com.example.one'),
    'src/index.ts': source('one'),
  });
  const { first } = await develop(folder, '--inspect', '0');
  expect(first.inspector).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\//);
  const empty = start(await folderOf({ 'a.txt': '' }), ['dev']);
  expect(await ended(empty)).toBe(1);
});
