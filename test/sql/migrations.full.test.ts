/** Migrations of plugins: before they are activated, whole or not at all, and only forward. */
import type { Kernel } from '@plinth/kernel';
import { type DestructiveMigration, sql } from '@plinth/sql/host';
import { describe, expect, it } from 'vitest';
import { createHost } from '#host';
import { gateOf, rejection } from '../support/kernels.ts';
import { folder, type Made, packageWith, withSql } from './databases.ts';

const NOTES = { '0001_notes.sql': 'create table notes (id integer primary key, text text);' };
const TITLE = { ...NOTES, '0002_title.sql': 'alter table notes add column title text;' };
const TABLES =
  "select name from sqlite_schema where type = 'table' and name not like '\\_%' escape '\\' order by name";

const names = async (kernel: Kernel, plugin = 'test.notes') =>
  (await kernel.extension(sql).migrations(plugin)).map(({ name }) => name);

/** The reason why a plugin has failed: the code and the message below the kernel's own. */
async function failure(kernel: Kernel, plugin = 'test.notes') {
  const error = await rejection(kernel.plugins.activate(plugin));
  let cause: unknown = error;
  while (
    (cause as Error).cause !== undefined &&
    !String((cause as { code?: string }).code).startsWith('sql/')
  )
    cause = (cause as Error).cause;
  return { code: (cause as { code?: string }).code, message: error.message };
}

/** Starts one version after another on one directory; the last kernel keeps running. */
async function after(versions: readonly Made[], options: Parameters<typeof withSql>[1] = {}) {
  const directory = await folder();
  for (const version of versions.slice(0, -1)) {
    const { kernel } = await withSql([packageWith(version)], { ...options, directory });
    await kernel.plugins.activate('test.notes');
    await kernel.stop();
  }
  return withSql([packageWith(versions.at(-1) ?? {})], { ...options, directory });
}

describe('migrations', () => {
  it('have run before the plugin is activated, once, in their order', async () => {
    const directory = await folder();
    const seen: unknown[] = [];
    const made: Made = {
      migrations: { '0002_title.sql': TITLE['0002_title.sql'], ...NOTES },
      activate: async (_, db) => {
        const tables = await db.introspection.getTables();
        seen.push(tables.find(({ name }) => name === 'notes')?.columns.map(({ name }) => name));
      },
    };
    for (let time = 0; time < 2; time++) {
      const { kernel } = await withSql([packageWith(made)], { directory });
      await kernel.plugins.activate('test.notes');
      expect(await names(kernel)).toEqual(['0001_notes', '0002_title']);
      await kernel.stop();
    }
    expect(seen).toEqual([
      ['id', 'text', 'title'],
      ['id', 'text', 'title'],
    ]);
  });

  it('run in each tenant, and are told', async () => {
    const { kernel } = await withSql([packageWith({ migrations: NOTES })]);
    const tenant = await kernel.tenant('second');
    await tenant.plugins.activate('test.notes');
    expect(await names(kernel)).toEqual(['0001_notes']);
    const told: unknown[] = [];
    kernel.events.on('sql:migrated', ({ payload }) => told.push(payload));
    await kernel.plugins.reload('test.notes', packageWith({ version: '2.0.0', migrations: TITLE }));
    await expect
      .poll(() => told)
      .toContainEqual({ plugin: 'test.notes', version: '2.0.0', migrations: ['0002_title'] });
    expect((await tenant.extension(sql).migrations('test.notes')).length).toBe(1);
  });

  it('prefer the text for this database', async () => {
    const { kernel, run } = await withSql([
      packageWith({
        migrations: {
          '0001_notes.sql': 'create table common (a)',
          '0001_notes.sqlite.sql': 'create table lite (a)',
          '0001_notes.postgres.sql': 'create table big (a)',
        },
      }),
    ]);
    await kernel.plugins.activate('test.notes');
    expect((await run(TABLES)).rows).toEqual([{ name: 'lite' }]);
  });

  it('may have triggers, and replace a table that others refer to', async () => {
    const { kernel, run } = await withSql(
      [
        packageWith({
          migrations: {
            '0001_both.sql': `create table parent (id integer primary key);
              create table child (id integer primary key, parent references parent (id) on delete cascade);
              create trigger t after insert on parent begin
                insert into child (parent) values (case when new.id > 0 then new.id end); end;
              insert into parent values (1);`,
            '0002_replace.sql': `create table parent2 (id integer primary key, more text);
              insert into parent2 (id) select id from parent; drop table parent;
              alter table parent2 rename to parent;`,
          },
        }),
      ],
      { destructive: () => true },
    );
    await kernel.plugins.activate('test.notes');
    expect((await run('select parent from child')).rows).toEqual([{ parent: 1 }]);
    const orphan = run('insert into child (parent) values (9)');
    expect((await rejection(orphan)).code).toBe('sql/constraint');
  });

  it('run once when two kernels start at the same time', async () => {
    const directory = await folder();
    const make = () =>
      withSql(
        [
          packageWith({
            migrations: { ...NOTES, '0002_row.sql': "insert into notes (text) values ('one')" },
          }),
        ],
        { directory },
      );
    const kernels = await Promise.all([make(), make(), make()]);
    await Promise.all(kernels.map(({ kernel }) => kernel.plugins.activate('test.notes')));
    for (const { run } of kernels)
      expect((await run('select text from notes')).rows).toEqual([{ text: 'one' }]);
  });
});

