/** What plugins try against their databases, each with a witness outside. */
import { describe, expect, it } from 'vitest';
import { inNode, read, write } from '#sql-folder';
import { rejection } from '../support/kernels.ts';
import { folder, packageWith, withSql } from './databases.ts';

const TABLE = 'create table notes (id integer primary key, text text)';
const notes = packageWith({});
const other = packageWith({ id: 'test.other' });
const ENDLESS =
  'with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n';

describe('a statement can not', () => {
  it('change how the database works', async () => {
    const { kernel, run, directory } = await withSql([notes], { limits: { quota: 262_144 } });
    await run(TABLE);
    for (const text of [
      'pragma max_page_count=1000000',
      'pragma journal_mode=off',
      'pragma synchronous=off',
      'pragma foreign_keys=off',
      'pragma writable_schema=on',
      'pragma trusted_schema=on',
      'pragma query_only=on',
      'pragma page_size=512',
      'pragma cache_size=-100000000',
      'pragma mmap_size=1000000000',
      "pragma temp_store_directory='/tmp'",
      'pragma hard_heap_limit=1',
      'pragma user_version=7',
      'pragma wal_checkpoint(truncate)',
      'pragma data_version=2',
      'select * from pragma_journal_mode',
      "update sqlite_schema set sql = 'x'",
      'insert into sqlite_master values (1, 2, 3, 4, 5)',
      'delete from sqlite_sequence',
    ]) {
      const { code } = await rejection(run(text));
      expect([text, code]).toEqual([text, expect.stringMatching(/^sql\/(denied|failed)$/)]);
    }
    for (const text of ['pragma table_info(notes)', "select * from pragma_table_xinfo('notes')"])
      expect((await run(text)).rows.length).toBe(2);
    await kernel.stop();
    const file = await read(`${directory}/tenant-0/test.notes/data.sqlite`);
    // Where SQLite keeps `user_version`.
    expect([...file.subarray(60, 64)]).toEqual([0, 0, 0, 0]);
  });

  it('begin or end transactions by itself', async () => {
    const { run } = await withSql([notes]);
    await run(TABLE);
    for (const text of [
      'begin',
      'begin immediate',
      'commit',
      'rollback',
      'savepoint a',
      'release a',
    ])
      expect([text, (await rejection(run(text))).code]).toEqual([text, 'sql/denied']);
    const inside = packageWith({
      id: 'test.inside',
      activate: (ctx, db) => {
        ctx.commands.handle('try', (text) =>
          db.transaction().execute(async (trx) => {
            const { sql } = await import('kysely');
            await sql.raw(text as string).execute(trx);
          }),
        );
      },
    });
    const { kernel } = await withSql([inside]);
    for (const text of ['commit', 'rollback', 'begin'])
      expect((await rejection(kernel.commands.execute('test.inside:try', text))).code).toBe(
        'sql/denied',
      );
  });

  it('change the list of migrations', async () => {
    const migrations = { '0001_notes.sql': TABLE };
    const { run } = await withSql([packageWith({ migrations })]);
    const list = 'select name from _plinth_migrations';
    for (const text of [
      'delete from _plinth_migrations',
      "update _PLINTH_migrations set checksum = 'x'",
      "insert into _plinth_migrations values ('0002_x', 'x', 1, 'x')",
      'drop table _plinth_migrations',
      'alter table _plinth_migrations rename to mine',
      'create trigger t after insert on _plinth_migrations begin select 1; end',
      'create index i on _plinth_migrations (at)',
      'with x as (select 1) delete from "_plinth_migrations" returning name',
      'replace into [_plinth_migrations] select * from _plinth_migrations',
    ])
      expect([text, (await rejection(run(text))).code]).toEqual([text, 'sql/denied']);
    // Nor by a trigger of its own.
    await run('create trigger t after insert on notes begin delete from _plinth_migrations; end');
    expect((await rejection(run('insert into notes values (1, null)'))).code).toBe('sql/denied');
    expect((await run(list)).rows).toEqual([{ name: '0001_notes' }]);
    const free = await withSql([notes]);
    await free.run('create table mine (name text, checksum text, additive integer, at text)');
    for (const text of [
      'create table _plinth_migrations (name)',
      'create view _plinth_migrations as select 1',
      'create virtual table _plinth_migrations using fts5(name, checksum, additive, at)',
      'alter table mine rename to _plinth_migrations',
      'Alter table mine /* a */ rename to "_PLINTH_migrations"',
    ])
      expect([text, (await rejection(free.run(text))).code]).toEqual([text, 'sql/denied']);
  });

  it('exceed its quota', async () => {
    const { kernel, run, directory } = await withSql([notes, other], {
      limits: { quota: 262_144 },
    });
    await run(TABLE);
    const fill = "insert into notes (text) values (printf('%.*c', 50000, 'x'))";
    const error = await rejection(
      (async () => {
        for (;;) await run(fill);
      })(),
    );
    expect(error).toMatchObject({
      code: 'sql/quota',
      message: expect.stringContaining('262144 bytes'),
    });
    const kept = (await run('select count(*) as n from notes')).rows[0]?.n as number;
    expect(kept).toBeGreaterThan(2);
    // It can make room, and others have theirs.
    await run('delete from notes');
    await run(fill);
    await run(TABLE, [], 'test.other');
    await kernel.stop();
    const file = await read(`${directory}/tenant-0/test.notes/data.sqlite`);
    expect(file.length).toBeLessThanOrEqual(262_144);
  });
});

