/** `directorySource(path, { watch: true })`: a kernel that follows a folder of real files. */
import { cpSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createKernel, directorySource, type Kernel } from '@plinth/host-node';
import { expect, it, onTestFinished } from 'vitest';
import { nextEvent, rejection } from '../support/kernels.ts';

const manifest = (id: string, more: object = {}) =>
  JSON.stringify({
    id,
    name: id,
    version: '1.0.0',
    main: 'plugin.js',
    engines: { plinth: '^1.0.0' },
    ...more,
  });
const code = (word: string) => `let count = 0;
  export default {
    activate(ctx) { ctx.commands.handle('next', () => '${word} ' + ++count); },
    getState: () => count,
    restoreState(state) { count = state; },
  };`;

async function write(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}

const plugin = (name: string, id: string, word: string) => ({
  [`${name}/plugin.json`]: manifest(id),
  [`${name}/plugin.js`]: code(word),
});

async function follow(files: Readonly<Record<string, string>>) {
  const base = await mkdtemp(join(tmpdir(), 'plinth-watched-'));
  onTestFinished(() => rm(base, { recursive: true, force: true }));
  const folder = join(base, 'plugins');
  await mkdir(folder);
  await write(folder, files);
  const errors: string[] = [];
  const kernel = await createKernel({
    sources: [directorySource(folder, { watch: true })],
    // All plugins of a slow disk are known after the start, too.
    limits: { discover: 30_000 },
    telemetry: {
      log: ({ level, message }) => void (level === 'error' && errors.push(message)),
    },
  });
  onTestFinished(() => kernel.stop());
  await kernel.start();
  return { base, folder, kernel, errors };
}

const next = (kernel: Kernel, id: string) => kernel.commands.execute(`${id}:next`);

it('replaces a plugin whose bundle or manifest is written, with its state', async () => {
  const { folder, kernel } = await follow(plugin('one', 'test.one', 'first'));
  expect(await next(kernel, 'test.one')).toBe('first 1');
  for (const word of ['second', 'third']) {
    const reloaded = nextEvent(kernel, 'plugin:reloaded');
    await write(folder, { 'one/plugin.js': code(word) });
    await reloaded;
    expect(await next(kernel, 'test.one')).toContain(word);
  }
  expect(await next(kernel, 'test.one')).toBe('third 4');
  const reloaded = nextEvent(kernel, 'plugin:reloaded');
  await write(folder, { 'one/plugin.json': manifest('test.one', { version: '1.1.0' }) });
  expect(await reloaded).toMatchObject({ version: '1.1.0' });
  expect(await next(kernel, 'test.one')).toBe('third 5');
});

it('installs folders that come, uninstalls those that go, and knows one that moves', async () => {
  const { base, folder, kernel } = await follow(plugin('one', 'test.one', 'one'));
  await write(base, plugin('later', 'test.two', 'two'));
  const added = nextEvent(kernel, 'plugin:activated');
  await rename(join(base, 'later'), join(folder, 'two'));
  expect(await added).toMatchObject({ id: 'test.two' });
  expect(await next(kernel, 'test.two')).toBe('two 1');
  const removed = nextEvent(kernel, 'plugin:uninstalled');
  await rm(join(folder, 'two'), { recursive: true });
  expect(await removed).toMatchObject({ id: 'test.two' });
  const again = nextEvent(kernel, 'plugin:activated');
  await write(folder, plugin('two', 'test.two', 'again'));
  expect(await again).toMatchObject({ id: 'test.two' });
  expect(await next(kernel, 'test.two')).toBe('again 1');
});

