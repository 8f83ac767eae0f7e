/** Two tabs over one IndexedDB: neither damages what the other has installed. */
import { browserHost, indexedDBStorage } from '@plinth/host-browser';
import { packageOf, type StorageAdapter } from '@plinth/kernel';
import { expect, it } from 'vitest';
import { startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const plugin = (id: string, version = '1.0.0') =>
  pluginOf(id, `ctx.commands.handle('version', () => '${version}');`, { version });
const packed = (id: string, version?: string) => packageOf(plugin(id, version));
const tab = (name: string, storage: StorageAdapter = indexedDBStorage(name)) =>
  startKernel({ isolation: 'worker', createHost: browserHost }, [plugin('test.ours')], { storage });
const newName = () => `plinth-${crypto.randomUUID()}`;
const seen = (kernel: Awaited<ReturnType<typeof tab>>) =>
  kernel.plugins
    .list()
    .map((one) => `${one.id} ${one.version} ${one.state}${one.enabled ? '' : ' disabled'}`)
    .sort();

it('everything that two tabs install, disable and uninstall concurrently is kept', async () => {
  const name = newName();
  const [one, two] = await Promise.all([tab(name), tab(name)]);
  await Promise.all([
    one.plugins.install(packed('test.a')),
    two.plugins.install(packed('test.b')),
    one.plugins.install(packed('test.c')),
    two.plugins.install(packed('test.d')),
  ]);
  await Promise.all([
    one.plugins.disable('test.a'),
    two.plugins.uninstall('test.b'),
    two.plugins.update('test.ours', packed('test.ours', '2.0.0')),
  ]);
  const three = await tab(name);
  expect(seen(three)).toEqual([
    'test.a 1.0.0 resolved disabled',
    'test.c 1.0.0 active',
    'test.d 1.0.0 active',
    'test.ours 2.0.0 active',
  ]);
  expect((await three.health()).problems).toEqual([]);
  expect(await one.commands.execute('test.ours:version')).toBe('1.0.0');
});

it('changes of one entry from two tabs are merged, none is lost', async () => {
  const name = newName();
  const [one, two] = await Promise.all([tab(name), tab(name)]);
  await Promise.all([
    one.plugins.install(packed('test.a', '1.0.0')),
    two.plugins.install(packed('test.a', '2.0.0')),
  ]);
  await Promise.all([
    one.plugins.disable('test.a'),
    two.plugins.install(packed('test.a', '3.0.0')),
  ]);
  const three = await tab(name);
  // The id was disabled, with all its versions; one that is installed after that may start.
  const third = expect.stringMatching(/^test\.a 3\.0\.0 (active|resolved disabled)$/);
  expect(seen(three)).toEqual([
    'test.a 1.0.0 resolved disabled',
    'test.a 2.0.0 resolved disabled',
    third,
    'test.ours 1.0.0 active',
  ]);
  expect((await three.health()).problems).toEqual([]);
});

it('a tab that opens while another one installs does not remove that package', async () => {
  const name = newName();
  const storage = indexedDBStorage(name);
  let go = () => {};
  const opened = new Promise<void>((resolve) => {
    go = resolve;
  });
  let reached = () => {};
  const written = new Promise<void>((resolve) => {
    reached = resolve;
  });
  // Extends the moment between writing the package and its entry.
  const slow: StorageAdapter = {
    ...storage,
    async update(key, change) {
      reached();
      await opened;
      return storage.update(key, change);
    },
  };
  const one = await tab(name, slow);
  const installing = one.plugins.install(packed('test.a'));
  await written;
  await tab(name);
  go();
  await installing;
  const three = await tab(name);
  expect(seen(three)).toEqual(['test.a 1.0.0 active', 'test.ours 1.0.0 active']);
});
