/** What plugins try against PostgreSQL, each with a witness outside. */
import { sql } from '@plinth/sql/host';
import { describe, expect, it } from 'vitest';
import { rejection } from '../support/kernels.ts';
import { hasPostgres } from '../support/postgres.ts';
import { postgres, stopPostgresAfterAll } from './backends.ts';
import { packageWith, withSql } from './databases.ts';

stopPostgresAfterAll();

const TABLE = 'create table notes (id integer primary key, text text)';
const notes = packageWith({});
const other = packageWith({ id: 'test.other' });

/** A kernel whose other plugin has a secret, and what the administrator sees. */
async function walls(options: Parameters<typeof withSql>[1] = {}, packages = [notes, other]) {
  const server = await postgres();
  const url = await server.database();
  const made = await withSql(packages, { postgres: url, ...options });
  await made.run('create table secrets (text text)', [], 'test.other');
  await made.run("insert into secrets values ('secret')", [], 'test.other');
  await made.run(TABLE);
  const admin = (text: string, values: readonly unknown[] = []) => server.run(text, values, url);
  const roles = await admin('select plugin, role from plinth.databases');
  const roleOf = (plugin: string) => roles.find((row) => row.plugin === plugin)?.role as string;
  return { ...made, url, admin, own: roleOf('test.notes'), theirs: roleOf('test.other') };
}

