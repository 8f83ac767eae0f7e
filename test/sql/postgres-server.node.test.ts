/** The server and its connections: their loss, their number, their end with the kernel. */
import { spawnSync } from 'node:child_process';
import { sql } from '@plinth/sql/host';
import { describe, expect, it } from 'vitest';
import { gateOf, rejection } from '../support/kernels.ts';
import { hasPostgres, type Postgres } from '../support/postgres.ts';
import { postgres, stopPostgresAfterAll } from './backends.ts';
import { packageWith, withSql } from './databases.ts';

stopPostgresAfterAll();

const TABLE = 'create table notes (id integer primary key, text text)';

/** Two rows of one transaction each. */
const writer = packageWith({
  activate: (ctx, db) => {
    ctx.commands.handle('pair', (id) =>
      db.transaction().execute(async (trx) => {
        const [one, two] = [id as number, -(id as number)];
        await trx.insertInto('notes').values({ id: one, text: 'pair' }).execute();
        await trx.insertInto('notes').values({ id: two, text: 'pair' }).execute();
      }),
    );
  },
});

/** Ends all connections of plugins. */
const endAll = (server: Postgres) =>
  server.run("select pg_terminate_backend(pid) from pg_stat_activity where usename like 'plinth%'");

/** Connections to a database. */
async function connections(server: Postgres, url: string): Promise<number> {
  const text =
    'select count(*)::int as n from pg_stat_activity where datname = $1 and backend_type = $2';
  const { pathname } = new URL(url);
  const [row] = await server.run(text, [pathname.slice(1), 'client backend']);
  return row?.n as number;
}

describe.skipIf(!hasPostgres)('connections', () => {
  it.each([
    ['connections', endAll],
    ['the server', (server: Postgres) => server.crash()],
  ])('that end with %s lose nothing that was acknowledged', async (what, end) => {
    const server = await postgres();
    const { kernel, run } = await withSql([writer], { postgres: await server.database() });
    await run(TABLE);
    const kept = new Set<number>();
    let [last, on] = [0, true];
    const write = async () => {
      while (on) {
        last += 1;
        const id = last;
        const writing =
          id % 2 === 0
            ? run('insert into notes values (?, ?)', [id, 'alone'])
            : kernel.commands.execute('test.notes:pair', id);
        await writing.then(
          () => kept.add(id),
          (error: { code: string }) => expect(error.code).toBe('sql/interrupted'),
        );
      }
    };
    const writers = [write(), write()];
    for (let round = 0; round < (what === 'the server' ? 2 : 6); round++) {
      const before = kept.size;
      await expect.poll(() => kept.size).toBeGreaterThan(before + 5);
      await end(server);
    }
    const before = kept.size;
    await expect.poll(() => kept.size).toBeGreaterThan(before + 5);
    on = false;
    await Promise.all(writers);
    const rows = (await run('select id, text from notes')).rows as { id: number; text: string }[];
    const there = new Set(rows.map(({ id }) => id));
    expect([...kept].filter((id) => !there.has(id))).toEqual([]);
    const pairs = rows.filter(({ text }) => text === 'pair');
    expect(pairs.filter(({ id }) => !there.has(-id))).toEqual([]);
  });

  it('take their transactions with them, which can be done again', async () => {
    const server = await postgres();
    const holding = packageWith({
      activate: (ctx, db) => {
        ctx.commands.handle('twice', () =>
          db.transaction().execute(async (trx) => {
            await trx.insertInto('notes').values({ id: 1, text: 'a' }).execute();
            await ctx.commands.execute('host:gate');
            await trx.insertInto('notes').values({ id: 2, text: 'a' }).execute();
          }),
        );
      },
      manifest: { permissions: { commands: { execute: ['plinth.sql:*', 'host:*'] } } },
    });
    const { kernel, run } = await withSql([holding], { postgres: await server.database() });
    await run(TABLE);
    const gate = gateOf(kernel);
    const lost = rejection(kernel.commands.execute('test.notes:twice'));
    await gate.reached;
    await endAll(server);
    gate.open();
    expect(await lost).toMatchObject({ code: 'sql/interrupted', retryable: true });
    await kernel.commands.execute('test.notes:twice');
    expect((await run('select count(*) as n from notes')).rows).toEqual([{ n: 2 }]);
  });

  it('are bounded over all plugins, and end with the kernel', async () => {
    const server = await postgres();
    const url = await server.database();
    const ids = ['a', 'b', 'c', 'd', 'e'].map((name) => `test.${name}`);
    const { kernel, run } = await withSql(
      ids.map((id) => packageWith({ id })),
      { postgres: { url, connections: 3 } },
    );
    for (const id of ids) await run(TABLE, [], id);
    let most = 0;
    for (let round = 0; round < 3; round++) {
      const all = ids.map((id) => run('select pg_sleep(0.05)', [], id));
      most = Math.max(most, await connections(server, url));
      await Promise.all(all);
    }
    most = Math.max(most, await connections(server, url));
    // Three of plugins, two of the kernel.
    expect(most).toBeLessThanOrEqual(5);
    expect(most).toBeGreaterThan(1);
    const runs = rejection(run('select pg_sleep(60)', [], 'test.a'));
    await expect
      .poll(() =>
        server.run(
          "select 1 from pg_stat_activity where query like '%pg_sleep(60)%' and state = 'active' and pid <> pg_backend_pid()",
        ),
      )
      .toHaveLength(1);
    await kernel.stop({ drain: 0 });
    await runs;
    await expect.poll(() => connections(server, url)).toBe(0);
  });

  it('that write the same rows at once are told, and may do it again', async () => {
    const server = await postgres();
    const racing = packageWith({
      activate: (ctx, db) => {
        ctx.commands.handle('race', async () => {
          const [one, two] = [
            await db.startTransaction().execute(),
            await db.startTransaction().execute(),
          ];
          for (const trx of [one, two]) await trx.selectFrom('notes').selectAll().execute();
          await one.updateTable('notes').set({ text: 'one' }).execute();
          await one.commit().execute();
          return rejection(two.updateTable('notes').set({ text: 'two' }).execute()).finally(() =>
            two.rollback().execute(),
          );
        });
      },
    });
    const { kernel, run } = await withSql([racing], { postgres: await server.database() });
    await run(TABLE);
    await run("insert into notes values (1, 'before')");
    expect(await kernel.commands.execute('test.notes:race')).toMatchObject({
      code: 'sql/interrupted',
      retryable: true,
    });
    // Statements alone are tried again by the host.
    await run("update notes set text = '0'");
    await Promise.all(
      [1, 2].map(async () => {
        for (let time = 0; time < 20; time++)
          await run('update notes set text = cast(cast(text as integer) + 1 as text)');
      }),
    );
    expect((await run('select text from notes')).rows).toEqual([{ text: '40' }]);
  });

  it('to a server that is not there fail without its address, and work once it is', async () => {
    const { run } = await withSql([packageWith({})], {
      postgres: 'postgres://owner:secret@127.0.0.1:9/db',
    });
    const error = await rejection(run('select 1'));
    expect(error).toMatchObject({ code: 'sql/interrupted', retryable: true });
    expect(error.message).not.toMatch(/127\.0\.0\.1|secret/);
  });
});

