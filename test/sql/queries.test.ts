/** `database(ctx)`: statements, values, transactions and streams, in a real database process. */
import { sql } from '@plinth/sql/host';
import { describe, expect, it } from 'vitest';
import { rejection } from '../support/kernels.ts';
import { packageWith, type Tables, withSql } from './databases.ts';

const TABLE = 'create table notes (id integer primary key, text text)';
const notes = packageWith({});

describe('a statement', () => {
  it('answers rows, changes and ids, through Kysely and by text', async () => {
    const typed = packageWith({
      id: 'test.typed',
      activate: (ctx, db) => {
        ctx.commands.handle('all', async () => {
          await db.schema
            .createTable('notes')
            .addColumn('id', 'integer', (c) => c.primaryKey())
            .addColumn('text', 'text')
            .execute();
          const added = await db
            .insertInto('notes')
            .values({ id: 7, text: 'a' })
            .executeTakeFirstOrThrow();
          const again = await db
            .insertInto('notes')
            .values({ id: 7, text: 'b' })
            .onConflict((on) => on.column('id').doUpdateSet({ text: 'b' }))
            .returningAll()
            .execute();
          const gone = await db.deleteFrom('notes').where('id', '=', 7).executeTakeFirstOrThrow();
          const tables = await db.introspection.getTables();
          return {
            added: added.insertId,
            again,
            gone: gone.numDeletedRows,
            tables: tables.map(({ name }) => name),
          };
        });
      },
    });
    const { kernel } = await withSql([typed]);
    expect(await kernel.commands.execute('test.typed:all')).toEqual({
      added: 7n,
      again: [{ id: 7, text: 'b' }],
      gone: 1n,
      tables: ['notes'],
    });
  });

  it('maps values as the page of SQL says', async () => {
    const { run } = await withSql([notes]);
    const given = [
      null,
      0,
      -1,
      2 ** 53 - 1,
      1.5,
      -0,
      Number.POSITIVE_INFINITY,
      2n ** 63n - 1n,
      5n,
      'größe \u{1F600}',
      '',
      true,
      false,
      new Date(0),
      new Uint8Array([0, 255]),
      new Uint16Array([1]),
      new ArrayBuffer(1),
    ];
    const { rows } = await run(`select ${given.map((_, at) => `? as c${at}`).join(', ')}`, given);
    expect(Object.values(rows[0] ?? {})).toEqual([
      null,
      0,
      -1,
      2 ** 53 - 1,
      1.5,
      -0,
      Number.POSITIVE_INFINITY,
      2n ** 63n - 1n,
      5,
      'größe \u{1F600}',
      '',
      1,
      0,
      '1970-01-01T00:00:00.000Z',
      new Uint8Array([0, 255]),
      new Uint8Array([1, 0]),
      new Uint8Array(1),
    ]);
    const types = await run('select typeof(?) as a, typeof(?) as b, typeof(?) as c', [
      1,
      1.5,
      true,
    ]);
    expect(types.rows).toEqual([{ a: 'integer', b: 'real', c: 'integer' }]);
    expect(rows[0]).toHaveProperty('c14');
  });

  it('refuses parameters that no database holds, and names them', async () => {
    const { run } = await withSql([notes]);
    const values: readonly (readonly [unknown, string])[] = [
      [undefined, 'undefined'],
      [Number.NaN, 'NaN'],
      [2n ** 63n, '64 bits'],
      [new Date(Number.NaN), 'date'],
      [{ a: 1 }, 'JSON.stringify'],
    ];
    for (const [value, words] of values) {
      const error = await rejection(run('select ?, ?', [1, value]));
      expect(error.code).toBe('sql/invalid');
      expect(error.message).toContain(words);
      expect(error.message).toContain('parameter 2');
    }
  });

  it('has a value for each of its parameters, which have no names', async () => {
    const { run } = await withSql([notes]);
    const rows = async (text: string, values: readonly unknown[]) => (await run(text, values)).rows;
    expect(await rows('select ?2 as a, ?1 as b', [1, 2])).toEqual([{ a: 2, b: 1 }]);
    expect(await rows('select ?1 as a, ? as b, ?1 as c', [1, 2])).toEqual([{ a: 1, b: 2, c: 1 }]);
    expect(
      await rows("select '?:a' as a, \"b\" -> '$.x' as b from (select ? as b)", ['{}']),
    ).toEqual([{ a: '?:a', b: null }]);
    for (const [text, values] of [
      ['select ? as a, ? as b', [1]],
      ['select ?3 as a', [1, 2]],
      ['select 1 as a', [1]],
      ['select :a as a', [1]],
      ['select @a as a', [1]],
      ['select $1 as a', [1]],
    ] as const)
      expect([text, (await rejection(run(text, values))).code]).toEqual([text, 'sql/invalid']);
  });

  it('fails with a code, the message of SQLite, and no path', async () => {
    const { run, directory } = await withSql([notes]);
    await run(TABLE);
    await run('insert into notes values (1, ?)', ['a']);
    const errors = await Promise.all(
      [
        'select * from absent',
        'insert into notes values (1, null)',
        'select 1; select 2',
        '-- nothing',
        'select',
      ].map((text) => rejection(run(text))),
    );
    expect(errors.map(({ code }) => code)).toEqual([
      'sql/failed',
      'sql/constraint',
      'sql/invalid',
      'sql/invalid',
      'sql/failed',
    ]);
    expect(errors[0]?.message).toContain('no such table: absent');
    for (const { message } of errors) expect(message).not.toContain(directory);
  });

  it('is refused beyond the bounds of text, parameters, rows and bytes', async () => {
    const { run } = await withSql([notes], {
      limits: { statement: 200, parameters: 3, input: 1_000, rows: 10, answer: 10_000 },
    });
    const codes = await Promise.all(
      [
        run(`select ${'1'.repeat(300)}`),
        run('select ?, ?, ?, ?', [1, 2, 3, 4]),
        run('select ?', ['x'.repeat(600)]),
        run(
          'with recursive n(i) as (select 1 union all select i + 1 from n limit 11) select i from n',
        ),
        run("select printf('%.*c', 6000, 'x')"),
      ].map(async (ran) => (await rejection(ran)).code),
    );
    expect(codes).toEqual([
      'sql/invalid',
      'sql/invalid',
      'sql/invalid',
      'sql/too-large',
      'sql/too-large',
    ]);
    const { rows } = await run(
      'with recursive n(i) as (select 1 union all select i + 1 from n limit 10) select i from n',
    );
    expect(rows.length).toBe(10);
  });

  it('that changes rows and answers too many is undone', async () => {
    const { run } = await withSql([notes], { limits: { answer: 1_000 } });
    await run(TABLE);
    const many = `with recursive n(i) as (select 1 union all select i + 1 from n limit 500) insert into notes select i, 'text' from n where true returning id`;
    expect((await rejection(run(many))).code).toBe('sql/too-large');
    expect((await run('select count(*) as n from notes')).rows).toEqual([{ n: 0 }]);
  });
});

