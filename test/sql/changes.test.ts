/** What other statements have changed: columns, the end of a transaction, the log of changes. */
import { CompiledQuery } from 'kysely';
import { expect, it } from 'vitest';
import { read } from '#sql-folder';
import { rejection } from '../support/kernels.ts';
import { packageWith, withSql } from './databases.ts';

const TABLE = 'create table notes (id integer primary key, text text)';

it('a statement answers the columns that a table has now, also when it has run before', async () => {
  const { run } = await withSql([packageWith({})]);
  await run(TABLE);
  await run("insert into notes values (1, 'a')");
  const all = async () => (await run('select * from notes')).rows;
  expect(await all()).toEqual([{ id: 1, text: 'a' }]);
  await run('alter table notes add column more default 5');
  expect(await all()).toEqual([{ id: 1, text: 'a', more: 5 }]);
  await run('alter table notes drop column text');
  expect(await all()).toEqual([{ id: 1, more: 5 }]);
  const change = 'update notes set more = 6 returning *';
  expect((await run(change)).rows).toEqual([{ id: 1, more: 6 }]);
  await run('alter table notes rename column more to less');
  await run('alter table notes add column more');
  expect((await run(change)).rows).toEqual([{ id: 1, less: 6, more: 6 }]);
});

it('a stream answers the columns that a table has now', async () => {
  const plugin = packageWith({
    activate(ctx, db) {
      ctx.commands.handle('stream', async () => {
        const rows = [];
        for await (const row of db.selectFrom('notes').selectAll().stream()) rows.push(row);
        return rows;
      });
    },
  });
  const { run, kernel } = await withSql([plugin]);
  await run(TABLE);
  await run("insert into notes values (1, 'a')");
  const stream = () => kernel.commands.execute('test.notes:stream');
  expect(await stream()).toEqual([{ id: 1, text: 'a' }]);
  await run('alter table notes drop column text');
  expect(await stream()).toEqual([{ id: 1 }]);
});

it('a transaction that a statement has rolled back keeps nothing of what comes after', async () => {
  const plugin = packageWith({
    activate(ctx, db) {
      ctx.commands.handle('ended', async () => {
        const trx = await db.startTransaction().execute();
        const insert = (id: number) => trx.insertInto('notes').values({ id, text: 'a' }).execute();
        await insert(1);
        const again = CompiledQuery.raw("insert or rollback into notes values (1, 'b')");
        const codes = [await rejection(trx.executeQuery(again)), await rejection(insert(2))];
        codes.push(await rejection(trx.commit().execute()));
        return codes.map(({ code }) => code);
      });
    },
  });
  const { run, kernel } = await withSql([plugin]);
  await run(TABLE);
  expect(await kernel.commands.execute('test.notes:ended')).toEqual([
    'sql/constraint',
    'sql/interrupted',
    'sql/failed',
  ]);
  expect((await run('select * from notes')).rows).toEqual([]);
});

it('readers that take turns can not make the log of changes grow without a bound', async () => {
  const quota = 2_097_152;
  const plugin = packageWith({
    activate(ctx, db) {
      const write = 'insert or replace into notes values (1, hex(randomblob(500000)))';
      const reader = async () => {
        const trx = await db.startTransaction().setAccessMode('read only').execute();
        await trx.selectFrom('notes').select('id').execute();
        return trx;
      };
      ctx.commands.handle('grow', async () => {
        let trx = await reader();
        try {
          for (let turn = 0; turn < 40; turn++) {
            await db.executeQuery(CompiledQuery.raw(write));
            const next = await reader();
            await trx.commit().execute();
            trx = next;
          }
          return 'grown';
        } catch (error) {
          return (error as Error).message;
        } finally {
          await trx.rollback().execute();
        }
      });
    },
  });
  const { run, kernel, directory } = await withSql([plugin], { limits: { quota } });
  await run(TABLE);
  const why = await kernel.commands.execute('test.notes:grow');
  expect(why).toContain('transactions or streams that read');
  const log = `${directory}/tenant-0/test.notes/data.sqlite-wal`;
  expect((await read(log)).length).toBeLessThan(2 * quota + 8_388_608);
  // Without readers it is written back, and all goes on.
  await run("insert into notes values (2, 'after')");
  expect((await read(log)).length).toBeLessThan(8_388_608 + 65_536);
});