describe.skipIf(!hasPostgres)('a start with migrations', () => {
  it('whose connection is lost is not taken for a good one, and can be done again', async () => {
    const server = await postgres();
    let starts = 0;
    const { kernel, run } = await withSql(
      [
        packageWith({
          migrations: { '0001_notes.sql': TABLE },
          activate: async (_, db) => {
            starts += 1;
            await db.insertInto('notes').values({ id: starts, text: '' }).execute();
            if (starts > 1) return;
            await endAll(server);
            // It doesn't care.
            await rejection(db.selectFrom('notes').selectAll().execute());
          },
        }),
      ],
      { postgres: await server.database() },
    );
    await expect
      .poll(() =>
        run('select 1').then(
          () => '',
          ({ message }) => message,
        ),
      )
      .toContain('start it again');
    await kernel.plugins.deactivate('test.notes');
    await kernel.plugins.activate('test.notes');
    expect((await run('select id from notes')).rows).toEqual([{ id: 2 }]);
    expect((await kernel.extension(sql).migrations('test.notes')).length).toBe(1);
  });
});

describe.skipIf(!hasPostgres)('two kernels', () => {
  it('use one database, each with connections of its own', async () => {
    const server = await postgres();
    const place = { postgres: await server.database() };
    const kernels = await Promise.all([1, 2].map(() => withSql([packageWith({})], place)));
    await Promise.all(kernels.map(({ run }) => run('select 1')));
    await kernels[0]?.run(TABLE);
    for (const [id, { run }] of kernels.entries())
      await run('insert into notes values (?, ?)', [id, '']);
    for (const { run } of kernels)
      expect((await run('select count(*) as n from notes')).rows).toEqual([{ n: 2 }]);
  });
});

describe('the option `postgres`', () => {
  it.each([
    [{ postgres: 5 }, 'postgres'],
    [{ postgres: '' }, 'postgres'],
    [{ postgres: 'http://host/db' }, 'postgres'],
    [{ postgres: 'postgres://host' }, 'postgres'],
    [{ postgres: { url: 'postgres://host/db', connections: 1 } }, 'postgres.connections'],
    [{ postgres: { url: 'postgres://host/db', pool: 1 } }, 'postgres.pool'],
    [{ postgres: 'postgres://host/db', directory: './a' }, 'directory'],
  ])('%j is refused by name', (options, option) => {
    expect(() => sql(options as never)).toThrow(
      expect.objectContaining({ code: 'kernel/invalid-option', details: { option } }),
    );
  });

  it('needs `pg`, and says how it is installed', () => {
    const script = `
      import { registerHooks } from 'node:module';
      registerHooks({ resolve(name, context, next) {
        if (name === 'pg') throw Object.assign(new Error('none'), { code: 'ERR_MODULE_NOT_FOUND' });
        return next(name, context);
      } });
      const { sql } = await import('@plinth/sql/host');
      try { sql({ postgres: 'postgres://host/db' }); } catch ({ code, message }) { console.log(code, message); }`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
      cwd: import.meta.dirname,
    });
    expect(stdout).toContain('kernel/invalid-option');
    expect(stdout).toContain('npm install pg');
  });
});
