/** SQL in pages: what is loaded when, what is missing, and what plugins see of the files. */
import { createKernel, packageSource } from '@plinth/kernel';
import { definePlugin } from '@plinth/sdk';
import { database } from '@plinth/sql';
import { sql } from '@plinth/sql/host';
import { afterEach, expect, it, vi } from 'vitest';
import { createHost } from '#host';
import { keep, rejection, startKernel } from '../support/kernels.ts';
import { packageWith, withSql } from './databases.ts';
import { needPrivateFiles } from './private-files.ts';
import { watchDatabaseWorkers } from './workers.ts';

needPrivateFiles();
const workers = watchDatabaseWorkers();
afterEach(() => vi.unstubAllGlobals());

it('nothing of a database is loaded before a plugin uses one', async () => {
  // The runner itself loads more files than a page remembers.
  performance.setResourceTimingBufferSize(10_000);
  const { kernel, run } = await withSql([packageWith({})]);
  const loaded = () =>
    performance
      .getEntriesByType('resource')
      .map(({ name }) => name)
      .filter((name) => name.includes('/sql/dist/browser/'));
  await kernel.plugins.activate('test.notes');
  expect(loaded()).toEqual([]);
  expect(workers.length).toBe(0);
  await run('select 1');
  expect(loaded().length).toBeGreaterThan(0);
});

it('a file in the way of the folder makes it unhealthy', async () => {
  const directory = `in-the-way-${crypto.randomUUID()}`;
  const root = await navigator.storage.getDirectory();
  await root.getFileHandle(directory, { create: true });
  const { kernel } = await withSql([packageWith({})], { directory });
  const { status, parts } = await kernel.health();
  expect([status, ...parts.extensions.reasons]).toEqual([
    'unhealthy',
    expect.stringContaining("'sql' is unhealthy: the browser's private file system can't be used"),
  ]);
  await root.removeEntry(directory);
  expect((await kernel.health()).status).toBe('healthy');
});

it.each([
  ['isSecureContext', false, 'https'],
  ['navigator', { storage: {}, locks: {} }, 'private file system'],
  ['Worker', undefined, 'private file system'],
])('without %s, sql() throws and says what it needs', (name, value, words) => {
  vi.stubGlobal(name, value);
  expect(() => sql({ directory: 'databases' })).toThrow(
    expect.objectContaining({
      code: 'kernel/invalid-option',
      message: expect.stringContaining(words),
    }),
  );
});

it('a plugin that asks for its database without sql() gets a code', async () => {
  const plugin = definePlugin({
    activate(ctx) {
      const db = database<{ notes: { id: number } }>(ctx);
      ctx.commands.handle('list', () => db.selectFrom('notes').selectAll().execute());
    },
  });
  const manifest = {
    id: 'test.notes',
    version: '1.0.0',
    main: 'plugin.js',
    engines: { plinth: '^1.0.0' },
    permissions: { commands: { execute: ['plinth.sql:*'] } },
  };
  const kernel = keep(
    await createKernel({
      isolation: 'inline',
      telemetry: { log: false },
      sources: [packageSource([{ manifest, plugin }])],
    }),
  );
  await kernel.start();
  const error = await rejection(kernel.commands.execute('test.notes:list'));
  expect(error.code).toBe('call/unknown-command');
});

it.each(['worker', 'process', 'sandbox'] as const)(
  'a plugin in isolation %s has no way to the private file system among its globals',
  async (isolation) => {
    // The control: the page itself has one.
    expect(typeof navigator.storage.getDirectory).toBe('function');
    const code = `const seen = [typeof navigator, typeof globalThis.navigator, typeof FileSystemDirectoryHandle,
      typeof BroadcastChannel, typeof Worker, typeof indexedDB];
      try { seen.push(typeof Function('return this')().navigator); } catch { seen.push('refused'); }
      export default { activate(ctx) { ctx.commands.handle('seen', () => seen); } };`;
    const manifest = {
      id: 'test.seeker',
      version: '1.0.0',
      main: 'plugin.js',
      engines: { plinth: '^1.0.0' },
    };
    const kernel = await startKernel({ isolation, createHost }, [{ manifest, code }]);
    const seen = (await kernel.commands.execute('test.seeker:seen')) as string[];
    expect(seen.slice(0, -1)).toEqual(Array(6).fill('undefined'));
    expect(['undefined', 'refused']).toContain(seen.at(-1));
  },
);
