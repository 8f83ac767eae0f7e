/** What the application does with databases in PostgreSQL: backup, restore, the move from SQLite, purge. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from '@plinth/sql/host';
import { describe, expect, it } from 'vitest';
import { rejection } from '../support/kernels.ts';
import { hasPostgres } from '../support/postgres.ts';
import { postgres, stopPostgresAfterAll } from './backends.ts';
import { folder, packageWith, withSql } from './databases.ts';

stopPostgresAfterAll();

const NOTES = { '0001_notes.sql': 'create table notes (id integer primary key, text text)' };
const all = 'select text from notes order by id';

const place = async () => ({ postgres: await (await postgres()).database() });
const fileIn = async (name = 'notes.backup') => join(await folder(), name);

describe.skipIf(!hasPostgres)('a backup', () => {
  it('is made while the plugin runs, and brings its moment back', async () => {
    const { kernel, run } = await withSql([packageWith({ migrations: NOTES })], await place());
    const databases = kernel.extension(sql);
    const file = await fileIn();
    await run('insert into notes values (1, ?)', ['kept']);
    await databases.backup('test.notes', file);
    await run('insert into notes values (2, ?)', ['later']);
    expect((await rejection(databases.restore('test.notes', file))).code).toBe(
      'plugin/illegal-transition',
    );
    await kernel.plugins.deactivate('test.notes');
    await databases.restore('test.notes', file);
    await kernel.plugins.activate('test.notes');
    expect((await run(all)).rows).toEqual([{ text: 'kept' }]);
    await databases.backup('test.notes', file);
    expect(readdirSync(join(file, '..'))).toEqual(['notes.backup']);
  });

  it('that is being restored keeps the database for itself, whatever else is restored', async () => {
    const { kernel, run } = await withSql([packageWith({ migrations: NOTES })], await place());
    const databases = kernel.extension(sql);
    const file = await fileIn();
    await run('insert into notes values (1, ?)', ['kept']);
    await databases.backup('test.notes', file);
    await kernel.plugins.deactivate('test.notes');
    // A backup that comes slowly.
    const pipe = await fileIn('pipe');
    execFileSync('mkfifo', [pipe]);
    const ends: string[] = [];
    const slow = rejection(databases.restore('test.notes', pipe)).finally(() => ends.push('slow'));
    const quick = databases.restore('test.notes', file).finally(() => ends.push('quick'));
    // Neither is done before.
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(ends).toEqual([]);
    await writeFile(pipe, 'no backup');
    expect((await slow).code).toBe('storage/corrupt');
    await quick;
    expect(ends).toEqual(['slow', 'quick']);
    await kernel.plugins.activate('test.notes');
    expect((await run(all)).rows).toEqual([{ text: 'kept' }]);
  });

  it('holds all that a plugin can make, for another database and tenant, too', async () => {
    const from = await withSql(
      [
        packageWith({
          migrations: {
            '0001_all.postgres.sql': `
              create type mood as enum ('sad', 'it''s ok');
              create sequence numbers increment 5;
              create function double(i integer) returns integer language plpgsql immutable
                as $f$ begin return i * 2; end $f$;
              create table people (id integer generated always as identity primary key, name varchar(20) not null,
                mood mood default 'sad', twice integer generated always as (length(name) * 2) stored,
                boss integer references people (id), check (name <> ''));
              create table "Odd ""Names" (id serial primary key, "from" bytea, "at" timestamptz,
                person integer not null references people (id) on delete cascade, many text[], exact numeric(30, 10));
              create unique index people_name on people (lower(name));
              create function newest() returns setof people language sql stable
                begin atomic select * from people order by id desc limit 1; end;
              create view happy as select name, double(id) as d from people where mood <> 'sad';
              create materialized view counted as select count(*) as n from people;
              create function upper_name() returns trigger language plpgsql as $f$ begin new.name = upper(new.name); return new; end $f$;
              create trigger upper_name before insert on people for each row execute function upper_name();`,
          },
        }),
      ],
      await place(),
    );
    const { run } = from;
    await run("insert into people (name, boss) values ('Ada', 1), ('Bob', 1)");
    await run("update people set mood = 'it''s ok' where name = 'BOB'");
    await run(
      `insert into "Odd ""Names" ("from", "at", person, many, exact) values (?, ?, 2, '{a,"b c"}', 12345678901234567890.5)`,
      [new Uint8Array([0, 255]), new Date(0)],
    );
    await run("select 1 as one, (select 'x')");
    await run('do $$ begin perform nextval($q$numbers$q$); end $$');
    const look = [
      'select * from people order by id',
      'select * from "Odd ""Names"',
      'select * from happy',
      'select * from counted',
      'select * from newest()',
      'select name from _plinth_migrations',
    ];
    const seen = await Promise.all(look.map(async (text) => (await run(text)).rows));
    const file = await fileIn();
    await from.kernel.extension(sql).backup('test.notes', file);
    const { kernel } = await withSql([packageWith({})], await place());
    const tenant = await kernel.tenant('second');
    await tenant.extension(sql).restore('test.notes', file);
    expect(await tenant.extension(sql).migrations('test.notes')).toEqual([
      expect.objectContaining({ name: '0001_all' }),
    ]);
    await tenant.extension(sql).backup('test.notes', `${file}.2`);
    const [one, two] = [file, `${file}.2`].map((path) => readFileSync(path, 'utf8').split('\n'));
    expect(two).toEqual(one);
    // Here it takes the place of the same tables, sequences and functions.
    await from.kernel.plugins.deactivate('test.notes');
    await from.kernel.extension(sql).restore('test.notes', file);
    await from.kernel.extension(sql).backup('test.notes', `${file}.3`);
    expect(readFileSync(`${file}.3`, 'utf8').split('\n')).toEqual(one);
    expect(seen[0]).toMatchObject([
      { name: 'ADA', twice: 6, mood: 'sad' },
      { name: 'BOB', twice: 6, mood: "it's ok" },
    ]);
    expect(seen[1]).toMatchObject([{ at: '1970-01-01T00:00:00.000Z', many: '{a,"b c"}' }]);
  });

  it('that is none, is cut or is larger than the quota changes nothing', async () => {
    const large = await withSql([packageWith({ migrations: NOTES })], await place());
    const noise = `(select string_agg(md5(random()::text || g), '') from generate_series(1, 30000) g)`;
    await large.run(`insert into notes values (1, ${noise})`);
    const good = await fileIn();
    await large.kernel.extension(sql).backup('test.notes', good);
    const text = readFileSync(good, 'utf8');
    const { kernel, run } = await withSql([packageWith({ migrations: NOTES })], {
      ...(await place()),
      limits: { quota: 500_000 },
    });
    await run('insert into notes values (1, ?)', ['kept']);
    await kernel.plugins.deactivate('test.notes');
    const databases = kernel.extension(sql);
    expect((await rejection(databases.restore('test.notes', good))).code).toBe('sql/quota');
    const lines = text.trimEnd().split('\n');
    for (const bad of [
      '',
      'x',
      '{}',
      '[]',
      'null',
      lines.slice(0, -1).join('\n'),
      text.replace('notes', 'botes'),
      `${text}{}\n`,
      lines.toSpliced(2, 1).join('\n'),
    ]) {
      const file = await fileIn('bad');
      writeFileSync(file, bad);
      expect([
        bad.slice(0, 50),
        (await rejection(databases.restore('test.notes', file))).code,
      ]).toEqual([bad.slice(0, 50), 'storage/corrupt']);
    }
    const absent = databases.restore('test.notes', '/absent/file');
    expect((await rejection(absent)).code).toBe('sql/failed');
    for (const file of ['/absent/file', 'a\0b', '', 5 as never])
      expect((await rejection(databases.backup('test.notes', file))).code).toBe('sql/failed');
    await kernel.plugins.activate('test.notes');
    expect((await run(all)).rows).toEqual([{ text: 'kept' }]);
  });

  it('of what it can not hold is refused, by name', async () => {
    const { kernel, run } = await withSql([packageWith({})], await place());
    await run('create table parts (id integer) partition by range (id)');
    const error = await rejection(kernel.extension(sql).backup('test.notes', await fileIn()));
    expect(error).toMatchObject({ code: 'sql/invalid', message: expect.stringContaining('parts') });
  });
});

describe.skipIf(!hasPostgres)('importFrom()', () => {
  const migrations = {
    '0001_notes.sqlite.sql':
      'create table Notes (id integer primary key, text text, done boolean, at text, data blob); create table empty (a integer)',
    '0001_notes.postgres.sql':
      "create table notes (id integer generated by default as identity primary key, text text, done boolean, at timestamptz, data bytea); create table empty (a integer); insert into notes (text) values ('seed')",
    '0002_more.sql': 'alter table notes add column parent integer references notes (id)',
  };

  async function filled() {
    const { kernel, run } = await withSql([packageWith({ migrations })]);
    for (const [id, parent] of [
      [3, null],
      [2, null],
      [1, 3],
    ])
      await run('insert into notes values (?, ?, ?, ?, ?, ?)', [
        id,
        `text ${id}`,
        id === 1,
        new Date(0),
        new Uint8Array([id as number]),
        parent,
      ]);
    const file = await fileIn('notes.sqlite');
    await kernel.extension(sql).backup('test.notes', file);
    await kernel.stop();
    return file;
  }

  it('moves all rows of a plugin, which goes on as before', async () => {
    const file = await filled();
    const { kernel, run } = await withSql([packageWith({ migrations })], await place());
    await kernel.plugins.activate('test.notes');
    const databases = kernel.extension(sql);
    expect((await rejection(databases.importFrom('test.notes', file))).code).toBe(
      'plugin/illegal-transition',
    );
    await kernel.plugins.deactivate('test.notes');
    expect(await databases.importFrom('test.notes', file)).toEqual(
      expect.arrayContaining([
        { table: 'notes', rows: 3 },
        { table: 'empty', rows: 0 },
      ]),
    );
    await kernel.plugins.activate('test.notes');
    expect((await run('select * from notes order by id')).rows[0]).toEqual({
      id: 1,
      text: 'text 1',
      done: 1,
      at: '1970-01-01T00:00:00.000Z',
      data: new Uint8Array([1]),
      parent: 3,
    });
    expect((await run("insert into notes (text) values ('new') returning id")).rows).toEqual([
      { id: 4 },
    ]);
    expect((await rejection(run('update notes set parent = 99'))).code).toBe('sql/constraint');
  });

  it('is refused for other migrations, tables and rows, and then changes nothing', async () => {
    const file = await filled();
    const start = async (other: Record<string, string>) => {
      const made = await withSql([packageWith({ migrations: other })], await place());
      await made.kernel.plugins.activate('test.notes');
      await made.run("insert into notes (id, text) values (7, 'kept')");
      await made.kernel.plugins.deactivate('test.notes');
      return made;
    };
    const { '0002_more.sql': _, ...first } = migrations;
    for (const [other, words] of [
      [first, 'other migrations'],
      [{ ...migrations, '0002_more.sql': 'create table more (a integer)' }, "no column 'parent'"],
      [
        {
          ...migrations,
          '0002_more.sql': 'alter table notes add column parent integer check (parent > 5)',
        },
        'notes',
      ],
    ] as const) {
      const { kernel, run } = await start(other);
      const error = await rejection(kernel.extension(sql).importFrom('test.notes', file));
      expect(error.code).toMatch(/^sql\/(invalid|constraint)$/);
      expect(error.message.toLowerCase()).toContain(words);
      await kernel.plugins.activate('test.notes');
      expect((await run("select text from notes where text <> 'seed'")).rows).toEqual([
        { text: 'kept' },
      ]);
    }
    const { kernel } = await start(migrations);
    const bad = await fileIn('bad');
    writeFileSync(bad, 'x'.repeat(10_000));
    const databases = kernel.extension(sql);
    expect((await rejection(databases.importFrom('test.notes', bad))).code).toBe('storage/corrupt');
    const absent = databases.importFrom('test.notes', '/absent/file');
    expect((await rejection(absent)).code).toBe('sql/failed');
    const lite = await withSql([packageWith({ migrations })]);
    await lite.kernel.plugins.activate('test.notes');
    await lite.kernel.plugins.deactivate('test.notes');
    expect((await rejection(lite.kernel.extension(sql).importFrom('test.notes', file))).code).toBe(
      'sql/failed',
    );
  });
});

describe.skipIf(!hasPostgres)('a purge', () => {
  it('deletes the role and all that it has, and the plugin starts with nothing', async () => {
    const where = await place();
    const { kernel, run } = await withSql([packageWith({ migrations: NOTES })], where);
    await run('insert into notes values (1, ?)', ['gone']);
    const databases = kernel.extension(sql);
    expect(await databases.list()).toEqual([{ plugin: 'test.notes', bytes: expect.any(Number) }]);
    expect((await rejection(databases.purge('test.notes'))).code).toBe('plugin/illegal-transition');
    await kernel.plugins.deactivate('test.notes');
    await databases.purge('test.notes');
    expect(await databases.list()).toEqual([]);
    const left = await (await postgres()).run(
      "select nspname from pg_namespace where nspname like 'plinth\\_%'",
      [],
      where.postgres,
    );
    expect(left).toEqual([]);
    await kernel.plugins.activate('test.notes');
    expect((await run(all)).rows).toEqual([]);
    await kernel.plugins.uninstall('test.notes', { purge: true });
    await expect.poll(() => databases.list()).toEqual([]);
  });
});
