/** What the application does with the databases: backup, restore, purge. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createKernel, memoryStorage, type PluginPackage, type PluginSource } from '@plinth/kernel';
import { sql } from '@plinth/sql/host';
import { describe, expect, it } from 'vitest';
import { rejection } from '../support/kernels.ts';
import { outliving } from '../support/storages.ts';
import { folder, packageWith, withSql } from './databases.ts';

const NOTES = { '0001_notes.sql': 'create table notes (id integer primary key, text text)' };
const MORE = { ...NOTES, '0002_more.sql': 'alter table notes add column more text' };
const notes = packageWith({ migrations: NOTES });
const all = 'select text from notes order by id';
const sourceOf = (packages: readonly PluginPackage[]): PluginSource => ({
  async *discover() {
    yield* packages;
  },
});

describe('a backup', () => {
  it('is made while the plugin runs, and brings its moment back', async () => {
    const { kernel, run } = await withSql([notes]);
    const databases = kernel.extension(sql);
    const file = join(await folder(), 'notes.sqlite');
    await run('insert into notes (text) values (?)', ['kept']);
    await databases.backup('test.notes', file);
    await run('insert into notes (text) values (?)', ['later']);
    const runs = await rejection(databases.restore('test.notes', file));
    expect(runs).toMatchObject({
      code: 'plugin/illegal-transition',
      message: expect.stringContaining('deactivate'),
    });
    await kernel.plugins.deactivate('test.notes');
    await databases.restore('test.notes', file);
    await kernel.plugins.activate('test.notes');
    expect((await run(all)).rows).toEqual([{ text: 'kept' }]);
    await databases.backup('test.notes', file);
    expect(readdirSync(join(file, '..'))).toEqual(['notes.sqlite']);
  });

  it('from before a migration is brought up to the version', async () => {
    const { kernel, run } = await withSql([notes]);
    const databases = kernel.extension(sql);
    const file = join(await folder(), 'notes.sqlite');
    await run('insert into notes (text) values (?)', ['old']);
    await databases.backup('test.notes', file);
    await kernel.plugins.reload('test.notes', packageWith({ version: '2.0.0', migrations: MORE }));
    await kernel.plugins.deactivate('test.notes');
    await databases.restore('test.notes', file);
    expect((await databases.migrations('test.notes')).length).toBe(1);
    await kernel.plugins.activate('test.notes');
    expect((await run('select text, more from notes')).rows).toEqual([{ text: 'old', more: null }]);
  });

  it('that is none, or larger than the quota, changes nothing', async () => {
    const directory = await folder();
    const large = await withSql([notes]);
    await large.run("insert into notes (text) values (printf('%.*c', 300000, 'x'))");
    const [big, bad] = [join(directory, 'big.sqlite'), join(directory, 'bad.sqlite')];
    await large.kernel.extension(sql).backup('test.notes', big);
    writeFileSync(bad, 'x'.repeat(10_000));
    // What a full disk may have left of a backup.
    const empty = join(directory, 'empty.sqlite');
    writeFileSync(empty, '');
    const { kernel, run } = await withSql([packageWith({ migrations: NOTES })], {
      limits: { quota: 200_000 },
    });
    await run('insert into notes (text) values (?)', ['kept']);
    await kernel.plugins.deactivate('test.notes');
    const databases = kernel.extension(sql);
    expect((await rejection(databases.restore('test.notes', big))).code).toBe('sql/quota');
    expect((await rejection(databases.restore('test.notes', bad))).code).toBe('storage/corrupt');
    expect((await rejection(databases.restore('test.notes', empty))).code).toBe('storage/corrupt');
    const absent = databases.restore('test.notes', join(directory, 'absent.sqlite'));
    expect((await rejection(absent)).code).toBe('sql/failed');
    await kernel.plugins.activate('test.notes');
    expect((await run(all)).rows).toEqual([{ text: 'kept' }]);
  });

  it('can not take the place of a database, and leaves nothing when it fails', async () => {
    const { kernel, run, directory } = await withSql([notes]);
    const databases = kernel.extension(sql);
    const own = join(directory, 'tenant-0/test.notes/data.sqlite');
    const link = join(await folder(), 'link');
    symlinkSync(directory, link);
    const through = join(link, 'tenant-0/test.notes/data.sqlite');
    for (const file of [own, through, join(directory, 'new.sqlite')])
      expect(await rejection(databases.backup('test.notes', file))).toMatchObject({
        code: 'sql/failed',
        message: expect.stringContaining('another folder'),
      });
    const place = await folder();
    mkdirSync(join(place, 'folder'));
    for (const file of [join(place, 'folder'), join(place, 'absent/file'), 'a\0b', '', 5 as never])
      expect((await rejection(databases.backup('test.notes', file))).code).toBe('sql/failed');
    expect(readdirSync(place)).toEqual(['folder']);
    await run('insert into notes (text) values (?)', ['kept']);
    await kernel.plugins.deactivate('test.notes');
    expect((await rejection(databases.restore('test.notes', own))).code).toBe('sql/failed');
    await kernel.stop();
    const again = await withSql([packageWith({ migrations: NOTES })], { directory });
    expect((await again.run(all)).rows).toEqual([{ text: 'kept' }]);
  });

  it('is complete when it is there, also when several are made into one file', async () => {
    const { kernel, run } = await withSql([notes]);
    const databases = kernel.extension(sql);
    const file = join(await folder(), 'notes.sqlite');
    await run('insert into notes (text) values (?)', ['kept']);
    const four = Array.from({ length: 4 }, () => databases.backup('test.notes', file));
    await Promise.all(four);
    expect(readdirSync(join(file, '..'))).toEqual(['notes.sqlite']);
  });

  it('of no database is refused', async () => {
    const { kernel } = await withSql([notes]);
    const databases = kernel.extension(sql);
    for (const id of ['test.absent', '../test.notes', ''])
      expect((await rejection(databases.backup(id, '/dev/null'))).code).toBe('sql/failed');
  });
});

describe('a purge', () => {
  it('deletes the database of a plugin that does not run, and it starts with an empty one', async () => {
    const { kernel, run, directory } = await withSql([notes]);
    const databases = kernel.extension(sql);
    await run('insert into notes (text) values (?)', ['gone']);
    expect((await rejection(databases.purge('test.notes'))).code).toBe('plugin/illegal-transition');
    await kernel.plugins.deactivate('test.notes');
    await databases.purge('test.notes');
    expect(await databases.list()).toEqual([]);
    expect(readdirSync(join(directory, 'tenant-0'))).toEqual([]);
    await kernel.plugins.activate('test.notes');
    expect((await run(all)).rows).toEqual([]);
  });

  it('comes with `uninstall(id, { purge: true })`, in that tenant alone', async () => {
    const { kernel, run, directory } = await withSql([notes]);
    const tenant = await kernel.tenant('second');
    await run('insert into notes (text) values (?)', ['gone']);
    await tenant.commands.execute('test.notes:run', ["insert into notes (text) values ('stays')"]);
    await kernel.plugins.uninstall('test.notes', { purge: true });
    await expect.poll(() => readdirSync(join(directory, 'tenant-0'))).toEqual([]);
    expect((await tenant.extension(sql).list()).length).toBe(1);
  });

  it('comes before a new installation of the plugin, and before the end of the kernel', async () => {
    const { kernel, run, directory } = await withSql([notes]);
    await run('insert into notes (text) values (?)', ['gone']);
    await kernel.plugins.uninstall('test.notes', { purge: true });
    await kernel.plugins.install(packageWith({ migrations: NOTES }));
    await kernel.plugins.activate('test.notes');
    expect((await run(all)).rows).toEqual([]);
    await run('insert into notes (text) values (?)', ['gone, too']);
    await kernel.plugins.uninstall('test.notes', { purge: true });
    await kernel.stop();
    expect(readdirSync(join(directory, 'tenant-0'))).toEqual([]);
  });

  it('that was interrupted is finished later', async () => {
    const directory = await folder();
    const half = join(directory, 'tenant-0/.deleted-test.notes-1');
    mkdirSync(half, { recursive: true });
    writeFileSync(join(half, 'data.sqlite'), '');
    const { run, kernel } = await withSql([notes], { directory });
    expect((await kernel.extension(sql).list()).map(({ plugin }) => plugin)).not.toContain(
      '.deleted-test.notes-1',
    );
    await run(all);
    expect(existsSync(half)).toBe(false);
  });

  it('that a crash has kept from the database is finished with the next start, and no other', async () => {
    const [directory, storage] = [await folder(), memoryStorage()];
    const other = packageWith({ id: 'test.other', migrations: NOTES });
    const start = () => withSql([notes, other], { directory }, { storage: outliving(storage) });
    const first = await start();
    for (const id of ['test.notes', 'test.other']) {
      await first.run("insert into notes (text) values ('kept')", [], id);
      await first.kernel.plugins.uninstall(id);
    }
    await first.kernel.stop();
    // A kernel that ends before its databases hear of the purge: one without them.
    const crashed = await createKernel({
      isolation: 'inline',
      telemetry: { log: false },
      storage: outliving(storage),
      sources: [sourceOf([notes, other])],
    });
    await crashed.start();
    await crashed.plugins.uninstall('test.notes', { purge: true });
    await crashed.stop();
    expect(readdirSync(join(directory, 'tenant-0'))).toHaveLength(2);
    const second = await start();
    await second.kernel.stop();
    const third = await start();
    expect((await third.kernel.extension(sql).list()).map(({ plugin }) => plugin)).toEqual([
      'test.other',
    ]);
    expect(await third.kernel.plugins.leftovers()).toMatchObject([
      { plugin: 'test.other', documents: true },
    ]);
    await third.kernel.plugins.uninstall('test.other', { purge: true });
    await third.kernel.stop();
    expect(readdirSync(join(directory, 'tenant-0'))).toEqual([]);
  });

  it('is of no database whose plugin the kernel has not uninstalled', async () => {
    const [directory, storage] = [await folder(), memoryStorage()];
    // The storage of the kernel is lost, or an earlier one.
    const first = await withSql([notes], { directory });
    await first.run("insert into notes (text) values ('kept')");
    await first.kernel.stop();
    for (const packages of [[], [], [notes]]) {
      const { kernel } = await withSql(packages, { directory }, { storage: outliving(storage) });
      await kernel.stop();
    }
    expect(readdirSync(join(directory, 'tenant-0'))).toHaveLength(1);
  });
});

it('the copy of an interrupted start is deleted once it is old, and not before', async () => {
  const first = await withSql([notes]);
  await first.run(all);
  const left = join(first.directory, 'tenant-0/test.notes/before.sqlite');
  for (const hours of [0, 2]) {
    await first.kernel.stop();
    writeFileSync(left, 'data');
    const then = Date.now() / 1_000 - hours * 3_600;
    utimesSync(left, then, then);
    const { directory } = first;
    const { kernel, run } = await withSql([packageWith({ migrations: NOTES })], { directory });
    await run(all);
    expect(existsSync(left)).toBe(hours === 0);
    await kernel.stop();
  }
});

describe('options', () => {
  it.each([
    [undefined, 'options'],
    [{}, 'directory'],
    [{ directory: '' }, 'directory'],
    [{ directory: './a', destructive: true }, 'destructive'],
    [{ directory: './a', driver: 1 }, 'driver'],
    [{ directory: './a', limits: { time: Number.NaN } }, 'limits.time'],
    [{ directory: './a', limits: { rows: -1 } }, 'limits.rows'],
    [{ directory: './a', limits: { quota: 1 } }, 'limits.quota'],
    [{ directory: './a', limits: { speed: 1 } }, 'limits.speed'],
    // A timer that is longer fires at once.
    [{ directory: './a', limits: { time: 2 ** 31 } }, 'limits.time'],
    [{ directory: './a', limits: { lock: 2 ** 31 } }, 'limits.lock'],
    [{ directory: './a', limits: { open: 2 ** 31 } }, 'limits.open'],
    [{ directory: './a', limits: { migration: 2 ** 31 } }, 'limits.migration'],
  ])('%j are refused by name', (options, option) => {
    expect(() => sql(options as never)).toThrow(
      expect.objectContaining({ code: 'kernel/invalid-option', details: { option } }),
    );
  });
});

it('a folder that can not be used is told without its path, and is used once it can be', async () => {
  const directory = await folder();
  const inWay = join(directory, 'tenant-0');
  writeFileSync(inWay, '');
  const { run } = await withSql([packageWith({})], { directory });
  const error = await rejection(run('select 1 as one'));
  expect(error.code).toBe('sql/failed');
  expect(error.message).not.toContain(directory);
  rmSync(inWay);
  expect((await run('select 1 as one')).rows).toEqual([{ one: 1 }]);
});
