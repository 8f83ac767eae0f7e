/** Migrations without the plugin: what is pending, and running it before a start. */
import { createKernel, type Kernel, type PluginPackage } from '@plinth/kernel';
import { type SqlApi, type SqlOptions, sql } from '@plinth/sql/host';
import { describe, expect, it } from 'vitest';
import { keep, nextEvent, rejection } from '../support/kernels.ts';
import { KINDS, type Kind, stopPostgresAfterAll } from './backends.ts';
import { packageWith, withSql } from './databases.ts';

stopPostgresAfterAll();

const ID = 'test.notes';
const FIRST = { '0001_notes.sql': 'create table notes (id integer primary key, text text);' };
const SECOND = { ...FIRST, '0002_tags.sql': 'create table tags (name text);' };
const LOSING = { ...SECOND, '0003_drop.sql': 'drop table tags;' };

/** A kernel that was opened, and has started nothing. */
async function openedKernel(
  packages: readonly PluginPackage[],
  place: Partial<SqlOptions>,
  options: Partial<SqlOptions> = {},
): Promise<Kernel> {
  const kernel = keep(
    await createKernel({
      isolation: 'inline',
      telemetry: { log: false },
      sources: [
        {
          async *discover() {
            yield* packages;
          },
        },
      ],
      extensions: [sql({ ...place, ...options } as SqlOptions)],
    }),
  );
  await kernel.open();
  return kernel as unknown as Kernel;
}
const apiOf = (kernel: Pick<Kernel, 'extension'>): SqlApi => kernel.extension(sql);

/** The names of pending migrations. */
const namesOf = (pending: readonly { readonly name: string }[]) => pending.map(({ name }) => name);

describe.each(KINDS)('pending(), $title', (kind: Kind) => {
  it('lists what a start would run, with checksums, and makes no database', async () => {
    const place = await kind.place();
    const kernel = await openedKernel([packageWith({ migrations: SECOND })], place);
    const databases = apiOf(kernel);
    const pending = await databases.pending(ID);
    expect(pending).toEqual([
      expect.objectContaining({ name: '0001_notes', destructive: [], allowed: true }),
      expect.objectContaining({ name: '0002_tags', destructive: [], allowed: true }),
    ]);
    expect(pending[0]?.checksum).toMatch(/^[0-9a-f]{64}$/);
    expect(await databases.list()).toEqual([]);
    expect(kernel.plugins.get(ID)?.state).not.toBe('active');
  });

  it('names the statements that lose data, and whether the application allows them', async () => {
    const place = await kind.place();
    const made = packageWith({ migrations: LOSING });
    const strict = apiOf(await openedKernel([made], place));
    expect((await strict.pending(ID)).at(-1)).toMatchObject({
      name: '0003_drop',
      destructive: ['drop table tags'],
      allowed: false,
    });
    const lenient = apiOf(await openedKernel([made], place, { destructive: () => true }));
    expect((await lenient.pending(ID)).at(-1)).toMatchObject({ allowed: true });
  });

  it.each([
    ['a plugin that is not there', 'test.absent', 'plugin/not-found'],
    ['a version that is not there', `${ID}@2.0.0`, 'plugin/not-found'],
    ['what is no id', '../x', 'sql/failed'],
  ])('refuses %s', async (_, plugin, code) => {
    const kernel = await openedKernel([packageWith({ migrations: FIRST })], await kind.place());
    expect((await rejection(apiOf(kernel).pending(plugin))).code).toBe(code);
  });

  it('refuses a migration whose text has changed since it ran', async () => {
    const place = await kind.place();
    const { kernel: earlier } = await withSql([packageWith({ migrations: FIRST })], place);
    await earlier.plugins.activate(ID);
    await earlier.stop();
    const changed = { '0001_notes.sql': 'create table notes (id integer);' };
    const kernel = await openedKernel([packageWith({ migrations: changed })], place);
    expect((await rejection(apiOf(kernel).pending(ID))).code).toBe('sql/migration-changed');
  });
});

describe.each(KINDS)('migrate(), $title', (kind: Kind) => {
  it('runs what is due without the plugin, which then finds it done', async () => {
    const place = await kind.place();
    const { kernel: earlier } = await withSql([packageWith({ migrations: FIRST })], place);
    await earlier.plugins.activate(ID);
    await earlier.stop();
    const kernel = await openedKernel(
      [packageWith({ version: '2.0.0', migrations: SECOND })],
      place,
    );
    const databases = apiOf(kernel);
    const migrated = nextEvent(kernel, 'sql:migrated');
    expect(await databases.migrate(ID)).toEqual(['0002_tags']);
    expect(await migrated).toMatchObject({ plugin: ID, version: '2.0.0' });
    expect(await databases.pending(ID)).toEqual([]);
    expect(await databases.migrate(ID)).toEqual([]);
    expect(kernel.plugins.get(ID)?.state).not.toBe('active');
    await kernel.start();
    expect(kernel.plugins.get(ID)?.state).toBe('active');
    expect(namesOf(await databases.migrations(ID))).toEqual(['0001_notes', '0002_tags']);
  });

  it('runs what loses data only where it is named, and changes nothing otherwise', async () => {
    const place = await kind.place();
    const kernel = await openedKernel([packageWith({ migrations: LOSING })], place);
    const databases = apiOf(kernel);
    for (const allow of [undefined, ['0002_tags']])
      expect((await rejection(databases.migrate(ID, { allow }))).code).toBe('sql/migration-denied');
    expect(namesOf(await databases.pending(ID))).toHaveLength(3);
    expect(await databases.migrate(ID, { allow: ['0003_drop'] })).toHaveLength(3);
  });

  it('that fails in one migration has run none', async () => {
    const place = await kind.place();
    const broken = { ...FIRST, '0002_broken.sql': 'insert into nowhere values (1);' };
    const kernel = await openedKernel([packageWith({ migrations: broken })], place);
    const error = await rejection(apiOf(kernel).migrate(ID));
    expect(error).toMatchObject({
      code: 'sql/migration-failed',
      details: { migration: '0002_broken' },
    });
    expect(namesOf(await apiOf(kernel).pending(ID))).toHaveLength(2);
  });

  it('is refused while the plugin runs', async () => {
    const { kernel } = await withSql([packageWith({ migrations: FIRST })], await kind.place());
    await kernel.plugins.activate(ID);
    expect((await rejection(apiOf(kernel).migrate(ID))).code).toBe('plugin/illegal-transition');
  });

  it('runs in a tenant that was opened, and nowhere else', async () => {
    const kernel = await openedKernel([packageWith({ migrations: FIRST })], await kind.place());
    expect(await apiOf(kernel).tenants()).toEqual([]);
    const acme = kernel.tenant('acme');
    await acme.open();
    expect(await apiOf(acme).migrate(ID)).toEqual(['0001_notes']);
    expect(await apiOf(kernel).tenants()).toEqual(['acme']);
    expect(namesOf(await apiOf(kernel).pending(ID))).toEqual(['0001_notes']);
    expect(acme.plugins.get(ID)?.state).not.toBe('active');
  });
});