describe('a migration that fails', () => {
  const broken = {
    ...NOTES,
    '0002_more.sql': 'create table more (a); insert into absent values (1);',
  };

  it('undoes all of that start, fails the plugin, and may be corrected', async () => {
    const directory = await folder();
    const { kernel } = await withSql([packageWith({ migrations: broken })], { directory });
    const { code, message } = await failure(kernel);
    expect(code).toBe('sql/migration-failed');
    expect(message).toContain("'0002_more'");
    expect(message).toContain('no such table: absent');
    expect(await names(kernel)).toEqual([]);
    await kernel.stop();
    const again = await withSql([packageWith({ migrations: TITLE })], { directory });
    await again.kernel.plugins.activate('test.notes');
    expect(await names(again.kernel)).toEqual(['0001_notes', '0002_title']);
  });

  it.each([
    ['commit', 'commit; create table stays (a); select'],
    ['rollback', 'rollback; create table stays (a)'],
    ['savepoint', 'savepoint a; release a'],
    [
      'raise',
      "create table t (a); create trigger x before insert on t begin select raise(rollback, 'no'); end; insert into t values (1)",
    ],
    [
      'or rollback',
      'create table t (a unique); insert into t values (1); insert or rollback into t values (1)',
    ],
    ['attach', "attach ':memory:' as a"],
    ['pragma', 'pragma journal_mode=off'],
    ['registry', 'create table _plinth_migrations (a)'],
    ['registry by another name', 'alter table notes rename to _plinth_migrations'],
    ['vacuum', 'vacuum'],
    [
      'key',
      'create table p (id integer primary key); create table c (p references p (id)); insert into c values (1)',
    ],
  ])('by %s leaves nothing', async (_, text) => {
    const { kernel, run } = await withSql([
      packageWith({ migrations: { ...NOTES, '0002_bad.sql': text } }),
      packageWith({ id: 'test.look' }),
    ]);
    expect((await failure(kernel)).code).toBe('sql/migration-failed');
    expect(await names(kernel)).toEqual([]);
    // The process and its connections go on.
    expect((await run('select 1 as one', [], 'test.look')).rows).toEqual([{ one: 1 }]);
  });

  it('by taking too long is ended, and leaves nothing', async () => {
    const endless =
      'create table t as with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n';
    for (const [limits, own] of [
      // Long enough for the start of a worker.
      [{ hook: 2_500 }, undefined],
      [undefined, { migration: 500 }],
    ] as const) {
      const { kernel } = await withSql(
        [packageWith({ migrations: { ...NOTES, '0002_endless.sql': endless } })],
        { ...(own && { limits: own }) },
        { ...(limits && { limits }) },
      );
      await rejection(kernel.plugins.activate('test.notes'));
      // It may have been ended before there was a database.
      const made = await kernel.extension(sql).list();
      expect(made.length === 0 ? [] : await names(kernel)).toEqual([]);
    }
  });
});

