/**
 * Kept former versions are bounded: only the one that a rollback restores, however many there were.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { memoryStorage, type PluginPackage, packageOf } from '@plinth/kernel';
import { expect, it } from 'vitest';
import { createHost } from '#host';
import { startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const UPDATES = 12;

const inputOf = (n: number) =>
  pluginOf(
    'test.a',
    `ctx.commands.handle('version', () => ctx.plugin.version); /* ${'x'.repeat(50_000)} */`,
    { version: `1.0.${n}` },
  );
/** One package in memory, and one whose source may change. */
const makers: Readonly<Record<string, (n: number) => PluginPackage>> = {
  'packages in memory': (n) => packageOf(inputOf(n)),
  'packages of places that may change': (n) => {
    const { manifest, code } = inputOf(n);
    return { origin: '/plugins/a', manifest: JSON.stringify(manifest), code: async () => code };
  },
};

it.each(Object.keys(makers))(
  'of %s: the storage keeps two bundles, and memory no package that cannot be restored',
  async (name) => {
    const make = makers[name] as (n: number) => PluginPackage;
    const storage = memoryStorage();
    const kernel = await startKernel({ isolation: 'inline', createHost }, [], {
      storage,
      limits: { trial: 1 },
    });
    const refs: WeakRef<PluginPackage>[] = [];
    const fresh = (n: number) => {
      const made = make(n);
      refs.push(new WeakRef(made));
      return made;
    };
    await kernel.plugins.install(fresh(0));
    await kernel.plugins.activate('test.a');
    for (let n = 1; n <= UPDATES; n++)
      await kernel.plugins.update('test.a', fresh(n), { consent: true });
    expect(await kernel.commands.execute('test.a:version')).toBe(`1.0.${UPDATES}`);
    const bundles = async () => {
      const keys = await storage.keys('');
      const sizes = await Promise.all(
        keys.map(async (key) => JSON.stringify((await storage.get(key)) ?? '').length),
      );
      return sizes.filter((size) => size > 40_000).length;
    };
    // A copy that is being removed, and one for each possible rollback.
    await expect.poll(bundles).toBeLessThanOrEqual(4);
    const alive = () => {
      collect();
      return refs.filter((ref) => ref.deref() !== undefined).length;
    };
    await expect.poll(alive).toBeLessThanOrEqual(3);
    await kernel.plugins.rollback('test.a');
    expect(await kernel.commands.execute('test.a:version')).toBe(`1.0.${UPDATES - 1}`);
  },
);
