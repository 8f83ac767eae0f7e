/** Migrations on each kind of database: before the plugin runs, whole or not at all. */
import type { Kernel } from '@plinth/kernel';
import { sql } from '@plinth/sql/host';
import { describe, expect, it } from 'vitest';
import { createHost } from '#host';
import { gateOf, rejection } from '../support/kernels.ts';
import { KINDS, type Kind, stopPostgresAfterAll } from './backends.ts';
import { type Made, packageWith, withSql } from './databases.ts';

stopPostgresAfterAll();

const NOTES = { '0001_notes.sql': 'create table notes (id integer primary key, text text);' };
const TITLE = { ...NOTES, '0002_title.sql': 'alter table notes add column title text;' };

const names = async (kernel: Kernel) =>
  (await kernel.extension(sql).migrations('test.notes')).map(({ name }) => name);

/** The code of the failure of a start, below the kernel's own. */
async function failure(kernel: Kernel) {
  const error = await rejection(kernel.plugins.activate('test.notes'));
  let cause: { code?: string; cause?: unknown } = error;
  while (cause.cause !== undefined && cause.code?.startsWith('sql/') !== true)
    cause = cause.cause as typeof cause;
  return { code: cause.code, message: error.message };
}

describe.each(KINDS)('$title', (kind: Kind) => {
  /** Starts one version after another in one place; the last kernel keeps running. */
  async function after(versions: readonly Made[], options: Parameters<typeof withSql>[1] = {}) {
    const place = await kind.place();
    for (const version of versions.slice(0, -1)) {
      const { kernel } = await withSql([packageWith(version)], { ...place, ...options });
      await kernel.plugins.activate('test.notes');
      await kernel.stop();
    }
    return withSql([packageWith(versions.at(-1) ?? {})], { ...place, ...options });
  }

  it('have run before the plugin is activated, once, in their order', async () => {
    const place = await kind.place();
    const seen: unknown[] = [];
    const made: Made = {
      migrations: { '0002_title.sql': TITLE['0002_title.sql'], ...NOTES },
      activate: async (_, db) => {
        const tables = await db.introspection.getTables();
        seen.push(tables.map(({ name, columns }) => [name, columns.map((one) => one.name)]));
      },
    };
    for (let time = 0; time < 2; time++) {
      const { kernel, run } = await withSql([packageWith(made)], place);
      await kernel.plugins.activate('test.notes');
      expect(await names(kernel)).toEqual(['0001_notes', '0002_title']);
      expect((await run('select name, additive from _plinth_migrations')).rows).toEqual([
        { name: '0001_notes', additive: 1 },
        { name: '0002_title', additive: 1 },
      ]);
      await kernel.stop();
    }
    // The list of migrations is no table of the plugin.
    const own = [['notes', ['id', 'text', 'title']]];
    expect(seen).toEqual([own, own]);
  });

  it('run in each tenant, and are told once they are kept', async () => {
    const place = await kind.place();
    const { kernel } = await withSql([packageWith({ migrations: NOTES })], place);
    const tenant = await kernel.tenant('second');
    await tenant.plugins.activate('test.notes');
    expect(await names(kernel)).toEqual(['0001_notes']);
    const told: unknown[] = [];
    kernel.events.on('sql:migrated', ({ payload }) => told.push(payload));
    await kernel.plugins.reload('test.notes', packageWith({ version: '2.0.0', migrations: TITLE }));
    await expect
      .poll(() => told.at(-1))
      .toEqual({ plugin: 'test.notes', version: '2.0.0', migrations: ['0002_title'] });
    expect(await names(kernel)).toEqual(['0001_notes', '0002_title']);
    expect((await tenant.extension(sql).migrations('test.notes')).length).toBe(1);
  });

  it('prefer the text for this database', async () => {
    const { kernel, run } = await after([
      {
        migrations: {
          '0001_notes.sql': 'create table common (a integer)',
          '0001_notes.sqlite.sql': 'create table own (a integer)',
          '0001_notes.postgres.sql': 'create table own (a integer)',
        },
      },
    ]);
    await kernel.plugins.activate('test.notes');
    expect((await run('select * from own')).rows).toEqual([]);
    expect((await rejection(run('select * from common'))).code).toBe('sql/failed');
  });

  it('run once when kernels start at the same time', async () => {
    const place = await kind.place();
    const made: Made = {
      migrations: { ...NOTES, '0002_row.sql': "insert into notes values (1, 'one')" },
    };
    const kernels = await Promise.all([1, 2, 3].map(() => withSql([packageWith(made)], place)));
    await Promise.all(kernels.map(({ kernel }) => kernel.plugins.activate('test.notes')));
    for (const { run } of kernels)
      expect((await run('select text from notes')).rows).toEqual([{ text: 'one' }]);
  });

  it('that fail undo all of that start, and may be corrected', async () => {
    const place = await kind.place();
    const more = 'create table more (a integer); insert into absent values (1);';
    const broken = packageWith({ migrations: { ...NOTES, '0002_more.sql': more } });
    const { kernel } = await withSql([broken], place);
    const { code, message } = await failure(kernel);
    expect(code).toBe('sql/migration-failed');
    expect(message).toContain("'0002_more'");
    expect(message).toContain('absent');
    await kernel.stop();
    const again = await withSql([packageWith({ migrations: TITLE })], place);
    await again.kernel.plugins.activate('test.notes');
    expect(await names(again.kernel)).toEqual(['0001_notes', '0002_title']);
  });

  it.each([
    ['commit', 'commit; create table stays (a integer);'],
    ['rollback', 'rollback; create table stays (a integer)'],
    ['a comment', '/* a */ commit; create table stays (a integer)'],
    ['savepoint', 'savepoint a; release a'],
    ['registry', 'create table _plinth_migrations (a integer)'],
    ['vacuum', 'vacuum'],
    [
      'a key',
      'create table p (id integer primary key); create table c (p integer references p (id) deferrable initially deferred); insert into c values (1)',
    ],
  ])('that contain %s leave nothing', async (_, text) => {
    const { kernel, run } = await withSql(
      [
        packageWith({ migrations: { ...NOTES, '0002_bad.sql': text } }),
        packageWith({ id: 'test.look' }),
      ],
      await kind.place(),
    );
    expect((await failure(kernel)).code).toBe('sql/migration-failed');
    expect(
      await kernel
        .extension(sql)
        .migrations('test.notes')
        .catch(() => []),
    ).toEqual([]);
    expect((await run('select 1 as one', [], 'test.look')).rows).toEqual([{ one: 1 }]);
  });

  it('that take too long are ended, and leave nothing', async () => {
    const slow =
      'create table t as with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000000000) select count(*) as n from n';
    const { kernel } = await withSql(
      [packageWith({ migrations: { ...NOTES, '0002_slow.sql': slow } })],
      { ...(await kind.place()), limits: { migration: 500 } },
    );
    expect((await failure(kernel)).code).toBe('sql/migration-failed');
    expect(
      await kernel
        .extension(sql)
        .migrations('test.notes')
        .catch(() => []),
    ).toEqual([]);
  });

  it('that have changed, are missing or lose data stop a start before anything runs', async () => {
    const crlf = { '0001_notes.sql': `${NOTES['0001_notes.sql']}\r\n\r\n` };
    const same = await after([{ migrations: NOTES }, { migrations: crlf }]);
    await same.kernel.plugins.activate('test.notes');
    const changed = { '0001_notes.sql': 'create table notes (id integer primary key);' };
    const other = await after([{ migrations: NOTES }, { migrations: changed }]);
    expect((await failure(other.kernel)).code).toBe('sql/migration-changed');
    const added = await after([{ migrations: TITLE }, { migrations: NOTES }]);
    await added.kernel.plugins.activate('test.notes');
    const renamed = { ...NOTES, '0002_rename.sql': 'alter table notes rename to papers' };
    const missing = await after([{ migrations: renamed }, { migrations: NOTES }]);
    expect((await failure(missing.kernel)).code).toBe('sql/migration-missing');
    const drops = { ...TITLE, '0003_drop.sql': 'alter table notes drop column title;' };
    const refused = await after([{ migrations: TITLE }, { version: '2.0.0', migrations: drops }]);
    expect((await failure(refused.kernel)).code).toBe('sql/migration-denied');
    const allowed = await after([{ migrations: TITLE }, { version: '2.0.0', migrations: drops }], {
      destructive: ({ name }) => name === '0003_drop',
    });
    await allowed.kernel.plugins.activate('test.notes');
  });

  describe('an update', () => {
    it('that fails leaves data and version as before', async () => {
      const { kernel, run } = await withSql([packageWith({ migrations: NOTES })], {
        ...(await kind.place()),
        destructive: () => true,
      });
      await kernel.plugins.activate('test.notes');
      await run("insert into notes values (1, 'kept')");
      const gone =
        'drop table notes; create table notes (id integer primary key, text text, x text);';
      for (const migrations of [TITLE, { ...NOTES, '0002_gone.sql': gone }]) {
        const next = packageWith({
          version: '2.0.0',
          migrations,
          activate: async (_, db) => {
            await db.insertInto('notes').values({ id: 2, text: 'new' }).execute();
            await db.transaction().execute(async (trx) => {
              await trx.insertInto('notes').values({ id: 3, text: 'new' }).execute();
              for await (const _row of trx.selectFrom('notes').selectAll().stream()) break;
            });
            throw new Error('it does not start');
          },
        });
        expect((await rejection(kernel.plugins.reload('test.notes', next))).message).toContain(
          'it does not start',
        );
        expect(kernel.plugins.get('test.notes')).toMatchObject({
          version: '1.0.0',
          state: 'active',
        });
        expect((await run('select * from notes')).rows).toEqual([{ id: 1, text: 'kept' }]);
        expect(await names(kernel)).toEqual(['0001_notes']);
      }
    });

    it('keeps what the new version writes while it starts', async () => {
      const place = await kind.place();
      const { kernel } = await withSql([packageWith({ migrations: NOTES })], place);
      await kernel.plugins.activate('test.notes');
      const next = packageWith({
        version: '2.0.0',
        migrations: TITLE,
        activate: async (_, db) => {
          await db.insertInto('notes').values({ id: 1, text: 'alone' }).execute();
          const twice = db.insertInto('notes').values({ id: 1, text: 'b' }).execute();
          expect((await rejection(twice)).code).toBe('sql/constraint');
          await db.transaction().execute(async (trx) => {
            await trx.insertInto('notes').values({ id: 2, text: 'within' }).execute();
          });
          const undone = db.transaction().execute(async (trx) => {
            await trx.insertInto('notes').values({ id: 3, text: 'undone' }).execute();
            throw new Error('not now');
          });
          expect((await rejection(undone)).message).toBe('not now');
          const seen = [];
          for await (const { id } of db.selectFrom('notes').select('id').stream()) seen.push(id);
          expect(seen).toEqual([1, 2]);
          // Readers that end in another order than they began undo nothing.
          const readers = [];
          for (let count = 0; count < 2; count++)
            readers.push(await db.startTransaction().setAccessMode('read only').execute());
          for (const reader of readers) await reader.selectFrom('notes').selectAll().execute();
          for await (const _row of db.selectFrom('notes').selectAll().stream()) {
            await db.insertInto('notes').values({ id: 4, text: 'in a loop' }).execute();
            await db.transaction().execute(async (trx) => {
              await trx.insertInto('notes').values({ id: 5, text: 'in a loop' }).execute();
            });
            break;
          }
          for (const reader of readers) {
            const write = reader.insertInto('notes').values({ id: 6, text: 'no' }).execute();
            expect((await rejection(write)).code).toBe('sql/denied');
            await reader.commit().execute();
          }
        },
      });
      await kernel.plugins.reload('test.notes', next);
      await expect.poll(() => names(kernel)).toEqual(['0001_notes', '0002_title']);
      await kernel.stop();
      const again = await withSql([packageWith({ version: '2.0.0', migrations: TITLE })], place);
      expect((await again.run('select text, title from notes order by id')).rows).toEqual([
        { text: 'alone', title: null },
        { text: 'within', title: null },
        { text: 'in a loop', title: null },
        { text: 'in a loop', title: null },
      ]);
    });

    it('of a plugin in a worker undoes nothing that the version before was told is kept', async () => {
      const writing = (version: string, migrations: Made['migrations'], code: string) => {
        const { exported: _, ...made } = packageWith({
          version,
          migrations,
          manifest: {
            isolation: 'worker',
            permissions: { commands: { execute: ['plinth.sql:*', 'host:*'] } },
          },
        });
        const execute = `(sql, parameters = []) => ctx.commands.execute('plinth.sql:query', { sql, parameters })`;
        return {
          ...made,
          code: async () =>
            `export default { async activate(ctx) { const execute = ${execute}; ${code} } };`,
        };
      };
      const before = writing(
        '1.0.0',
        NOTES,
        `let [kept, on] = [0, true];
        (async () => { while (on) { await ctx.own((own) => execute('insert into notes values (' + (kept + 1) + ', null)')); kept += 1; } })();
        ctx.commands.handle('stop', () => { on = false; return kept; });
        ctx.commands.handle('count', async () => (await execute('select count(*) from notes')).rows[0][0]);
        ctx.commands.handle('kept', () => kept);`,
      );
      const next = writing(
        '2.0.0',
        TITLE,
        `for (let at = 0; at < 5; at++) await execute("insert into notes (id, title) values (" + (1000000 + at) + ", 'new')");
        await ctx.commands.execute('host:gate'); throw new Error('it does not start');`,
      );
      const { kernel } = await withSql([before], await kind.place(), {
        isolation: undefined,
        host: createHost(),
      });
      const gate = gateOf(kernel);
      const reloading = rejection(kernel.plugins.reload('test.notes', next));
      await gate.reached;
      gate.open();
      expect((await reloading).message).toContain('it does not start');
      expect(await names(kernel)).toEqual(['0001_notes']);
      const kept = (await kernel.commands.execute('test.notes:kept')) as number;
      await expect.poll(() => kernel.commands.execute('test.notes:kept')).toBeGreaterThan(kept);
      await kernel.commands.execute('test.notes:stop');
      const last = (await kernel.commands.execute('test.notes:kept')) as number;
      const count = (await kernel.commands.execute('test.notes:count')) as number;
      expect(count).toBeGreaterThanOrEqual(last);
      expect(count).toBeLessThanOrEqual(last + 1);
    });

    it('that fails at the first start leaves no database', async () => {
      const activate: Made['activate'] = () => {
        throw new Error('it does not start');
      };
      const { kernel } = await after([{ migrations: NOTES, activate }]);
      await rejection(kernel.plugins.activate('test.notes'));
      expect(await kernel.extension(sql).list()).toEqual([]);
    });
  });
});