describe('a version', () => {
  it('whose migration has another text is refused; other line ends are the same text', async () => {
    const crlf = { '0001_notes.sql': `${NOTES['0001_notes.sql']}\r\n\r\n` };
    const { kernel } = await after([{ migrations: NOTES }, { migrations: crlf }]);
    await kernel.plugins.activate('test.notes');
    const changed = { '0001_notes.sql': 'create table notes (id integer primary key);' };
    const other = await after([{ migrations: NOTES }, { migrations: changed }]);
    expect((await failure(other.kernel)).code).toBe('sql/migration-changed');
  });

  it('with a new migration of a lower number is refused, before anything runs', async () => {
    const early = {
      '0001_notes.sql': NOTES['0001_notes.sql'],
      '0002_early.sql': 'create table early (a)',
      '0003_last.sql': 'create table last (a)',
      '0004_new.sql': 'create table new (a)',
    };
    const { '0002_early.sql': _, '0004_new.sql': __, ...first } = early;
    const { kernel } = await after([{ migrations: first }, { migrations: early }]);
    expect((await failure(kernel)).code).toBe('sql/migration-changed');
    expect(await names(kernel)).toEqual(['0001_notes', '0003_last']);
  });

  it('from before may come back when the later one has only added, and else not', async () => {
    const added = await after([{ migrations: TITLE }, { migrations: NOTES }]);
    await added.kernel.plugins.activate('test.notes');
    expect((await added.run('select count(*) as n from notes')).rows).toEqual([{ n: 0 }]);
    const renamed = { ...NOTES, '0002_rename.sql': 'alter table notes rename to papers' };
    const changed = await after([{ migrations: renamed }, { migrations: NOTES }]);
    const { code, message } = await failure(changed.kernel);
    expect(code).toBe('sql/migration-missing');
    expect(message).toContain("'0002_rename'");
    const upsert =
      "insert into notes (id, text) values (1, 'a') on conflict (id) do update set text = 'b'";
    const written = { ...NOTES, '0002_write.sql': upsert };
    const over = await after([{ migrations: written }, { migrations: NOTES }]);
    expect(await failure(over.kernel)).toMatchObject({ code: 'sql/migration-missing' });
  });

  it('that loses data needs the consent of the application', async () => {
    const drops = { ...TITLE, '0003_drop.sql': '/* drop */ alter table notes drop column title;' };
    const made: Made = { version: '2.0.0', migrations: drops };
    const refused = await after([{ migrations: TITLE }, made]);
    const { code, message } = await failure(refused.kernel);
    expect(code).toBe('sql/migration-denied');
    expect(message).toContain('sql({ destructive:');
    const asked: DestructiveMigration[] = [];
    const allowed = await after([{ migrations: TITLE }, made], {
      destructive: (migration) => {
        asked.push(migration);
        return true;
      },
    });
    await allowed.kernel.plugins.activate('test.notes');
    expect(asked).toEqual([
      {
        tenant: 'tenant-0',
        plugin: 'test.notes',
        version: '2.0.0',
        name: '0003_drop',
        statements: ['alter table notes drop column title'],
      },
    ]);
  });
});

