/** Whose code may have an id of the page. */
import { createKernel, type Kernel, type PluginPackage } from '@plinth/kernel';
import { afterEach, expect, it } from 'vitest';
import { lastingStorage } from '../../testing/demo-kernel.ts';
import { createHost } from '../../testing/host.node.ts';
import { EditedTerms, editedPlugins } from './edited-plugins.ts';
import { ownIds } from './own-ids.ts';

const PAGE = 'https://page.example/some/path/';
const ID = 'demo.clock';
const kernels: Kernel[] = [];
afterEach(async () => {
  for (const kernel of kernels.splice(0)) await kernel.stop();
});

async function start(storage = lastingStorage()) {
  const terms = new EditedTerms();
  const kernel = await createKernel({
    ...{ host: createHost(), storage, telemetry: { log: false } },
    extensions: [ownIds(PAGE), editedPlugins(terms)],
  });
  kernels.push(kernel);
  await kernel.start();
  // Consent changes nothing.
  kernel.permissions.onRequest(() => true);
  return { kernel, plugins: kernel.extension(editedPlugins) };
}

const CODE = 'export default { activate() {} };';
const manifestOf = (id: string, version: string) =>
  JSON.stringify({ id, version, main: 'plugin.js', engines: { plinth: '^1.0.0' } });
const at = (origin: string, version: string, id = ID): PluginPackage => ({
  ...{ origin, manifest: manifestOf(id, version) },
  code: async () => CODE,
});
const REFUSED = "demo.clock is an id of this page, and code from elsewhere can't have it";

it('is none from elsewhere, in place of its own or where that is gone', async () => {
  const { kernel, plugins } = await start();
  const foreign = [
    'https://evil.example/plugins/clock/',
    'https://page.example/plugins/',
    'editor',
  ];
  for (const origin of foreign)
    await expect(kernel.plugins.install(at(origin, '1.0.0')), origin).rejects.toThrow(REFUSED);
  await kernel.plugins.install(at(`${PAGE}plugins/clock/plugin.json`, '1.0.0'));
  for (const origin of foreign) {
    await expect(kernel.plugins.update(ID, at(origin, '1.1.0')), origin).rejects.toThrow(REFUSED);
    await expect(kernel.plugins.reload(ID, at(origin, '1.0.0')), origin).rejects.toThrow(REFUSED);
  }
  await kernel.plugins.uninstall(ID, { purge: true });
  const edited = { ...{ id: ID, version: '1.0.0', isolation: 'worker' as const }, fromLink: false };
  const put = plugins.put({ ...edited, manifest: manifestOf(ID, '1.0.0'), code: CODE, by: {} });
  await expect(put).rejects.toThrow(REFUSED);
  await kernel.plugins.install(at('https://evil.example/', '1.0.0', 'evil.clock'));
});

it('is that of the page, which the next kernel has again', async () => {
  const storage = lastingStorage();
  const { kernel } = await start(storage);
  await kernel.plugins.install(at(`${PAGE}plugins/clock/plugin.json`, '1.0.0'));
  await kernel.plugins.activate(ID);
  await kernel.plugins.update(ID, at(`${PAGE}updates/clock/plugin.json`, '1.1.0'));
  await kernel.stop();
  const next = await start(storage);
  expect(next.kernel.plugins.get(ID)).toMatchObject({ version: '1.1.0', state: 'active' });
});