describe.skipIf(!hasPostgres)('a plugin can not', () => {
  it('reach what is not its own', async () => {
    const { run, admin, theirs, own, url } = await walls();
    // The control: without the wall it works.
    expect(await admin(`select text from ${theirs}.secrets`)).toEqual([{ text: 'secret' }]);
    const owner = new URL(url).username;
    for (const text of [
      `select * from ${theirs}.secrets`,
      `insert into ${theirs}.secrets values ('x')`,
      `create table ${theirs}.mine (a integer)`,
      `set role ${theirs}`,
      'reset role',
      `set session authorization ${theirs}`,
      `do $$ begin execute 'set role ${theirs}'; end $$`,
      `do $$ begin execute 'set session authorization ${owner}'; end $$`,
      `do $$ begin execute 'reset role'; perform text from ${theirs}.secrets; end $$`,
      'select * from plinth.secret',
      'select * from plinth.databases',
      "update plinth.databases set role = 'x'",
      'create table public.mine (a integer)',
      'create table plinth.mine (a integer)',
      'create schema mine',
      'create temporary table mine (a integer)',
      'create table pg_temp.mine (a integer)',
      `do $$ begin execute 'create temp table mine (a integer)'; end $$`,
      'create role mine',
      'create extension hstore',
      `alter role ${own} superuser`,
      `do $$ begin execute 'alter role ${own} createrole'; end $$`,
      `grant ${owner} to ${own}`,
      `do $$ begin execute 'grant ${owner} to ${own}'; end $$`,
      `grant usage on schema ${own} to public`,
      'create or replace function plinth.used() returns int language sql as $$ select 1 $$',
      'drop function plinth.record(text, text, text, boolean, text)',
      `alter schema ${own} rename to mine`,
      `drop schema ${own} cascade`,
      "select pg_read_file('/etc/passwd')",
      "select lo_import('/etc/passwd')",
      "copy notes from program 'id'",
      "do $$ begin execute 'copy notes from program ''id'''; end $$",
      "copy notes to '/tmp/x'",
      'copy notes to stdout',
      'copy notes from stdin',
      'do $$ begin set session_replication_role = replica; end $$',
      "do $$ begin perform set_config('temp_file_limit', '-1', false); end $$",
      'load $$plpython3u$$',
      'listen a',
      'notify a',
      'prepare a as select 1',
      "prepare transaction 'a'",
      'set statement_timeout = 0',
      'discard all',
      'alter system set fsync = off',
    ]) {
      const { code } = await rejection(run(text));
      expect([text, code]).toEqual([text, expect.stringMatching(/^sql\/(denied|failed)$/)]);
    }
    expect(await admin(`select text from ${theirs}.secrets`)).toEqual([{ text: 'secret' }]);
    expect(
      await admin('select count(*)::int as n from pg_roles where rolname = $1', ['mine']),
    ).toEqual([{ n: 0 }]);
    expect(
      await admin('select rolsuper, rolcreaterole, rolcreatedb from pg_roles where rolname = $1', [
        own,
      ]),
    ).toEqual([{ rolsuper: false, rolcreaterole: false, rolcreatedb: false }]);
  });

  it('get the rights of the kernel by what the kernel runs or reads', async () => {
    const { run, admin, kernel, own } = await walls();
    await run('create table seen (who text)');
    // Functions and operators that hide the server's own.
    await run(
      `create function sum(bigint) returns bigint language plpgsql as $$ begin insert into seen values (current_user); return 0; end $$`,
    );
    await run(
      `create function pg_total_relation_size(oid) returns bigint language plpgsql as $$ begin insert into seen values (current_user); return 0; end $$`,
    );
    await run(
      `create function note() returns trigger language plpgsql as $$ begin insert into seen values (current_user); return new; end $$`,
    );
    await run(
      'create constraint trigger late after insert on notes deferrable initially deferred for each row execute function note()',
    );
    await run(`do $$ begin perform set_config('search_path', '${own}, pg_catalog', false); end $$`);
    await run("insert into notes values (1, 'a')");
    await kernel.extension(sql).list();
    await kernel.extension(sql).migrations('test.notes');
    expect(await admin(`select distinct who from ${own}.seen`)).toEqual([{ who: own }]);
  });

  it('see the migrations of others by a function that the server asks first', async () => {
    const migrations = { '0001_own.sql': 'create table a (a integer)' };
    const secret = packageWith({
      id: 'test.other',
      migrations: { '0001_secret.sql': 'create table b (a integer)' },
    });
    const { run } = await walls({}, [packageWith({ migrations }), secret]);
    await run(
      "create function leak(text) returns boolean language plpgsql immutable cost 0.0001 as $$ begin if $1 ~ 'secret' then raise 'seen: %', $1; end if; return true; end $$",
    );
    // Without an index, the order of the conditions is that of their cost.
    await run(
      "do $$ begin perform set_config('enable_indexscan', 'off', true), set_config('enable_bitmapscan', 'off', true), set_config('enable_indexonlyscan', 'off', true); perform name from _plinth_migrations where leak(name); end $$",
    );
  });

  it('change the list of migrations, or hold its lock', async () => {
    const migrations = { '0001_a.sql': 'create table a (a integer)' };
    const { run, admin, own } = await walls({}, [packageWith({ migrations }), other]);
    for (const text of [
      'delete from _plinth_migrations',
      "update _plinth_migrations set checksum = 'x'",
      "insert into _plinth_migrations values ('0002_x', 'x', 1, 'x')",
      'drop view _plinth_migrations',
      'alter view _plinth_migrations rename to mine',
      'create or replace view _plinth_migrations as select 1 as name',
      'create table _plinth_migrations (name text)',
      'create rule r as on insert to _plinth_migrations do instead nothing',
      'create trigger t instead of insert on _plinth_migrations for each row execute function suppress_redundant_updates_trigger()',
      'select * from plinth.migrations',
      'lock plinth.databases',
      'select 1 from plinth.databases for update',
    ])
      expect([text, (await rejection(run(text))).code]).toEqual([
        text,
        expect.stringMatching(/^sql\/(denied|failed)$/),
      ]);
    // These can be called. Without the key they do nothing.
    await run("do $$ begin if plinth.lock('x') then raise 'held'; end if; end $$");
    await run("do $$ begin perform plinth.record('x', '0002_x', 'x', true, 'x'); end $$");
    expect(await admin('select name from plinth.migrations where role = $1', [own])).toEqual([
      { name: '0001_a' },
    ]);
  });

  it('keep anything beyond its quota in other places', async () => {
    const { run, admin, own } = await walls({ limits: { quota: 1_048_576, time: 30_000 } });
    const large = await rejection(run("do $$ begin perform lo_from_bytea(0, '\\x00'); end $$"));
    expect(large.code).toBe('sql/denied');
    expect(await admin('select count(*)::int as n from pg_largeobject_metadata')).toEqual([
      { n: 0 },
    ]);
    // Nothing that can be compressed.
    const noise = (count: number) =>
      `(select string_agg(md5(random()::text || g), '') from generate_series(1, ${count}) g)`;
    const text = `select ${noise(20)} as text from generate_series(1, 4000) i`;
    for (const statement of [
      `create table big as ${text}`,
      `create materialized view big as ${text}`,
      `do $$ begin create table big (text text); insert into big ${text}; end $$`,
      `do $$ begin for i in 1..200 loop execute format('create function f%s() returns text language sql as %L', i, 'select ' || quote_literal(${noise(500)})); end loop; end $$`,
      `do $$ begin execute format('comment on table notes is %L', (select string_agg(md5(i::text), '') from generate_series(1, 100000) i)); end $$`,
      `do $$ begin for i in 1..11000 loop execute format('create type t%s as enum ()', i); end loop; end $$`,
    ])
      expect([
        statement,
        await run(statement).then(
          () => 'done',
          ({ code }) => code,
        ),
      ]).toEqual([statement, expect.stringMatching(/^sql\/(quota|timeout)$/)]);
    expect(
      (
        await admin(
          `select sum(pg_total_relation_size(c.oid))::int as n from pg_class c where relnamespace = '${own}'::regnamespace and relkind in ('r', 'm')`,
        )
      )[0]?.n,
    ).toBeLessThan(1_048_576);
    // By a trigger that runs at the commit, or a function that a read calls.
    await run(
      'create function fill() returns void language plpgsql as $$ begin insert into notes select i, null from generate_series(1, 100000) i; end $$',
    );
    expect((await rejection(run('select fill()'))).code).toBe('sql/denied');
    expect((await run('select count(*) as n from notes')).rows).toEqual([{ n: 0 }]);
    await run('create table start (a integer)');
    await run(
      'create function late() returns trigger language plpgsql as $$ begin perform fill(); return null; end $$',
    );
    await run(
      'create constraint trigger late after insert on start deferrable initially deferred for each row execute function late()',
    );
    await run('alter table notes drop constraint notes_pkey');
    const kept = async () => Number((await run('select count(*) as n from notes')).rows[0]?.n);
    for (let time = 0; time < 6; time++) await run('insert into start values (1)').catch(() => {});
    const first = await kept();
    for (let time = 0; time < 6; time++) await run('insert into start values (1)').catch(() => {});
    expect(await kept()).toBe(first);
    await run('truncate notes');
    await run('insert into notes values (1, null)');
  });

  it('leave anything in a session for the next statement', async () => {
    const { run, admin, own } = await walls();
    await run("select set_config('search_path', 'pg_catalog', false)");
    expect((await run('select count(*) as n from notes')).rows).toEqual([{ n: 0 }]);
    await run('select pg_advisory_lock(7)');
    await run(
      "do $$ begin perform set_config('default_transaction_read_only', 'on', false); end $$",
    );
    await run("insert into notes values (1, 'a')");
    await expect
      .poll(() => admin("select count(*)::int as n from pg_locks where locktype = 'advisory'"))
      .toEqual([{ n: 0 }]);
    // It can lock itself out for one statement, by its own password.
    await run(`do $$ begin execute 'alter role ${own} password ''mine'''; end $$`);
    await admin('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [own]);
    expect((await run('select text from notes')).rows).toEqual([{ text: 'a' }]);
  });

  it('keep a statement running', async () => {
    const { run, admin, own } = await walls({ limits: { time: 1_500 } });
    for (const text of [
      'select pg_sleep(60)',
      "select set_config('statement_timeout', '0', false), pg_sleep(60)",
      // It catches the cancel.
      'do $$ begin loop begin perform pg_sleep(60); exception when query_canceled then null; end; end loop; end $$',
    ]) {
      expect([text, (await rejection(run(text))).code]).toEqual([text, 'sql/timeout']);
      expect((await run('select 1 as one', [], 'test.other')).rows).toEqual([{ one: 1 }]);
      await expect
        .poll(() =>
          admin(
            "select count(*)::int as n from pg_stat_activity where usename = $1 and state <> 'idle'",
            [own],
          ),
        )
        .toEqual([{ n: 0 }]);
      await expect
        .poll(() =>
          run('select 1 as one').then(
            () => true,
            () => false,
          ),
        )
        .toBe(true);
    }
  });

  it('bring a result into the kernel that has no place in it', async () => {
    const { run } = await walls({ limits: { answer: 100_000, time: 30_000 } });
    for (const text of [
      "select repeat('x', 200000000) as x",
      'select i from generate_series(1, 3000000) i',
      `select (repeat('9', 100) || repeat('0', 100000) || '1')::numeric as n`,
      "do $$ begin for i in 1..100000 loop raise warning '%', repeat('x', 1000); end loop; end $$",
    ])
      expect([text, (await rejection(run(text))).code]).toEqual([
        text,
        expect.stringMatching(/^sql\/(too-large|timeout)$/),
      ]);
    expect((await run('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });

  it('keep the kernel busy with reading its texts', async () => {
    const { run } = await walls({ limits: { statement: 100_000 } });
    const began = process.cpuUsage();
    for (const text of [
      `create function f() returns int begin atomic ${'; '.repeat(45_000)}`,
      `select ${'/*'.repeat(45_000)}`,
      `select ${'$a'.repeat(45_000)}`,
      `select '${"''".repeat(45_000)}`,
      `select (${'9'.repeat(100)}${'0'.repeat(90_000)}1)::numeric as n`,
    ])
      await run(text).catch(() => {});
    const { user, system } = process.cpuUsage(began);
    expect((user + system) / 1_000).toBeLessThan(10_000);
  });
});

describe.skipIf(!hasPostgres)('a database', () => {
  it('that is open to all roles is closed, or refused when the kernel can not close it', async () => {
    const server = await postgres();
    const url = await server.database();
    const { username: owner } = new URL(url);
    await server.run('grant create on schema public to public', [], url);
    await server.run(`create schema more authorization ${owner}`, [], url);
    await server.run('grant create on schema more to public', [], url);
    const { run } = await withSql([packageWith({})], { postgres: url });
    for (const text of ['create table public.a (a int)', 'create table more.a (a int)'])
      expect((await rejection(run(text))).code).toBe('sql/denied');
    const other = await server.database();
    const foreign = new URL(other);
    await server.run(
      `alter database ${foreign.pathname.slice(1)} owner to current_user`,
      [],
      other,
    );
    await server.run(
      `grant create on database ${foreign.pathname.slice(1)} to ${foreign.username}`,
      [],
      other,
    );
    const refused = await withSql([packageWith({})], { postgres: other });
    expect(await rejection(refused.run('select 1'))).toMatchObject({
      code: 'sql/failed',
      message: expect.stringContaining('let it own the database'),
    });
    // Nor without the right to create roles.
    const weak = await server.database();
    await server.run(`alter role ${new URL(weak).username} nocreaterole`);
    const without = await withSql([packageWith({})], { postgres: weak });
    expect(await rejection(without.run('select 1'))).toMatchObject({
      code: 'sql/failed',
      message: expect.stringContaining('createrole'),
    });
  });
});

describe.skipIf(!hasPostgres)('an address', () => {
  it('whose role stands behind the question mark gives plugins that role no more', async () => {
    const server = await postgres();
    const url = new URL(await server.database());
    const { username, password } = url;
    Object.assign(url, { username: '', password: '' });
    url.search = new URLSearchParams({ user: username, password, options: '-c a.b=c' }).toString();
    const { run } = await withSql([packageWith({})], { postgres: url.href });
    const [row] = (await run('select session_user::text as who, current_schema() as here')).rows;
    expect(row?.who).toMatch(/^plinth_test_notes_/);
    expect(row?.here).toBe(row?.who);
  });
});