describe('an update', () => {
  const first = { migrations: NOTES };
  const activate: Made['activate'] = async (_, db) => {
    await db
      .insertInto('notes')
      .values({ text: 'new' } as never)
      .execute();
    throw new Error('it does not start');
  };

  it('brings the database to its version while the plugin is replaced', async () => {
    const { kernel, run } = await withSql([packageWith(first)]);
    await kernel.plugins.activate('test.notes');
    await run('insert into notes (text) values (?)', ['kept']);
    await kernel.plugins.reload('test.notes', packageWith({ version: '2.0.0', migrations: TITLE }));
    expect((await run('select text, title from notes')).rows).toEqual([
      { text: 'kept', title: null },
    ]);
    expect(await names(kernel)).toEqual(['0001_notes', '0002_title']);
  });

  it('that fails leaves data and version as before', async () => {
    const { kernel, run } = await withSql([packageWith(first)], { destructive: () => true });
    await kernel.plugins.activate('test.notes');
    await run('insert into notes (text) values (?)', ['kept']);
    for (const migrations of [
      TITLE,
      {
        ...NOTES,
        '0002_gone.sql':
          'drop table notes; create table notes (id integer primary key, text text, x);',
      },
    ]) {
      const next = packageWith({ version: '2.0.0', migrations, activate });
      await rejection(kernel.plugins.reload('test.notes', next));
      expect(kernel.plugins.get('test.notes')).toMatchObject({ version: '1.0.0', state: 'active' });
      expect((await run('select * from notes')).rows).toEqual([{ id: 1, text: 'kept' }]);
      expect(await names(kernel)).toEqual(['0001_notes']);
      await run('insert into notes (text) values (?)', ['more']);
      await run("delete from notes where text = 'more'");
    }
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
    // It writes on its own, while the next version starts beside it.
    const before = writing(
      '1.0.0',
      NOTES,
      `let [kept, on] = [0, true];
      (async () => { while (on) { await ctx.own((own) => execute('insert into notes (text) values (null)')); kept += 1; } })();
      ctx.commands.handle('stop', () => { on = false; return kept; });
      ctx.commands.handle('kept', () => kept);`,
    );
    const next = writing(
      '2.0.0',
      TITLE,
      `for (let at = 0; at < 5; at++) await execute("insert into notes (title) values ('new')");
      await ctx.commands.execute('host:gate'); throw new Error('it does not start');`,
    );
    const { kernel, directory } = await withSql(
      [before],
      {},
      { isolation: undefined, host: createHost() },
    );
    const gate = gateOf(kernel);
    const reloading = rejection(kernel.plugins.reload('test.notes', next));
    await gate.reached;
    gate.open();
    expect((await reloading).message).toContain('it does not start');
    expect(await names(kernel)).toEqual(['0001_notes']);
    const kept = (await kernel.commands.execute('test.notes:kept')) as number;
    // It goes on writing.
    await expect.poll(() => kernel.commands.execute('test.notes:kept')).toBeGreaterThan(kept);
    await kernel.commands.execute('test.notes:stop');
    await kernel.plugins.deactivate('test.notes');
    await kernel.stop();
    const { run } = await withSql([packageWith({ migrations: NOTES })], { directory });
    expect((await run('pragma table_info(notes)')).rows.length).toBe(2);
    const [row] = (await run('select count(*) as n from notes')).rows;
    expect(row?.n).toBeGreaterThan(kept);
  });

  it('that fails at the first start leaves no table', async () => {
    const { kernel } = await withSql([packageWith({ migrations: NOTES, activate })]);
    await rejection(kernel.plugins.activate('test.notes'));
    expect(await kernel.extension(sql).list()).toEqual([]);
  });
});