it('keeps what runs when a build is broken, says so, and takes the next one', async () => {
  const { folder, kernel, errors } = await follow(plugin('one', 'test.one', 'first'));
  expect(await next(kernel, 'test.one')).toBe('first 1');
  for (const [files, what] of [
    [{ 'one/plugin.js': 'export default {' }, 'test.one'],
    [{ 'one/plugin.json': '{ "id": ' }, 'JSON'],
    [{ 'one/plugin.json': manifest('test.one', { main: 'none.js' }) }, 'none.js'],
  ] as const) {
    await write(folder, files);
    await expect.poll(() => errors.join('\n')).toContain('is not used');
    expect(errors.join('\n')).toContain(what);
    expect(await next(kernel, 'test.one')).toContain('first');
    errors.length = 0;
  }
  const reloaded = nextEvent(kernel, 'plugin:reloaded');
  await write(folder, plugin('one', 'test.one', 'mended'));
  await reloaded;
  expect(await next(kernel, 'test.one')).toBe('mended 5');
});

it('waits for the rest of a package that a build writes bit by bit', async () => {
  const { base, folder, kernel, errors } = await follow(plugin('one', 'test.one', 'first'));
  expect(await next(kernel, 'test.one')).toBe('first 1');
  await write(base, plugin('built', 'test.one', 'second'));
  const reloaded = nextEvent(kernel, 'plugin:reloaded');
  // In one turn: a package that is gone has a moment to come back.
  rmSync(join(folder, 'one'), { recursive: true });
  cpSync(join(base, 'built'), join(folder, 'one'), { recursive: true });
  await reloaded;
  expect(await next(kernel, 'test.one')).toBe('second 2');
  expect(errors).toEqual([]);
});

it('sees what changes between the discovery and the start, and nothing twice', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'plinth-watched-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await write(folder, plugin('one', 'test.one', 'first'));
  const source = directorySource(folder, { watch: true });
  for await (const found of source.discover()) expect(found.origin).toBe(join(folder, 'one'));
  await write(folder, plugin('two', 'test.two', 'two'));
  const changes: string[] = [];
  let told!: () => void;
  const first = new Promise<void>((resolve) => {
    told = resolve;
  });
  const watching = source.watch?.(async ({ origin, found }) => {
    changes.push(`${found === undefined ? 'gone' : 'there'} ${origin}`);
    told();
  });
  await first;
  watching?.dispose();
  expect(changes).toEqual([`there ${join(folder, 'two')}`]);
});

it('tells each kernel that follows it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'plinth-watched-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await write(folder, plugin('one', 'test.one', 'first'));
  const source = directorySource(folder, { watch: true });
  const kernels = [];
  for (let count = 0; count < 2; count++) {
    const kernel = await createKernel({
      sources: [source],
      limits: { discover: 30_000 },
      telemetry: { log: false },
    });
    onTestFinished(() => kernel.stop());
    await kernel.start();
    kernels.push(kernel);
  }
  const reloaded = Promise.all(kernels.map((kernel) => nextEvent(kernel, 'plugin:reloaded')));
  await write(folder, { 'one/plugin.js': code('second') });
  await reloaded;
  for (const kernel of kernels) expect(await next(kernel, 'test.one')).toBe('second 1');
});

it('ends with the kernel: no watcher keeps the process, and nothing is taken in any more', async () => {
  const before = process.getActiveResourcesInfo().filter((one) => /FSEvent|Timeout/.test(one));
  const { folder, kernel } = await follow(plugin('one', 'test.one', 'first'));
  const reloaded = nextEvent(kernel, 'plugin:reloaded');
  await write(folder, { 'one/plugin.js': code('second') });
  await reloaded;
  await kernel.stop();
  await write(folder, plugin('two', 'test.two', 'two'));
  await expect
    .poll(() => process.getActiveResourcesInfo().filter((one) => /FSEvent/.test(one)))
    .toEqual(before.filter((one) => /FSEvent/.test(one)));
  expect(kernel.plugins.get('test.two')).toBeUndefined();
});

it('refuses options that it does not know, and a folder that is not there', async () => {
  expect(() => directorySource('x', { wach: true } as never)).toThrow(/did you mean 'watch'/);
  expect(() => directorySource('x', { watch: 'yes' } as never)).toThrow(/true or false/);
  const none = directorySource(join(tmpdir(), 'plinth-none'), { watch: true });
  const error = await rejection(none.discover()[Symbol.asyncIterator]().next());
  expect(error.code).toBe('ENOENT');
});
