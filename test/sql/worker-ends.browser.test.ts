/** Ends of the database worker: nothing that was acknowledged is lost, nothing is left. */
import { sql } from '@plinth/sql/host';
import { describe, expect, it } from 'vitest';
import { rejection } from '../support/kernels.ts';
import { packageWith, withSql } from './databases.ts';
import { needPrivateFiles } from './private-files.ts';
import { survivesEnds } from './worker-ends.ts';
import { heldLocks, watchDatabaseWorkers } from './workers.ts';

needPrivateFiles();
const workers = watchDatabaseWorkers();
const ENDLESS =
  'with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n';

describe('the database worker', () => {
  it('can be ended at any time: nothing acknowledged is lost', () => survivesEnds(5, workers));

  it('is started at the first statement, and is gone when the kernel has stopped', async () => {
    const { kernel, run } = await withSql([packageWith({})]);
    expect(workers.length).toBe(0);
    await run('select 1');
    await run('select 1');
    expect(workers.length).toBe(1);
    expect((await heldLocks()).length).toBe(2);
    await kernel.stop();
    // Whether it is gone is what the host has asked by its lock, and gives back.
    await expect.poll(heldLocks).toEqual([]);
    // Also with a statement in progress and others that wait.
    const again = await withSql([packageWith({})], { limits: { time: 60_000 } });
    await again.run('select 1');
    const endless = rejection(again.run(ENDLESS));
    const waits = rejection(again.run('select 1'));
    await again.kernel.stop({ drain: 0 });
    await expect.poll(heldLocks).toEqual([]);
    await Promise.all([endless, waits]);
  });

  it('answers again what only reads, when it was ended meanwhile', async () => {
    const { run } = await withSql([packageWith({})]);
    await run('select 1');
    const slow =
      'select count(*) as n from (with recursive n(i) as (select 1 union all select i + 1 from n limit 1000000) select i from n)';
    const reading = run(slow);
    (workers.at(-1) as Worker).terminate();
    expect((await reading).rows).toEqual([{ n: 1_000_000 }]);
  });

  it('begins with an empty database when only the log of one is there', async () => {
    const { kernel, run, directory } = await withSql([packageWith({})]);
    await run('create table notes (id integer primary key, text text)');
    await run("insert into notes values (1, 'in the log')");
    (workers.at(-1) as Worker).terminate();
    await expect.poll(async () => (await heldLocks()).length).toBe(0);
    let folder = await navigator.storage.getDirectory();
    for (const name of [directory, 'tenant-0', 'test.notes'])
      folder = await folder.getDirectoryHandle(name);
    const log = await (await folder.getFileHandle('data.sqlite-wal')).getFile();
    expect(log.size).toBeGreaterThan(0);
    // As an end of the page in the middle of a purge leaves it.
    await folder.removeEntry('data.sqlite');
    expect(await kernel.extension(sql).list()).toEqual([]);
    expect((await run('select name from sqlite_schema')).rows).toEqual([]);
  });

  it('stays when a statement has to be ended, and other databases are as before', async () => {
    const other = packageWith({ id: 'test.other' });
    const { run } = await withSql([packageWith({}), other], { limits: { time: 1_500 } });
    await run('create table notes (id integer primary key, text text)', [], 'test.other');
    const ended = rejection(run(ENDLESS));
    const wrote = run("insert into notes values (1, 'a')", [], 'test.other');
    expect((await ended).code).toBe('sql/timeout');
    await wrote;
    expect(workers.length).toBe(1);
  });
});
