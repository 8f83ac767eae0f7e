/** Statements, values, transactions, streams and limits: the same plugin on each kind of database. */
import { describe, expect, it } from 'vitest';
import { rejection } from '../support/kernels.ts';
import { KINDS, type Kind, stopPostgresAfterAll } from './backends.ts';
import { packageWith, withSql } from './databases.ts';

stopPostgresAfterAll();

const TABLE = 'create table notes (id integer primary key, text text)';
const COUNT = 'select count(*) as n from notes';
const numbers = (most: number) =>
  `with recursive n(i) as (select 1 union all select i + 1 from n where i < ${most})`;
const endless = `${numbers(2_000_000_000)} select max(i) as n from n`;
const notes = packageWith({});

describe.each(KINDS)('$title', (kind: Kind) => {
  const start = async (
    packages = [notes],
    options: Parameters<typeof withSql>[1] = {},
  ): ReturnType<typeof withSql> => withSql(packages, { ...(await kind.place()), ...options });

  describe('a statement', () => {
    it('answers rows, changes and tables, through Kysely and by text', async () => {
      const typed = packageWith({
        activate: (ctx, db) => {
          ctx.commands.handle('all', async () => {
            await db.schema
              .createTable('notes')
              .addColumn('id', 'integer', (column) => column.primaryKey())
              .addColumn('text', 'text')
              .execute();
            await db
              .insertInto('notes')
              .values([{ id: 7, text: 'a' }, { id: 8 } as never])
              .execute();
            const again = await db
              .insertInto('notes')
              .values({ id: 7, text: 'b' })
              .onConflict((on) => on.column('id').doUpdateSet({ text: 'b' }))
              .returningAll()
              .execute();
            const gone = await db.deleteFrom('notes').where('id', '=', 7).executeTakeFirstOrThrow();
            const tables = await db.introspection.getTables();
            return {
              again,
              gone: gone.numDeletedRows,
              left: await db.selectFrom('notes').selectAll().execute(),
              tables: tables.map(({ name, columns }) => [name, columns.map((one) => one.name)]),
            };
          });
        },
      });
      const { kernel, run } = await start([typed]);
      expect(await kernel.commands.execute('test.notes:all')).toEqual({
        again: [{ id: 7, text: 'b' }],
        gone: 1n,
        left: [{ id: 8, text: null }],
        tables: [['notes', ['id', 'text']]],
      });
      expect(await run('update notes set text = ? where id = ?', ['c', 8])).toMatchObject({
        numAffectedRows: 1n,
      });
      expect((await run('select text from notes')).rows).toEqual([{ text: 'c' }]);
    });

    it('keeps values as the page of SQL says', async () => {
      const { run } = await start();
      await run(
        `create table kept (id integer primary key, small integer, big bigint, real double precision, text text, data ${kind.bytes}, at text, flag integer)`,
      );
      const at = new Date('2026-01-02T03:04:05.060Z');
      const rows: readonly (readonly unknown[])[] = [
        [1, 5, 2n ** 63n - 1n, 1.5, 'größe \u{1F600}', new Uint8Array([0, 255]), at, true],
        [2, -1, 2 ** 53 - 1, Number.POSITIVE_INFINITY, '', new Uint16Array([1]), null, false],
        [3, null, 2n ** 53n + 1n, -0.25, null, new ArrayBuffer(1), null, null],
      ];
      for (const row of rows) await run('insert into kept values (?, ?, ?, ?, ?, ?, ?, ?)', row);
      expect((await run('select * from kept order by id')).rows.map(Object.values)).toEqual([
        [
          1,
          5,
          2n ** 63n - 1n,
          1.5,
          'größe \u{1F600}',
          new Uint8Array([0, 255]),
          '2026-01-02T03:04:05.060Z',
          1,
        ],
        [2, -1, 2 ** 53 - 1, Number.POSITIVE_INFINITY, '', new Uint8Array([1, 0]), null, 0],
        [3, null, 2n ** 53n + 1n, -0.25, null, new Uint8Array(1), null, null],
      ]);
      const sums = 'select count(*) as n, sum(small) as s, avg(small) as a from kept';
      expect((await run(sums)).rows).toEqual([{ n: 3, s: 4, a: 2 }]);
    });

    it('has a value for each of its parameters', async () => {
      const { run } = await start();
      await run(TABLE);
      await run('insert into notes values (?2, ?1)', ['a', 1]);
      await run("insert into notes values (?, '?')", [2]);
      expect(
        (await run('select id, text from notes where id = ?1 or text = ? or id = ?1', [2, 'a']))
          .rows.length,
      ).toBe(2);
      for (const [text, values] of [
        ['select text from notes where id = ? and text = ?', [1]],
        ['select text from notes where id = ?', [1, 2]],
        ['select text from notes', [1]],
        ['select 1; select 2', []],
        ['-- nothing', []],
        ['select ? as a', [undefined]],
      ] as const)
        expect([text, (await rejection(run(text, values))).code]).toEqual([text, 'sql/invalid']);
    });

    it('fails with a code, and others go on', async () => {
      const { run } = await start();
      await run(TABLE);
      await run('insert into notes values (1, ?)', ['a']);
      for (const [text, code] of [
        ['select * from absent', 'sql/failed'],
        ['insert into notes values (1, null)', 'sql/constraint'],
        ['selec 1', 'sql/(failed|denied)'],
        ['begin', 'sql/denied'],
        ['commit', 'sql/denied'],
        ['savepoint a', 'sql/denied'],
        ['vacuum', 'sql/denied'],
      ])
        expect([text, (await rejection(run(text as string))).code]).toEqual([
          text,
          expect.stringMatching(code as string),
        ]);
      expect((await run(COUNT)).rows).toEqual([{ n: 1 }]);
    });

    it('has bounds of rows, bytes and time, and a change beyond them is undone', async () => {
      const { run } = await start([notes], {
        limits: { rows: 10, answer: 10_000, time: 3_000 },
      });
      await run(TABLE);
      expect((await rejection(run(`${numbers(11)} select i from n`))).code).toBe('sql/too-large');
      expect((await run(`${numbers(10)} select i from n`)).rows.length).toBe(10);
      const large = `${numbers(3)} select '${'x'.repeat(3_000)}' as x from n`;
      expect((await rejection(run(large))).code).toBe('sql/too-large');
      const many = `insert into notes ${numbers(2_000)} select i, 'a text of some length' from n returning id, text`;
      expect((await rejection(run(many))).code).toBe('sql/too-large');
      expect((await run(COUNT)).rows).toEqual([{ n: 0 }]);
      expect((await rejection(run(endless))).code).toBe('sql/timeout');
      expect((await run(COUNT)).rows).toEqual([{ n: 0 }]);
    });

    it('runs in the order in which it was sent', async () => {
      const { run } = await start();
      const all = [run(TABLE)];
      for (let id = 0; id < 50; id++)
        all.push(run('insert into notes select count(*), null from notes', []));
      await Promise.all(all);
      expect((await run('select max(id) as n from notes')).rows).toEqual([{ n: 49 }]);
    });
  });

  describe('databases', () => {
    it('are apart by plugin and tenant, and keep what they have', async () => {
      const place = await kind.place();
      const other = packageWith({ id: 'test.other' });
      const { kernel, run } = await withSql([notes, other], place);
      await run(TABLE);
      await run("insert into notes values (1, 'kept')");
      const absent = 'select * from notes';
      expect((await rejection(run(absent, [], 'test.other'))).code).toBe('sql/failed');
      const tenant = await kernel.tenant('second');
      const ran = tenant.commands.execute('test.notes:run', [absent]);
      expect((await rejection(ran)).code).toBe('sql/failed');
      await kernel.stop();
      const again = await withSql([packageWith({})], place);
      expect((await again.run(absent)).rows).toEqual([{ id: 1, text: 'kept' }]);
    });

    it('have a quota, and deleting makes room', async () => {
      const quota = 1_048_576;
      const { run } = await start([notes], { limits: { quota } });
      await run(TABLE);
      const fill = `insert into notes ${numbers(200)} select (select coalesce(max(id), 0) from notes) + i, ? from n`;
      const random = () => Buffer.from(crypto.getRandomValues(new Uint8Array(750))).toString('hex');
      const error = await rejection(
        (async () => {
          for (;;) await run(fill, [random()]);
        })(),
      );
      expect(error).toMatchObject({ code: 'sql/quota' });
      expect(error.message).toContain(`${quota} bytes`);
      const kept = (await run(COUNT)).rows[0]?.n as number;
      expect(kept).toBeGreaterThanOrEqual(200);
      await run('delete from notes where id > 100');
      expect((await run(COUNT)).rows).toEqual([{ n: 100 }]);
      await run('delete from notes');
      await run(fill, [random()]);
      expect((await run(COUNT)).rows).toEqual([{ n: 200 }]);
    });
  });

  describe('a transaction', () => {
    const inside = packageWith({
      activate: (ctx, db) => {
        ctx.commands.handle('both', async (fail) => {
          await db.transaction().execute(async (trx) => {
            await trx.insertInto('notes').values({ id: 1, text: 'a' }).execute();
            await trx.insertInto('notes').values({ id: 2, text: 'b' }).execute();
            if (fail) throw new Error('not now');
          });
        });
        ctx.commands.handle('points', async () => {
          const trx = await db.startTransaction().execute();
          await trx.insertInto('notes').values({ id: 1, text: 'kept' }).execute();
          const after = await trx.savepoint('here').execute();
          await after.insertInto('notes').values({ id: 2, text: 'undone' }).execute();
          await after.rollbackToSavepoint('here').execute();
          await trx.commit().execute();
        });
        ctx.commands.handle('goesOn', () =>
          db.transaction().execute(async (trx) => {
            await trx.insertInto('notes').values({ id: 1, text: 'a' }).execute();
            const twice = trx.insertInto('notes').values({ id: 1, text: 'b' }).execute();
            const { code } = await rejection(twice);
            await trx.insertInto('notes').values({ id: 2, text: 'c' }).execute();
            return code;
          }),
        );
        ctx.commands.handle('reads', async () =>
          db
            .transaction()
            .setAccessMode('read only')
            .execute((trx) => trx.insertInto('notes').values({ id: 1, text: 'a' }).execute()),
        );
        ctx.commands.handle('leave', async () => {
          const trx = await db.startTransaction().execute();
          await trx.insertInto('notes').values({ id: 1, text: 'a' }).execute();
          ctx.commands.handle('commit', () => trx.commit().execute());
        });
        ctx.commands.handle('itself', () =>
          db.transaction().execute(async (trx) => {
            await trx.insertInto('notes').values({ id: 1, text: 'a' }).execute();
            await db.insertInto('notes').values({ id: 1, text: 'b' }).execute();
          }),
        );
      },
    });
    const all = 'select id, text from notes order by id';

    it('is kept whole, or not at all', async () => {
      const { kernel, run } = await start([inside]);
      await run(TABLE);
      const failed = kernel.commands.execute('test.notes:both', true);
      expect((await rejection(failed)).message).toBe('not now');
      expect((await run(all)).rows).toEqual([]);
      await kernel.commands.execute('test.notes:both', false);
      expect((await run(all)).rows.length).toBe(2);
    });

    it('has savepoints, goes on after a statement that fails, and may be for reading', async () => {
      const { kernel, run } = await start([inside]);
      await run(TABLE);
      expect((await rejection(kernel.commands.execute('test.notes:reads'))).code).toBe(
        'sql/denied',
      );
      await kernel.commands.execute('test.notes:points');
      expect((await run(all)).rows).toEqual([{ id: 1, text: 'kept' }]);
      await run('delete from notes');
      expect(await kernel.commands.execute('test.notes:goesOn')).toBe('sql/constraint');
      expect((await run(all)).rows.map(({ id }) => id)).toEqual([1, 2]);
    });

    it('makes others wait for the same row, and says so when that takes too long', async () => {
      const { kernel, run } = await start([inside], { limits: { lock: 1_000 } });
      await run(TABLE);
      expect((await rejection(kernel.commands.execute('test.notes:itself'))).code).toBe(
        'sql/locked',
      );
      expect((await run(all)).rows).toEqual([]);
    });

    it('ends with its plugin, and after its time', async () => {
      const { kernel, run } = await start([inside], { limits: { open: 1_500, lock: 20_000 } });
      await run(TABLE);
      await kernel.commands.execute('test.notes:leave');
      await run('insert into notes values (1, ?)', ['after']);
      const late = await rejection(kernel.commands.execute('test.notes:commit'));
      expect(late).toMatchObject({ code: 'sql/interrupted', retryable: true });
      expect((await run(all)).rows).toEqual([{ id: 1, text: 'after' }]);
      await run('delete from notes');
      await kernel.commands.execute('test.notes:leave');
      await kernel.plugins.deactivate('test.notes');
      await kernel.plugins.activate('test.notes');
      await run('insert into notes values (1, ?)', ['at once']);
      expect((await run(all)).rows.length).toBe(1);
    });
  });

  it('a stream brings all rows of one moment, in parts, and ends when its reader leaves', async () => {
    const ROWS = 2_500;
    const streaming = packageWith({
      activate: (ctx, db) => {
        const select = db.selectFrom('notes').select('id').orderBy('id');
        ctx.commands.handle('sum', async () => {
          let [count, sum] = [0, 0];
          for await (const { id } of select.stream()) {
            count += 1;
            sum += id;
            if (count === 1)
              await db
                .insertInto('notes')
                .values({ id: ROWS + 1, text: 'new' })
                .execute();
          }
          return { count, sum };
        });
        ctx.commands.handle('first', async () => {
          for await (const { id } of select.stream()) return id;
        });
        ctx.commands.handle('within', async () =>
          db.transaction().execute(async (trx: typeof db) => {
            await trx.updateTable('notes').set({ text: 'changed' }).execute();
            for await (const { text } of trx.selectFrom('notes').select('text').stream())
              return text;
          }),
        );
      },
    });
    const { kernel, run } = await start([streaming], {
      limits: { transactions: 1, lock: 10_000 },
    });
    await run(TABLE);
    await run(`insert into notes ${numbers(ROWS)} select i, 'text' from n`);
    const whole = { count: ROWS, sum: (ROWS * (ROWS + 1)) / 2 };
    expect(await kernel.commands.execute('test.notes:sum')).toEqual(whole);
    for (let time = 0; time < 3; time++)
      expect(await kernel.commands.execute('test.notes:first')).toBe(1);
    expect(await kernel.commands.execute('test.notes:within')).toBe('changed');
    expect((await run(`${COUNT} where text = 'changed'`)).rows).toEqual([{ n: ROWS + 1 }]);
  });
});
