/** `sqlRegistry()`: what is installed and decided is in rows, and outlives the kernel. */
import {
  type Kernel,
  memoryStorage,
  type PackageInput,
  packageOf,
  type StorageAdapter,
} from '@plinth/kernel';
import { tenants } from '@plinth/kernel/tenants';
import { type SqlPlace, sqlRegistry, sqlStorage } from '@plinth/sql/storage';
import { describe, expect, it } from 'vitest';
import { createHost } from '#host';
import { rejection, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';
import type { Database } from './sql-storage-suite.ts';

const ID = 'test.p';
const versionOf = (version: string, id = ID) =>
  pluginOf(id, `ctx.commands.handle('version', () => ctx.plugin.version);`, {
    version,
    name: `Plugin ${id}`,
  });
const packed = (version: string, id = ID) => packageOf(versionOf(version, id));

const start = (
  place: SqlPlace,
  storage: StorageAdapter = memoryStorage(),
  more: object = {},
  packages: readonly PackageInput[] = [],
) =>
  startKernel({ isolation: 'inline', createHost }, packages, {
    storage,
    registry: sqlRegistry(place),
    ...more,
  });

const answer = (kernel: Kernel, id = ID) =>
  kernel.commands.execute(`${id}:version`).catch((error) => error.code);
const codes = async (kernel: Kernel) => (await kernel.health()).problems.map(({ code }) => code);

export function sqlRegistrySuite(name: string, { newPlace, outside }: Database): void {
  const rowsOf = (place: SqlPlace) =>
    outside(
      place,
      'select tenant, id, name, version, path, status, created_at, updated_at from @plugin order by tenant, id',
    );
  const rowOf = async (place: SqlPlace) => (await rowsOf(place))[0] ?? {};

  describe(`${name}: sqlRegistry()`, () => {
    it('has a row for a plugin that follows each decision, and the next kernel finds the same', async () => {
      const place = await newPlace();
      const first = await start(place);
      await first.plugins.install(packed('1.0.0'));
      const installed = await rowOf(place);
      expect(installed).toMatchObject({
        tenant: 'tenant-0',
        id: ID,
        name: `Plugin ${ID}`,
        version: '1.0.0',
        status: 'enabled',
      });
      await first.plugins.disable(ID);
      const disabled = await rowOf(place);
      expect(disabled).toMatchObject({ version: '1.0.0', status: 'disabled' });
      expect(disabled.created_at).toEqual(installed.created_at);
      expect(disabled.updated_at).not.toEqual(installed.updated_at);
      await first.stop();

      const second = await start(place);
      expect(second.plugins.get(ID)).toMatchObject({ version: '1.0.0', enabled: false });
      await second.plugins.enable(ID);
      expect(await rowOf(place)).toMatchObject({ version: '1.0.0', status: 'enabled' });
      await second.plugins.update(ID, packed('2.0.0'), { consent: true });
      expect(await rowOf(place)).toMatchObject({ version: '2.0.0', status: 'enabled' });
      expect(await answer(second)).toBe('2.0.0');
      await second.stop();

      const third = await start(place);
      expect(await answer(third)).toBe('2.0.0');
      await third.plugins.rollback(ID);
      expect(await rowOf(place)).toMatchObject({ version: '1.0.0', status: 'enabled' });
      await third.stop();

      const fourth = await start(place);
      expect(await answer(fourth)).toBe('1.0.0');
      await fourth.plugins.uninstall(ID);
      expect(await rowOf(place)).toMatchObject({ status: 'uninstalled' });
      await fourth.stop();
      expect((await start(place)).plugins.get(ID)).toBeUndefined();
    });

    it('has a row for a plugin of a source once something was decided about it', async () => {
      const place = await newPlace();
      const kernel = await start(place, memoryStorage(), {}, [versionOf('1.0.0')]);
      expect(await rowsOf(place)).toEqual([]);
      await kernel.plugins.disable(ID);
      expect(await rowOf(place)).toMatchObject({ id: ID, version: '1.0.0', status: 'disabled' });
      await kernel.plugins.enable(ID);
      expect(await rowOf(place)).toMatchObject({ id: ID, version: '1.0.0', status: 'enabled' });
    });

    it('keeps what is not the registry where it was', async () => {
      const place = await newPlace();
      const kept = memoryStorage();
      const kernel = await start(place, kept);
      await kernel.plugins.install(packed('1.0.0'));
      await kernel.config.set(ID, { mode: 'slow' });
      const keys = await kept.keys('');
      expect(keys.filter((key) => /\0plinth\0(entry|copy|code)\0/.test(key))).toEqual([]);
      expect(keys.length).toBeGreaterThan(0);
    });

    it('can be in the database of the storage', async () => {
      const place = await newPlace();
      const first = await start(place, sqlStorage(place));
      await first.plugins.install(packed('1.0.0'));
      await first.stop();
      const second = await start(place, sqlStorage(place));
      expect(await answer(second)).toBe('1.0.0');
      expect((await second.health()).problems).toEqual([]);
    });

    it.each([
      ['no JSON', `metadata_json = '{'`, 'no JSON'],
      ['a list', `metadata_json = '[]'`, 'no object'],
      ['another shape', `metadata_json = '{"format":2}'`, 'not well formed'],
      ['a list of numbers in it', `metadata_json = '{"format":2,"disabled":5}'`, 'not well formed'],
      ['an unknown status', `status = 'on'`, "'status' is 'on'"],
      ['a status that only the kernel gives', `status = 'uninstalled'`, "the kernel's part"],
    ])('reports a row that was edited to %s, and loses nothing', async (_, edit, what) => {
      const place = await newPlace();
      const first = await start(place);
      await first.plugins.install(packed('1.0.0'));
      await first.plugins.install(packed('1.0.0', 'test.q'));
      await first.stop();
      await outside(place, `update @plugin set ${edit} where id = '${ID}'`);
      const second = await start(place);
      const { problems } = await second.health();
      expect(problems.map(({ code }) => code)).toContain('registry/damaged');
      expect(problems.map(({ message }) => message).join()).toContain(what);
      expect([await answer(second), await answer(second, 'test.q')]).toEqual(['1.0.0', '1.0.0']);
      await second.stop();
      // Its last good copy is the row again.
      const third = await start(place);
      expect(await codes(third)).toEqual([]);
      expect(await answer(third)).toBe('1.0.0');
    });

    it('heeds a status that was set by hand, from the next start on', async () => {
      const place = await newPlace();
      const first = await start(place);
      await first.plugins.install(packed('1.0.0'));
      await first.stop();
      await outside(place, `update @plugin set status = 'disabled'`);
      const second = await start(place);
      expect(second.plugins.get(ID)).toMatchObject({ enabled: false });
      expect(await codes(second)).toEqual([]);
      await second.stop();
      await outside(place, `update @plugin set status = 'enabled'`);
      expect(await answer(await start(place))).toBe('1.0.0');
    });

    it('keeps the plugins of tenants apart, and forgets those of one that is purged', async () => {
      const place = await newPlace();
      const kernel = await start(place, memoryStorage(), { extensions: [tenants()] });
      const customers = kernel.extension(tenants).manage(kernel);
      const acme = await customers.create('acme');
      await acme.plugins.install(packed('1.0.0'));
      await kernel.plugins.install(packed('2.0.0'));
      expect((await rowsOf(place)).map(({ tenant, version }) => [tenant, version])).toEqual([
        ['acme', '1.0.0'],
        ['tenant-0', '2.0.0'],
      ]);
      await customers.delete('acme', { purge: true });
      expect((await rowsOf(place)).map(({ tenant }) => tenant)).toEqual(['tenant-0']);
    });

    it('that fails leaves a plugin as it was, here and at the next start', async () => {
      const place = await newPlace();
      const first = await start(place);
      await first.plugins.install(packed('1.0.0'));
      await outside(place, 'alter table @plugin rename to away');
      const error = await rejection(first.plugins.install(packed('1.0.0', 'test.q')));
      expect(error.code).toBe('storage/failed');
      expect(first.plugins.get('test.q')).toBeUndefined();
      expect((await first.health()).status).not.toBe('healthy');
      await outside(place, 'alter table @away rename to plugin');
      await first.plugins.install(packed('1.0.0', 'test.q'));
      await first.stop();
      const second = await start(place);
      expect([await answer(second), await answer(second, 'test.q')]).toEqual(['1.0.0', '1.0.0']);
    });
  });
}
