/** Migrations of plugins that are installed from the file system. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createKernel, directorySource, fileStorage } from '@plinth/host-node';
import { sql } from '@plinth/sql/host';
import { expect, it } from 'vitest';
import { folder } from './databases.ts';

const NOTES = 'create table notes (id integer primary key, text text);';

/** Writes a package with a migration. */
function writePackage(source: string): void {
  mkdirSync(source, { recursive: true });
  writeFileSync(join(source, '0001_notes.sql'), NOTES);
  writeFileSync(join(source, 'plugin.js'), 'export default { activate() {} };');
  writeFileSync(
    join(source, 'plugin.json'),
    JSON.stringify({
      id: 'test.notes',
      version: '1.0.0',
      main: 'plugin.js',
      engines: { plinth: '^1.0.0' },
      contributes: { sql: { migrations: ['0001_notes.sql'] } },
    }),
  );
}

it('migrations run in a tenant that starts when another one runs the plugin from its folder', async () => {
  const directory = await folder();
  writePackage(join(directory, 'plugins/notes'));
  const kernel = await createKernel({
    plugins: join(directory, 'plugins'),
    isolation: 'inline',
    telemetry: { log: false },
    extensions: [sql({ directory: join(directory, 'databases') })],
  });
  try {
    await kernel.start();
    for (const id of ['first', 'second', 'third']) {
      const tenant = kernel.tenant(id);
      await tenant.plugins.activate('test.notes');
      expect((await tenant.extension(sql).migrations('test.notes')).length, id).toBe(1);
    }
  } finally {
    await kernel.stop();
  }
});

it('migrations of an installed plugin are there when its package is not', async () => {
  const directory = await folder();
  const source = join(directory, 'source');
  writePackage(source);
  const start = async () => {
    const kernel = await createKernel({
      sources: [],
      telemetry: { log: false },
      storage: await fileStorage(join(directory, 'storage')),
      extensions: [sql({ directory: join(directory, 'databases') })],
    });
    await kernel.start();
    return kernel;
  };
  const first = await start();
  for await (const found of directorySource(source).discover()) await first.plugins.install(found);
  await first.stop();
  rmSync(source, { recursive: true });
  const second = await start();
  await second.plugins.activate('test.notes');
  const ran = await second.extension(sql).migrations('test.notes');
  expect(ran.map(({ name }) => name)).toEqual(['0001_notes']);
  await second.stop();
  const file = new DatabaseSync(join(directory, 'databases/tenant-0/test.notes/data.sqlite'));
  expect(file.prepare('select count(*) as n from notes').get()).toEqual({ n: 0 });
  file.close();
});