describe('the installer', () => {
  const shipped = (version: string, migrations: Made['migrations'], activate = '') => {
    const { exported: _, ...made } = packageWith({ version, migrations });
    const query = `(sql) => ctx.commands.execute('plinth.sql:query', { sql, parameters: [] })`;
    const code = `export default { async activate(ctx) { const query = ${query};
      ctx.commands.handle('query', async (sql) => (await query(sql)).rows); ${activate} } };`;
    return { ...made, code: async () => code };
  };
  const renamed = { ...NOTES, '0002_rename.sql': 'alter table notes rename to papers' };

  it('rolls an update back that fails, and one that has only added', async () => {
    const { kernel } = await withSql([], {}, { isolation: undefined, host: createHost() });
    const query = (text: string) => kernel.commands.execute('test.notes:query', text);
    await kernel.plugins.install(shipped('1.0.0', NOTES));
    await kernel.plugins.activate('test.notes');
    await query("insert into notes (text) values ('kept')");
    const broken = shipped('2.0.0', renamed, "throw new Error('it does not start');");
    await rejection(kernel.plugins.update('test.notes', broken));
    expect(kernel.plugins.get('test.notes')).toMatchObject({ version: '1.0.0', state: 'active' });
    expect(await query('select text from notes')).toEqual([['kept']]);
    await kernel.plugins.update('test.notes', shipped('2.1.0', TITLE));
    expect(await query('select text, title from notes')).toEqual([['kept', null]]);
    // Its package is the kernel's own copy, which has no files.
    await kernel.plugins.rollback('test.notes');
    expect(kernel.plugins.get('test.notes')).toMatchObject({ version: '1.0.0', state: 'active' });
    expect(await query('select text from notes')).toEqual([['kept']]);
    expect(await names(kernel)).toEqual(['0001_notes', '0002_title']);
  });

  it('replaces a guest in its worker, and gives the database back to all versions', async () => {
    const first = shipped('1.0.0', NOTES);
    const { kernel } = await withSql([first], {}, { isolation: undefined, host: createHost() });
    const told: unknown[] = [];
    kernel.events.on('sql:migrated', ({ payload }) => told.push(payload));
    await kernel.plugins.reload('test.notes', shipped('2.0.0', TITLE));
    await expect
      .poll(() => told)
      .toContainEqual({ plugin: 'test.notes', version: '2.0.0', migrations: ['0002_title'] });
    const query = (text: string) => kernel.commands.execute('test.notes:query', text);
    expect(await query('select title from notes')).toEqual([]);
    await kernel.plugins.reload('test.notes', shipped('2.0.1', TITLE));
    expect(await query('select title from notes')).toEqual([]);
  });

  it('refuses to roll back what has changed more, and the later version goes on', async () => {
    const { kernel } = await withSql([], {}, { isolation: undefined, host: createHost() });
    await kernel.plugins.install(shipped('1.0.0', NOTES));
    await kernel.plugins.activate('test.notes');
    await kernel.plugins.update('test.notes', shipped('2.0.0', renamed));
    const error = await rejection(kernel.plugins.rollback('test.notes'));
    expect(error.message).toContain("'0002_rename' has run");
    expect(kernel.plugins.get('test.notes')).toMatchObject({ version: '2.0.0', state: 'active' });
    expect(await kernel.commands.execute('test.notes:query', 'select text from papers')).toEqual(
      [],
    );
  });
});

describe('files', () => {
  const digest = async (text: string) => {
    const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
    return [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  };

  it.each([
    [['a.sql'], 'no name of a migration'],
    [['0001_a.sql', 'more/0001_a.sql'], 'twice'],
    [['0001_a.sql', '0001_b.sql'], 'one number'],
    [['../0001_a.sql'], 'paths of files'],
    [['0001_a.postgres.sql'], 'PostgreSQL alone'],
    ['0001_a.sql', 'list'],
    [[7], 'paths'],
  ])('named %j are refused with the manifest', async (migrations, words) => {
    const made = packageWith({ manifest: { contributes: { sql: { migrations } } } });
    const { kernel } = await withSql([made]);
    expect((await failure(kernel)).message).toContain(words);
  });

  it('that are absent, no text, or not what the manifest promises fail the plugin', async () => {
    const files = {
      'plugin.js': await digest(''),
      '0001_notes.sql': await digest(NOTES['0001_notes.sql']),
    };
    const good = await withSql([packageWith({ migrations: NOTES, manifest: { files } })]);
    await good.kernel.plugins.activate('test.notes');
    const forged = packageWith({
      migrations: NOTES,
      manifest: { files: { ...files, '0001_notes.sql': await digest('x') } },
    });
    const bad = await withSql([forged]);
    expect((await rejection(bad.kernel.plugins.activate('test.notes'))).message).toContain(
      'promises',
    );
    const absent = packageWith({
      manifest: { contributes: { sql: { migrations: ['0001_a.sql'] } } },
    });
    const none = await withSql([absent]);
    expect((await failure(none.kernel)).code).toBe('sql/migration-missing');
  });
});
