/** Plugins of the editor: what they get of each other, what code of a link gets, and what is kept. */
import { createKernel, type Kernel, type StorageAdapter } from '@plinth/kernel';
import { afterEach, expect, it } from 'vitest';
import { lastingStorage } from '../../testing/demo-kernel.ts';
import { createHost } from '../../testing/host.node.ts';
import { takeBack } from './edited-claims.ts';
import { type EditedPlugin, EditedTerms, editedPlugins } from './edited-plugins.ts';

const kernels: Kernel[] = [];
afterEach(async () => {
  for (const kernel of kernels.splice(0)) await kernel.stop();
});

async function start(storage: StorageAdapter = lastingStorage()) {
  const terms = new EditedTerms();
  const kernel = await createKernel({
    host: createHost(),
    storage,
    telemetry: { log: false },
    isolation: (manifest) => terms.isolationOf(manifest) ?? 'sandbox',
    policy: { permissions: (manifest) => terms.ceilingOf(manifest) },
    extensions: [editedPlugins(terms)],
  });
  kernels.push(kernel);
  await kernel.start();
  return { kernel, plugins: kernel.extension(editedPlugins) };
}

const ID = 'test.edited';
const RIGHTS = {
  storage: { read: true, write: true },
  events: { subscribe: ['*'] },
  commands: { execute: ['*'] },
};

/** A plugin that counts its calls, and has its count as its state. */
function edited(by: object, change: Partial<EditedPlugin> = {}, activate = ''): EditedPlugin {
  const { id = ID, version = '1.0.0' } = change;
  const manifest = {
    ...{ id, version, main: 'plugin.js', engines: { plinth: '^1.0.0' }, permissions: RIGHTS },
    contributes: { commands: [{ id: 'count' }, { id: 'keep' }] },
  };
  return {
    ...{ id, version, isolation: 'worker', fromLink: false, by },
    manifest: JSON.stringify(manifest),
    code: `let count = 0;
      export default {
        activate(ctx) {
          ${activate}
          ctx.commands.handle('count', () => ++count);
          ctx.commands.handle('keep', () => ctx.storage.set('kept', 1));
        },
        getState: () => count,
        restoreState(last) { count = last; },
      };`,
    ...change,
  };
}

it('are replaced with their state, in the same version and in another', async () => {
  const { kernel, plugins } = await start();
  const work = {};
  await plugins.put(edited(work));
  await kernel.plugins.activate(ID);
  expect(await kernel.commands.execute(`${ID}:count`)).toBe(1);
  await plugins.put(edited(work));
  expect(await kernel.commands.execute(`${ID}:count`)).toBe(2);
  await plugins.put(edited(work, { version: '1.1.0', isolation: 'sandbox' }));
  expect(await kernel.commands.execute(`${ID}:count`)).toBe(3);
  expect(kernel.plugins.get(ID)?.version).toBe('1.1.0');
});

it('go on when the next one fails, with what they were', async () => {
  const { kernel, plugins } = await start();
  const work = {};
  await plugins.put(edited(work));
  await kernel.plugins.activate(ID);
  await kernel.commands.execute(`${ID}:count`);
  const broken = edited(work, { isolation: 'sandbox' }, "throw new Error('broken');");
  await expect(plugins.put(broken)).rejects.toThrow('broken');
  expect(await kernel.commands.execute(`${ID}:count`)).toBe(2);
  expect(plugins.has(ID, work)).toBe(true);
});

it('of a link run in the sandbox, with few rights and without the state of other code', async () => {
  const { kernel, plugins } = await start();
  const [own, link] = [{}, {}];
  await plugins.put(edited(own));
  await kernel.plugins.activate(ID);
  await kernel.commands.execute(`${ID}:count`);
  await kernel.commands.execute(`${ID}:keep`);
  await plugins.put(edited(link, { isolation: 'sandbox', fromLink: true }));
  expect(plugins.has(ID, own)).toBe(false);
  await kernel.plugins.activate(ID);
  expect(await kernel.commands.execute(`${ID}:count`)).toBe(1);
  await expect(kernel.commands.execute(`${ID}:keep`)).rejects.toThrow('storage.write');
  expect(kernel.permissions.list(ID)).toEqual({
    commands: { execute: ['plinth.ui:notify 10/min', 'plinth.ui:ask 10/min'] },
  });
  expect(Object.keys(kernel.plugins.explain(ID).cut?.policy ?? {})).toContain('events.subscribe');
  // What another link has goes to neither.
  await plugins.put(edited({}, { isolation: 'sandbox', fromLink: true }));
  await kernel.plugins.activate(ID);
  expect(await kernel.commands.execute(`${ID}:count`)).toBe(1);
});

it('take no id that another plugin has, and leave none behind', async () => {
  const storage = lastingStorage();
  const { kernel, plugins } = await start(storage);
  const work = {};
  await plugins.put(edited(work));
  await kernel.plugins.activate(ID);
  await plugins.remove(ID, {});
  expect(kernel.plugins.get(ID)?.state).toBe('active');
  await plugins.remove(ID, work);
  expect(kernel.plugins.get(ID)).toBeUndefined();
  const { manifest, code } = edited(work, { id: 'test.other' });
  await kernel.plugins.install({ origin: 'x', manifest, held: true, code: async () => code });
  await expect(plugins.put(edited(work, { id: 'test.other' }))).rejects.toThrow(
    'choose another id',
  );
  await plugins.put(edited(work));
  await kernel.plugins.activate(ID);
  await kernel.stop();
  const next = await start(storage);
  expect(next.kernel.plugins.list().map(({ id }) => id)).toEqual(['test.other']);
});

/** Installs and starts the same id from a server. */
async function fromServer(kernel: Kernel): Promise<void> {
  const { manifest, code } = edited({});
  const origin = 'https://plugins.example/edited/plugin.json';
  await kernel.plugins.install({ origin, manifest, held: true, code: async () => code });
  await kernel.plugins.activate(ID);
}

it.each(['in the same page', 'in the next page'])('leave their id to others, %s', async (where) => {
  const storage = lastingStorage();
  let { kernel, plugins } = await start(storage);
  const work = {};
  await plugins.put(edited(work));
  await kernel.plugins.activate(ID);
  await kernel.commands.execute(`${ID}:keep`);
  if (where === 'in the same page') await plugins.remove(ID, work);
  else {
    await kernel.stop();
    ({ kernel, plugins } = await start(storage));
  }
  await takeBack(kernel.plugins, ID);
  expect(await kernel.plugins.leftovers()).toEqual([]);
  await fromServer(kernel);
  expect(kernel.plugins.get(ID)?.state).toBe('active');
});

it('take nothing back of an id that others had before', async () => {
  const { kernel, plugins } = await start();
  await fromServer(kernel);
  await kernel.commands.execute(`${ID}:keep`);
  await kernel.plugins.uninstall(ID);
  const work = {};
  await plugins.put(edited(work));
  await expect(kernel.plugins.activate(ID)).rejects.toThrow('https://plugins.example');
  await plugins.remove(ID, work);
  await takeBack(kernel.plugins, ID);
  expect(await kernel.plugins.leftovers()).toMatchObject([
    { plugin: ID, owner: 'https://plugins.example', keys: 1 },
  ]);
});
