/** What a page does with the databases: backup, restore, purge, and where they are. */
import { sql } from '@plinth/sql/host';
import { describe, expect, it } from 'vitest';
import { read, write } from '#sql-folder';
import { rejection } from '../support/kernels.ts';
import { folder, packageWith, withSql } from './databases.ts';
import { needPrivateFiles } from './private-files.ts';

needPrivateFiles();

const NOTES = { '0001_notes.sql': 'create table notes (id integer primary key, text text)' };
const MORE = { ...NOTES, '0002_more.sql': 'alter table notes add column more text' };
const notes = () => packageWith({ migrations: NOTES });
const all = 'select text from notes order by id';

/** Names in a folder of the private file system. */
async function namesIn(path: string): Promise<readonly string[]> {
  let at = await navigator.storage.getDirectory();
  for (const name of path.split('/')) at = await at.getDirectoryHandle(name);
  const names: string[] = [];
  for await (const name of at.keys()) names.push(name);
  return names.sort();
}

describe('a backup', () => {
  it('is a blob of one moment, made while the plugin runs, and brings that moment back', async () => {
    const { kernel, run, directory } = await withSql([notes()]);
    const databases = kernel.extension(sql);
    await run('insert into notes (text) values (?)', ['kept']);
    const copy = await databases.backup('test.notes');
    expect(await copy.slice(0, 15).text()).toBe('SQLite format 3');
    await run('insert into notes (text) values (?)', ['later']);
    const runs = await rejection(databases.restore('test.notes', copy));
    expect(runs.code).toBe('plugin/illegal-transition');
    await kernel.plugins.deactivate('test.notes');
    await databases.restore('test.notes', copy);
    await kernel.plugins.activate('test.notes');
    expect((await run(all)).rows).toEqual([{ text: 'kept' }]);
    const names = await namesIn(`${directory}/tenant-0/test.notes`);
    expect(names.filter((name) => !name.startsWith('data.sqlite'))).toEqual([]);
  });

  it('from before a migration is brought up to the version', async () => {
    const { kernel, run } = await withSql([notes()]);
    const databases = kernel.extension(sql);
    await run('insert into notes (text) values (?)', ['old']);
    const copy = await databases.backup('test.notes');
    await kernel.plugins.reload('test.notes', packageWith({ version: '2.0.0', migrations: MORE }));
    await kernel.plugins.deactivate('test.notes');
    await databases.restore('test.notes', copy);
    expect((await databases.migrations('test.notes')).length).toBe(1);
    await kernel.plugins.activate('test.notes');
    expect((await run('select text, more from notes')).rows).toEqual([{ text: 'old', more: null }]);
  });

  it('that is none, or larger than the quota, changes nothing', async () => {
    const large = await withSql([notes()]);
    await large.run("insert into notes (text) values (printf('%.*c', 300000, 'x'))");
    const big = await large.kernel.extension(sql).backup('test.notes');
    const { kernel, run, directory } = await withSql([notes()], { limits: { quota: 200_000 } });
    await run('insert into notes (text) values (?)', ['kept']);
    await kernel.plugins.deactivate('test.notes');
    const databases = kernel.extension(sql);
    for (const [what, code] of [
      [big, 'sql/quota'],
      [new Blob(['x'.repeat(10_000)]), 'storage/corrupt'],
      [new Blob([big.slice(0, 5_000)]), 'storage/corrupt'],
      [new Blob([]), 'storage/corrupt'],
      ['./notes.sqlite', 'sql/failed'],
      [undefined, 'sql/failed'],
    ] as const)
      expect((await rejection(databases.restore('test.notes', what as Blob))).code).toBe(code);
    await kernel.plugins.activate('test.notes');
    expect((await run(all)).rows).toEqual([{ text: 'kept' }]);
    const names = await namesIn(`${directory}/tenant-0/test.notes`);
    expect(names.filter((name) => name.startsWith('copy-'))).toEqual([]);
  });

  it('has no file, and needs a database', async () => {
    const { kernel, run } = await withSql([notes()]);
    const databases = kernel.extension(sql);
    await run(all);
    const named = databases.backup('test.notes', './notes.sqlite');
    expect(await rejection(named)).toMatchObject({
      code: 'sql/failed',
      message: expect.stringContaining('Blob'),
    });
    for (const id of ['test.absent', '../test.notes', ''])
      expect((await rejection(databases.backup(id))).code).toBe('sql/failed');
  });

  it('that an end of the page has left is deleted once it is old', async () => {
    const directory = await folder();
    const left = `${directory}/tenant-0/test.notes/copy-1.sqlite`;
    await write(left, 'x');
    const { run } = await withSql([notes()], { directory });
    await run(all);
    // It may be that of another page.
    expect(new TextDecoder().decode(await read(left))).toBe('x');
  });
});

describe('a purge', () => {
  it('deletes copies that an end of a page has left, too', async () => {
    const { kernel, run, directory } = await withSql([notes()]);
    await run(all);
    const inFolder = (name: string) => `${directory}/tenant-0/test.notes/${name}`;
    for (const name of ['before-1.sqlite', 'copy-1.sqlite']) await write(inFolder(name), 'secret');
    await kernel.plugins.deactivate('test.notes');
    await kernel.extension(sql).purge('test.notes');
    expect(await namesIn(`${directory}/tenant-0`)).toEqual([]);
  });

  it('deletes the database of a plugin that does not run, and it starts with an empty one', async () => {
    const { kernel, run, directory } = await withSql([notes()]);
    const databases = kernel.extension(sql);
    await run('insert into notes (text) values (?)', ['gone']);
    expect((await databases.list())[0]).toEqual({
      plugin: 'test.notes',
      bytes: expect.any(Number),
    });
    expect((await rejection(databases.purge('test.notes'))).code).toBe('plugin/illegal-transition');
    await kernel.plugins.deactivate('test.notes');
    await databases.purge('test.notes');
    expect(await databases.list()).toEqual([]);
    expect(await namesIn(`${directory}/tenant-0`)).toEqual([]);
    await kernel.plugins.activate('test.notes');
    expect((await run(all)).rows).toEqual([]);
  });

  it('comes with `uninstall(id, { purge: true })`, in that tenant alone', async () => {
    const { kernel, run, directory } = await withSql([notes()]);
    const tenant = await kernel.tenant('second');
    await run('insert into notes (text) values (?)', ['gone']);
    await tenant.commands.execute('test.notes:run', ["insert into notes (text) values ('stays')"]);
    await kernel.plugins.uninstall('test.notes', { purge: true });
    await expect.poll(() => namesIn(`${directory}/tenant-0`)).toEqual([]);
    expect((await tenant.extension(sql).list()).length).toBe(1);
  });
});

it('a tenant with any name has a folder of its own', async () => {
  const { kernel } = await withSql([notes()]);
  for (const name of ['Under.Score', 'second']) {
    const tenant = await kernel.tenant(name);
    await tenant.commands.execute('test.notes:run', [
      'insert into notes (text) values (?)',
      [name],
    ]);
    expect((await tenant.extension(sql).list()).length).toBe(1);
    expect(await tenant.commands.execute('test.notes:run', [all])).toMatchObject({
      rows: [{ text: name }],
    });
  }
});

it.each(['..', 'a/../../b'])('the folder %s is refused', (directory) => {
  expect(() => sql({ directory })).toThrow(
    expect.objectContaining({ code: 'kernel/invalid-option', details: { option: 'directory' } }),
  );
});
