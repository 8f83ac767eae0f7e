/** `plinth migrate`: the databases of a project, without its plugins. */
import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folderOf, json, plinth, write } from './plinth.ts';

const ID = 'com.example.notes';
const MIGRATIONS: Readonly<Record<string, string>> = {
  '0001_notes.sql': 'create table notes (id integer primary key, text text);',
  '0002_tags.sql': 'create table tags (name text);',
  '0003_drop_tags.sql': 'drop table tags;',
};

/** A project with a plugin that has these migrations, and tells when it is activated. */
function project(names: readonly string[], config = '', code = '') {
  const files = names.map((name) => [`plugins/notes/${name}`, MIGRATIONS[name] as string]);
  return {
    'plinth.config.js': `import { sql } from '@plinth/sql/host';
export default { extensions: [sql({ directory: new URL('databases', import.meta.url).pathname ${config} })] };
`,
    'plugins/notes/plugin.json': {
      id: ID,
      version: '1.0.0',
      main: 'plugin.js',
      engines: { plinth: '^1.0.0' },
      permissions: { commands: { execute: ['plinth.sql:*'] } },
      contributes: { sql: { migrations: names } },
    },
    'plugins/notes/plugin.js': `export default { activate(ctx) { ctx.logger.warn('it runs'); ${code} } };\n`,
    ...Object.fromEntries(files),
  };
}

const ADDING = ['0001_notes.sql', '0002_tags.sql'];
const ALL = Object.keys(MIGRATIONS);