describe('a runaway statement', () => {
  it('is ended, and costs its plugin alone', async () => {
    const { run } = await withSql([notes, other], { limits: { time: 1_500, lock: 20_000 } });
    await run(TABLE);
    await run(TABLE, [], 'test.other');
    const runaway = rejection(run(ENDLESS));
    // These are sent while it runs.
    const others = Array.from({ length: 20 }, (_, id) =>
      run('insert into notes values (?, ?)', [id, 'other'], 'test.other'),
    );
    expect(await runaway).toMatchObject({ code: 'sql/timeout' });
    await Promise.all(others);
    expect((await run('select count(*) as n from notes', [], 'test.other')).rows).toEqual([
      { n: 20 },
    ]);
    expect((await run('select count(*) as n from notes')).rows).toEqual([{ n: 0 }]);
  });

  it('makes its plugin rest when it comes again and again', async () => {
    const { run } = await withSql([notes, other], { limits: { time: 1_000 } });
    expect((await rejection(run(ENDLESS))).message).toContain("'limits.time'");
    expect((await rejection(run(ENDLESS))).message).toContain("'limits.time'");
    const rests = await rejection(run('select 1'));
    expect(rests).toMatchObject({ code: 'sql/timeout', message: expect.stringContaining('rests') });
    expect((await run('select 1 as one', [], 'test.other')).rows).toEqual([{ one: 1 }]);
    await expect.poll(async () => (await run('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });

  it('leaves the transactions of others, or tells them that they may do them again', async () => {
    const open = packageWith({
      id: 'test.open',
      activate: (ctx, db) => {
        ctx.commands.handle('begin', async () => {
          await db.schema.createTable('notes').ifNotExists().addColumn('id', 'integer').execute();
          const trx = await db.startTransaction().execute();
          await trx
            .insertInto('notes')
            .values({ id: 1 } as never)
            .execute();
          ctx.commands.handle('commit', () => trx.commit().execute());
        });
        ctx.commands.handle(
          'count',
          async () => (await db.selectFrom('notes').select('id').execute()).length,
        );
      },
    });
    const { kernel, run } = await withSql([notes, open], { limits: { time: 1_500 } });
    await kernel.commands.execute('test.open:begin');
    expect((await rejection(run(ENDLESS))).code).toBe('sql/timeout');
    const commit = kernel.commands.execute('test.open:commit');
    // A process ends with the statement. A worker ends the statement alone.
    if (inNode)
      expect(await rejection(commit)).toMatchObject({ code: 'sql/interrupted', retryable: true });
    else await commit;
    expect(await kernel.commands.execute('test.open:count')).toBe(inNode ? 0 : 1);
  });

  it('is ended when it takes too much memory', async () => {
    const { run } = await withSql([notes, other], {
      limits: { memory: 268_435_456, time: 30_000 },
    });
    const greedy = `with recursive n(i) as (select 1 union all select i + 1 from n limit 10000000)
      select count(*) from (select i, randomblob(2000) as b from n order by b)`;
    expect(await rejection(run(greedy))).toMatchObject({
      code: 'sql/too-large',
      message: expect.stringContaining("'limits.memory'"),
    });
    expect((await run('select 1 as one', [], 'test.other')).rows).toEqual([{ one: 1 }]);
  });

  it('holds no memory against those that come after it', async () => {
    const { run } = await withSql([notes, other], {
      limits: { memory: 402_653_184, time: 30_000 },
    });
    await run(TABLE);
    const large = `with recursive n(i) as (select 1 union all select i + 1 from n limit 80000)
      select count(*) as n from (select i, randomblob(2000) as b from n order by b)`;
    for (let time = 0; time < 4; time++)
      expect((await run(large, [], time % 2 ? 'test.other' : 'test.notes')).rows).toEqual([
        { n: 80_000 },
      ]);
  });
});

describe('what a plugin sends', () => {
  it('has the form of a request, or is refused', async () => {
    const raw = packageWith({
      id: 'test.raw',
      activate: (ctx) => {
        ctx.commands.handle('send', (input) => {
          const [command, value] = input as [string, unknown];
          return ctx.commands.execute(`plinth.sql:${command}`, value);
        });
      },
    });
    const { kernel } = await withSql([raw]);
    const bad: readonly (readonly [string, unknown])[] = [
      ['query', undefined],
      ['query', 'select 1'],
      ['query', { sql: 1, parameters: [] }],
      ['query', { sql: 'select 1' }],
      ['query', { sql: 'select 1\0', parameters: [] }],
      ['query', { sql: 'select ?', parameters: [{}] }],
      ['query', { sql: 'select ?', parameters: [2n ** 64n] }],
      ['query', { sql: 'select ?', parameters: [Number.NaN] }],
      ['query', { sql: 'select 1', parameters: [], lease: 'a' }],
      ['next', {}],
      ['next', { lease: 1, cursor: -1 }],
      ['begin', { access: 'all' }],
      ['end', { lease: 1, how: 'vanish' }],
      ['end', { lease: 1.5, how: 'commit' }],
    ];
    for (const [command, value] of bad)
      expect([
        value,
        (await rejection(kernel.commands.execute('test.raw:send', [command, value]))).code,
      ]).toEqual([value, 'sql/invalid']);
    for (const [command, value] of [
      ['query', { sql: 'select 1', parameters: [], lease: 99 }],
      ['next', { lease: 99, cursor: 1 }],
      ['end', { lease: 99, how: 'commit' }],
    ])
      expect(
        (await rejection(kernel.commands.execute('test.raw:send', [command, value]))).code,
      ).toBe('sql/interrupted');
  });

  it('can not end what another plugin has open', async () => {
    const holder = packageWith({
      id: 'test.holder',
      activate: (ctx) => {
        ctx.commands.handle('begin', () =>
          ctx.commands.execute('plinth.sql:begin', { access: 'write' }),
        );
        ctx.commands.handle('end', (lease) =>
          ctx.commands.execute('plinth.sql:end', { lease, how: 'commit' }),
        );
      },
    });
    const thief = packageWith({
      id: 'test.thief',
      activate: (ctx) => {
        ctx.commands.handle('end', (lease) =>
          ctx.commands.execute('plinth.sql:end', { lease, how: 'commit' }),
        );
      },
    });
    const { kernel } = await withSql([holder, thief]);
    const { lease } = (await kernel.commands.execute('test.holder:begin')) as { lease: number };
    const stolen = await rejection(kernel.commands.execute('test.thief:end', lease));
    expect(stolen.code).toBe('sql/interrupted');
    await kernel.commands.execute('test.holder:end', lease);
  });

  it('waits in a bounded number', async () => {
    const { run } = await withSql([notes], { limits: { waiting: 5 } });
    const all = await Promise.allSettled(Array.from({ length: 20 }, () => run('select 1')));
    const codes = all.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []));
    expect(new Set(codes)).toEqual(new Set(['call/overloaded']));
    expect(all.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(5);
  });
});

it('a damaged file is told, and costs its plugin alone', async () => {
  const directory = await folder();
  const first = await withSql([notes, other], { directory });
  await first.run(TABLE);
  await first.kernel.stop();
  const file = `${directory}/tenant-0/test.notes/data.sqlite`;
  await write(file, 'x'.repeat(8_192));
  // A process that was ended late leaves its log of changes, which would mend the file.
  if (inNode) await write(`${file}-wal`, '');
  const { run } = await withSql([packageWith({}), packageWith({ id: 'test.other' })], {
    directory,
  });
  expect((await rejection(run('select 1 from notes'))).code).toBe('storage/corrupt');
  await run(TABLE, [], 'test.other');
});