it('has full-text search in its database', async () => {
  const { run } = await withSql([notes]);
  await run('create virtual table words using fts5 (text)');
  await run('insert into words values (?), (?)', ['buy milk', 'write letters']);
  const { rows } = await run('select text from words where words match ?', ['letters']);
  expect(rows).toEqual([{ text: 'write letters' }]);
  await run('drop table words');
});

it('serves the other tenants when one has stopped', async () => {
  const { kernel, run } = await withSql([notes]);
  const tenant = await kernel.tenant('second');
  await tenant.commands.execute('test.notes:run', [TABLE]);
  await run(TABLE);
  await tenant.stop();
  expect((await run('select * from notes')).rows).toEqual([]);
});

describe('databases', () => {
  it('are apart by plugin and tenant, and only plugins have them', async () => {
    const other = packageWith({ id: 'test.other' });
    const { kernel, run } = await withSql([notes, other]);
    await run(TABLE);
    expect((await rejection(run('select * from notes', [], 'test.other'))).message).toContain(
      'no such table',
    );
    const tenant = await kernel.tenant('second');
    const ran = tenant.commands.execute('test.notes:run', ['select * from notes']);
    expect((await rejection(ran)).message).toContain('no such table');
    const byHost = kernel.commands.execute('plinth.sql:query', { sql: 'select 1', parameters: [] });
    expect((await rejection(byHost)).code).toBe('sql/denied');
  });

  it('need the right to them', async () => {
    const { run } = await withSql([packageWith({ manifest: { permissions: {} } })]);
    expect((await rejection(run('select 1'))).code).toBe('permission/denied');
  });

  it('keep what they have when the kernel starts again', async () => {
    const first = await withSql([notes]);
    await first.run(TABLE);
    await first.run('insert into notes values (1, ?)', ['kept']);
    await first.kernel.stop();
    const second = await withSql([packageWith({})], { directory: first.directory });
    expect((await second.run('select text from notes')).rows).toEqual([{ text: 'kept' }]);
    const files = await second.kernel.extension(sql).list();
    expect(files).toEqual([{ plugin: 'test.notes', bytes: expect.any(Number) }]);
  });
});