describe('plinth migrate', () => {
  it('lists what is due with --dry-run, runs it, and then finds nothing, without the plugin', async () => {
    const folder = await folderOf(project(ADDING));
    const dry = await plinth(folder, ['migrate', '--dry-run']);
    expect([dry.code, dry.err]).toEqual([0, '']);
    expect(dry.out).toMatch(
      /^com\.example\.notes 1\.0\.0: 2 migrations due\n {2}0001_notes +[0-9a-f]{12}\n {2}0002_tags +[0-9a-f]{12}\n$/,
    );
    await expect(access(join(folder, 'databases'))).rejects.toThrow();
    const done = await plinth(folder, ['migrate']);
    expect([done.code, done.err]).toEqual([0, '']);
    expect(done.out).toContain('com.example.notes 1.0.0: 2 migrations done\n');
    expect((await plinth(folder, ['migrate'])).out).toBe('no migration is due\n');
    expect((await plinth(folder, ['list'])).err).toContain('it runs');
  });

  it('answers the same with --json', async () => {
    const folder = await folderOf(project(ADDING));
    const first = await json(folder, ['migrate', '--dry-run']);
    expect(first).toMatchObject({
      ok: true,
      tenants: ['tenant-0'],
      dryRun: true,
      plugins: [
        {
          tenant: 'tenant-0',
          id: ID,
          version: '1.0.0',
          migrations: [
            { name: '0001_notes', destructive: [], allowed: true },
            { name: '0002_tags', destructive: [], allowed: true },
          ],
        },
      ],
    });
    expect(await json(folder, ['migrate', '--plugin', ID])).toMatchObject({
      dryRun: false,
      plugins: [{ ran: ['0001_notes', '0002_tags'] }],
    });
  });

  it('runs nothing of what loses data without consent, which names it', async () => {
    const folder = await folderOf(project(ALL));
    expect((await plinth(folder, ['migrate', '--dry-run'])).out).toMatch(
      /0003_drop_tags +[0-9a-f]{12} +loses data: drop table tags\n/,
    );
    const denied = await plinth(folder, ['migrate']);
    expect(denied.code).toBe(2);
    expect(denied.err).toContain('migrate/consent');
    expect(denied.err).toContain('--allow 0003_drop_tags');
    expect((await plinth(folder, ['migrate', '--allow', '0002_tags'])).code).toBe(2);
    const done = await plinth(folder, ['migrate', '--allow', '0003_drop_tags']);
    expect([done.code, done.err]).toEqual([0, '']);
    expect(done.out).toContain('3 migrations done');
  });

  it('takes the consent of the configuration, or --yes for all', async () => {
    const allowed = await folderOf(project(ALL, ', destructive: () => true'));
    expect((await plinth(allowed, ['migrate'])).out).toContain('3 migrations done');
    const folder = await folderOf(project(ALL));
    expect((await plinth(folder, ['migrate', '--yes'])).out).toContain('3 migrations done');
  });

  it('migrates one tenant, and without a name all that have a database', async () => {
    const folder = await folderOf(project(['0001_notes.sql']));
    for (const tenant of ['acme', 'Acme.Berlin'])
      expect(await json(folder, ['migrate', '--tenant', tenant])).toMatchObject({
        tenants: [tenant],
        plugins: [{ tenant, ran: ['0001_notes'] }],
      });
    await write(folder, project(ALL));
    expect((await plinth(folder, ['migrate'])).code).toBe(2);
    const dry = await plinth(folder, ['migrate', '--dry-run']);
    expect(dry.out).toMatch(
      /^tenant-0:\n.*: 3 migrations due\n.*\nAcme.Berlin:\n.*: 2 migrations due\n.*\nacme:\n.*: 2 migrations due\n/s,
    );
    expect(await json(folder, ['migrate', '--allow', '0003_drop_tags'])).toMatchObject({
      tenants: ['tenant-0', 'Acme.Berlin', 'acme'],
      plugins: [
        { tenant: 'tenant-0', ran: ['0001_notes', '0002_tags', '0003_drop_tags'] },
        { tenant: 'Acme.Berlin', ran: ['0002_tags', '0003_drop_tags'] },
        { tenant: 'acme', ran: ['0002_tags', '0003_drop_tags'] },
      ],
    });
  });

  it('refuses a name in --allow that no migration has, before anything runs', async () => {
    const folder = await folderOf(project(ALL));
    const args = ['migrate', '--allow', '0003_drop_tags,0003_drop_tag'];
    for (const more of [[], ['--dry-run'], ['--yes']]) {
      const { code, err } = await plinth(folder, [...args, ...more]);
      expect(code).toBe(2);
      expect(err).toMatch(/migrate\/unknown.* 0003_drop_tag\n/);
    }
    const known = ['migrate', '--allow', '0003_drop_tags'];
    expect((await plinth(folder, known)).out).toContain('3 migrations done');
    // It stays in a script.
    expect((await plinth(folder, known)).out).toBe('no migration is due\n');
  });

  it('changes no plugin when one can not be migrated, and names what is wrong', async () => {
    const folder = await folderOf(project(['0001_notes.sql']));
    await plinth(folder, ['migrate']);
    await writeFile(join(folder, 'plugins/notes/0001_notes.sql'), 'create table other (a);');
    await write(folder, {
      'plugins/other/plugin.json': {
        id: 'com.example.other',
        version: '1.0.0',
        main: 'plugin.js',
        engines: { plinth: '^1.0.0' },
        contributes: { sql: { migrations: ['0001_one.sql'] } },
      },
      'plugins/other/plugin.js': 'export default { activate() {} };\n',
      'plugins/other/0001_one.sql': 'create table one (a);',
    });
    const { code, out } = await plinth(folder, ['migrate']);
    expect(code).toBe(1);
    expect(out).toMatch(/com\.example\.notes 1\.0\.0: failed sql\/migration-changed/);
    expect(out).toContain('com.example.other 1.0.0: 1 migration due');
    expect((await plinth(folder, ['migrate', '--plugin', 'com.example.other'])).code).toBe(0);
  });

  it.each([
    ['a plugin that is not there', ['--plugin', 'com.example.absent'], 'plugin/not-found'],
    ['a tenant that is none', ['--tenant', '../x'], 'kernel/invalid-option'],
  ])('refuses %s', async (_, args, code) => {
    const folder = await folderOf(project(ADDING));
    const { code: exit, err } = await plinth(folder, ['migrate', ...args]);
    expect(exit).toBe(1);
    expect(err).toContain(code);
  });

  it('says so when the project has no databases', async () => {
    const folder = await folderOf({ 'plinth.config.js': 'export default {};\n' });
    const { code, err } = await plinth(folder, ['migrate']);
    expect([code, err.includes('migrate/no-databases')]).toEqual([1, true]);
  });
});