describe('a transaction', () => {
  const inside = packageWith({
    activate: (ctx, db) => {
      ctx.commands.handle('both', async (input) => {
        const { fail } = input as { fail: boolean };
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
      ctx.commands.handle('reads', async () =>
        db
          .transaction()
          .setAccessMode('read only')
          .execute((trx) => trx.insertInto('notes').values({ id: 1, text: 'a' }).execute()),
      );
      ctx.commands.handle('mistake', () =>
        db.transaction().execute(async (trx) => {
          await trx.insertInto('notes').values({ id: 1, text: 'a' }).execute();
          await db.insertInto('notes').values({ id: 2, text: 'b' }).execute();
        }),
      );
      ctx.commands.handle('leave', async () => {
        const trx = await db.startTransaction().execute();
        await trx.insertInto('notes').values({ id: 1, text: 'a' }).execute();
        ctx.commands.handle('commit', () => trx.commit().execute());
      });
      ctx.commands.handle('crowd', async () => {
        const order: number[] = [];
        const alone: Promise<unknown>[] = [];
        const crowd = Array.from({ length: 40 }, (_, id) =>
          db.transaction().execute(async (trx) => {
            await trx.insertInto('notes').values({ id, text: 'a' }).execute();
            if (id % 10 === 0)
              alone.push(
                db
                  .insertInto('notes')
                  .values({ id: -id - 1, text: 'b' })
                  .execute(),
              );
            await trx.updateTable('notes').set({ text: 'c' }).where('id', '=', id).execute();
            order.push(id);
          }),
        );
        await Promise.all(crowd);
        await Promise.all(alone);
        return order;
      });
    },
  });
  const all = 'select id, text from notes order by id';

  it('is kept whole, or not at all', async () => {
    const { kernel, run } = await withSql([inside]);
    await run(TABLE);
    const failed = kernel.commands.execute('test.notes:both', { fail: true });
    expect((await rejection(failed)).message).toBe('not now');
    expect((await run(all)).rows).toEqual([]);
    await kernel.commands.execute('test.notes:both', { fail: false });
    expect((await run(all)).rows.length).toBe(2);
  });

  it('has savepoints, and may be for reading alone', async () => {
    const { kernel, run } = await withSql([inside]);
    await run(TABLE);
    const reads = kernel.commands.execute('test.notes:reads');
    expect((await rejection(reads)).code).toBe('sql/denied');
    await kernel.commands.execute('test.notes:points');
    expect((await run(all)).rows).toEqual([{ id: 1, text: 'kept' }]);
  });

  it('makes others wait that write, lets others read, and says how to avoid a wait for itself', async () => {
    const { kernel, run } = await withSql([inside], { limits: { lock: 300 } });
    await run(TABLE);
    const error = await rejection(kernel.commands.execute('test.notes:mistake'));
    expect(error).toMatchObject({
      code: 'sql/locked',
      message: expect.stringContaining('transaction itself'),
    });
    expect((await run(all)).rows).toEqual([]);
    await kernel.commands.execute('test.notes:leave');
    const waits = run('insert into notes values (2, ?)', ['after']);
    expect((await run(all)).rows).toEqual([]);
    await kernel.commands.execute('test.notes:commit');
    await waits;
    expect((await run(all)).rows.length).toBe(2);
  });

  it('waits in the order of asking while others write, and is not passed over', async () => {
    const { kernel, run } = await withSql([inside], { limits: { lock: 30_000 } });
    await run(TABLE);
    const order = await kernel.commands.execute('test.notes:crowd');
    expect(order).toEqual(Array.from({ length: 40 }, (_, id) => id));
    expect((await run('select count(*) as n from notes')).rows).toEqual([{ n: 44 }]);
  });

  it('ends with its plugin, and after its time', async () => {
    const { kernel, run } = await withSql([inside], { limits: { open: 200, lock: 5_000 } });
    await run(TABLE);
    await kernel.commands.execute('test.notes:leave');
    // It waits for the other's end by time.
    await run('insert into notes values (2, ?)', ['after']);
    const late = await rejection(kernel.commands.execute('test.notes:commit'));
    expect(late).toMatchObject({ code: 'sql/interrupted', retryable: true });
    expect(late.message).toContain("'limits.open'");
    expect((await run(all)).rows).toEqual([{ id: 2, text: 'after' }]);
    await kernel.plugins.deactivate('test.notes');
    await kernel.plugins.activate('test.notes');
    await kernel.commands.execute('test.notes:leave');
    await kernel.plugins.deactivate('test.notes');
    await kernel.plugins.activate('test.notes');
    await run('insert into notes values (3, ?)', ['at once']);
    expect((await run(all)).rows.length).toBe(2);
  });

  it('is counted: no more than the limit are open', async () => {
    const { kernel, run } = await withSql(
      [
        packageWith({
          activate: (ctx, db) => {
            ctx.commands.handle('open', async () => {
              await db.startTransaction().setAccessMode('read only').execute();
            });
          },
        }),
      ],
      { limits: { transactions: 2, lock: 200 } },
    );
    await run(TABLE);
    await kernel.commands.execute('test.notes:open');
    await kernel.commands.execute('test.notes:open');
    const third = await rejection(kernel.commands.execute('test.notes:open'));
    expect(third).toMatchObject({
      code: 'sql/locked',
      message: expect.stringContaining('limits.transactions'),
    });
  });
});

describe('a stream', () => {
  const ROWS = 5_000;
  const streaming = packageWith({
    activate: (ctx, db) => {
      const select = db.selectFrom('notes').select('id').orderBy('id');
      ctx.commands.handle('sum', async () => {
        let [count, sum] = [0, 0];
        for await (const { id } of select.stream()) {
          count += 1;
          sum += id;
          // What is written meanwhile isn't in it.
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
          for await (const { text } of trx.selectFrom('notes').select('text').stream()) return text;
        }),
      );
    },
  });

  it('brings all rows of one moment, in parts, and ends when its reader leaves', async () => {
    const { kernel, run } = await withSql([streaming], {
      limits: { transactions: 1, lock: 1_000 },
    });
    await run(TABLE);
    await run(
      `with recursive n(i) as (select 1 union all select i + 1 from n limit ${ROWS}) insert into notes select i, 'text' from n`,
    );
    const whole = { count: ROWS, sum: (ROWS * (ROWS + 1)) / 2 };
    expect(await kernel.commands.execute('test.notes:sum')).toEqual(whole);
    for (let time = 0; time < 3; time++)
      expect(await kernel.commands.execute('test.notes:first')).toBe(1);
    expect(await kernel.commands.execute('test.notes:within')).toBe('changed');
    expect((await run("select count(*) as n from notes where text = 'changed'")).rows).toEqual([
      { n: ROWS + 1 },
    ]);
  });
});

const _types = (db: import('kysely').Kysely<Tables>) => {
  // @ts-expect-error there is no such table
  db.selectFrom('note');
  // @ts-expect-error there is no such column
  return db.selectFrom('notes').select('titel');
};
void _types;
