/**
 * A package is a snapshot: changes of its folder have no effect while it is installed, until the
 * operator installs it again.
 */

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { directorySource, fileStorage } from '@plinth/host-node';
import type { Kernel, KernelOptions } from '@plinth/kernel';
import { beforeEach, describe, expect, it } from 'vitest';
import { createHost } from '#host';
import { keep, nextEvent, rejection } from '../support/kernels.ts';

const ID = 'test.shop';
let plugins: string;
let data: string;
beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'plinth-'));
  [plugins, data] = [join(folder, 'plugins'), join(folder, 'data')];
});

const text = (version: string) => `export default { activate(ctx) {
  ctx.commands.handle('version', () => '${version} as ' + ctx.plugin.version);
  ctx.commands.handle('crash', () => { setTimeout(() => { throw new Error('gone'); }, 0); return new Promise(() => {}); });
  ctx.events.on('shop:sold', () => ctx.storage.update('sold', (n = 0) => n + 1));
} };`;

/** Puts a version into a folder, over what is there. */
async function deploy(version: string, more: object = {}, name = 'shop', id = ID): Promise<string> {
  const folder = join(plugins, name);
  await mkdir(folder, { recursive: true });
  const permissions = { storage: { read: true, write: true }, events: { subscribe: ['shop:*'] } };
  await writeFile(
    join(folder, 'plugin.json'),
    JSON.stringify({
      id,
      version,
      main: 'plugin.js',
      engines: { plinth: '^1.0.0' },
      permissions,
      ...more,
    }),
  );
  await writeFile(join(folder, 'plugin.js'), text(version));
  return folder;
}

async function start(options: KernelOptions = {}): Promise<Kernel> {
  await mkdir(plugins, { recursive: true });
  const { createKernel } = await import('@plinth/kernel');
  const kernel = keep(
    await createKernel({
      host: createHost(),
      sources: [directorySource(plugins)],
      storage: await fileStorage(data),
      supervision: { backoff: 20 },
      // All plugins of a slow disk are known after the start, too.
      limits: { discover: 30_000 },
      ...options,
    }),
  );
  await kernel.start();
  return kernel;
}

const version = (kernel: Kernel) => kernel.commands.execute(`${ID}:version`);
const versions = (kernel: Kernel) =>
  kernel.plugins
    .list()
    .filter(({ id }) => id === ID)
    .map((one) => `${one.version} ${one.state}${one.enabled ? '' : ' disabled'}`);

async function crash(kernel: Kernel): Promise<void> {
  const restarted = nextEvent(kernel, 'plugin:restarted');
  kernel.commands.execute(`${ID}:crash`).catch(() => {});
  await restarted;
}

describe('while a plugin is installed', () => {
  const ways: Readonly<Record<string, (kernel: Kernel) => Promise<unknown>>> = {
    'it crashes': crash,
    'it sleeps and wakes': (kernel) => kernel.plugins.hibernate(ID),
    'it is deactivated and activated': async (kernel) => {
      await kernel.plugins.deactivate(ID);
      await kernel.plugins.activate(ID);
    },
    'it is disabled and enabled': async (kernel) => {
      await kernel.plugins.disable(ID);
      await kernel.plugins.enable(ID);
    },
  };
  for (const [what, way] of Object.entries(ways)) {
    it(`another version in its folder is not used when ${what}`, async () => {
      await deploy('1.0.0');
      const kernel = await start();
      await deploy('2.0.0');
      await way(kernel);
      expect(await version(kernel)).toBe('1.0.0 as 1.0.0');
    });

    it(`its folder is no longer needed when ${what}`, async () => {
      await deploy('1.0.0');
      const kernel = await start();
      await rm(plugins, { recursive: true });
      await way(kernel);
      expect(await version(kernel)).toBe('1.0.0 as 1.0.0');
    });
  }

  it('reload(id) takes the current manifest and code together', async () => {
    await deploy('1.0.0');
    const kernel = await start();
    await deploy('2.0.0', { name: 'New' });
    await kernel.plugins.reload(ID);
    expect(await version(kernel)).toBe('2.0.0 as 2.0.0');
    expect(versions(kernel)).toEqual(['2.0.0 active']);
    expect(kernel.plugins.get(ID)?.name).toBe('New');
    await crash(kernel);
    expect(await version(kernel)).toBe('2.0.0 as 2.0.0');
  });

  it('reload(id) takes a bundle that changed under the same manifest, with or without its digest', async () => {
    const folder = await deploy('1.0.0');
    const kernel = await start();
    await writeFile(
      join(folder, 'plugin.js'),
      text('1.0.0').replace("'1.0.0 as '", "'mended as '"),
    );
    await kernel.plugins.reload(ID);
    expect(await version(kernel)).toBe('mended as 1.0.0');
    await crash(kernel);
    expect(await version(kernel)).toBe('mended as 1.0.0');
  });

  it('reload(id) of an unreadable folder changes nothing', async () => {
    const folder = await deploy('1.0.0');
    const kernel = await start();
    await writeFile(join(folder, 'plugin.json'), '{');
    expect((await rejection(kernel.plugins.reload(ID))).code).toBe('manifest/not-json');
    await rm(folder, { recursive: true });
    expect((await rejection(kernel.plugins.reload(ID))).code).toBe('manifest/missing');
    expect(await version(kernel)).toBe('1.0.0 as 1.0.0');
  });

  it('a plugin that has not run yet is not started from a bundle of another version', async () => {
    await deploy('1.0.0', {
      activation: [`command:${ID}:version`],
      contributes: { commands: [{ id: 'version' }] },
    });
    const kernel = await start();
    await deploy('2.0.0');
    expect(await rejection(version(kernel))).toMatchObject({
      code: 'plugin/load-failed',
      message: expect.stringContaining('reload'),
    });
    await kernel.plugins.reload(ID);
    expect(await version(kernel)).toBe('2.0.0 as 2.0.0');
  });

  it('an update from its own folder keeps the version before for a rollback', async () => {
    const folder = await deploy('1.0.0');
    const kernel = await start();
    await deploy('2.0.0');
    await kernel.plugins.update(ID, directorySource(folder));
    expect(await version(kernel)).toBe('2.0.0 as 2.0.0');
    await kernel.plugins.rollback(ID);
    expect(await version(kernel)).toBe('1.0.0 as 1.0.0');
  });

  it('an update starts with the manifest and the code of the next kernel', async () => {
    await deploy('1.0.0');
    await (await start()).stop();
    await deploy('2.0.0');
    const kernel = await start();
    expect(await version(kernel)).toBe('2.0.0 as 2.0.0');
    expect(versions(kernel)).toEqual(['2.0.0 active']);
  });
});

describe('one place has one version', () => {
  const sold = async (kernel: Kernel) => {
    await kernel.events.emit('shop:sold', 1);
    return (await readFile(join(plugins, 'shop', 'plugin.json'), 'utf8')).length;
  };

  it('what was installed from a folder is replaced by the next version in it', async () => {
    const first = await start();
    const folder = await deploy('1.0.0');
    await first.plugins.install(directorySource(folder));
    await first.plugins.activate(ID);
    await first.stop();
    await deploy('1.1.0');
    const second = await start();
    expect(versions(second)).toEqual(['1.1.0 active']);
    await sold(second);
    await second.stop();
    expect(versions(await start())).toEqual(['1.1.0 active']);
  });

  it('what was updated from a folder is replaced by the next version in it', async () => {
    const folder = await deploy('1.0.0');
    const first = await start();
    await deploy('1.1.0');
    await first.plugins.update(ID, directorySource(folder));
    await first.stop();
    await deploy('1.2.0');
    const second = await start();
    expect(versions(second)).toEqual(['1.2.0 active']);
  });

  it('an update from elsewhere replaces the version of the folder, and is replaced by a later one in it', async () => {
    await deploy('1.0.0');
    const first = await start();
    const staging = join(plugins, '..', 'staging');
    await mkdir(staging);
    const before = plugins;
    plugins = staging;
    const next = await deploy('1.1.0');
    plugins = before;
    await first.plugins.update(ID, directorySource(next));
    await first.stop();
    const second = await start();
    expect(versions(second)).toEqual(['1.1.0 active']);
    await second.stop();
    await deploy('1.2.0');
    const third = await start();
    expect(versions(third)).toEqual(['1.2.0 active']);
    await third.stop();
    // An older version in its place is not mistaken for a later one.
    await deploy('1.0.5');
    expect(versions(await start())).toEqual(['1.0.5 active']);
  });

  it('a version that was rolled back is not used again, the next one is', async () => {
    const folder = await deploy('1.0.0');
    const first = await start();
    await deploy('1.1.0');
    await first.plugins.update(ID, directorySource(folder));
    await first.plugins.rollback(ID);
    await first.stop();
    const second = await start();
    expect(versions(second)).toEqual(['1.0.0 active']);
    await second.stop();
    await deploy('1.2.0');
    expect(versions(await start())).toEqual(['1.2.0 active']);
  });

  it('versions from two places run beside each other', async () => {
    await deploy('1.0.0');
    await deploy('2.0.0', {}, 'shop-two');
    const first = await start();
    expect(versions(first).sort()).toEqual(['1.0.0 active', '2.0.0 active']);
    await first.stop();
    await deploy('2.1.0', {}, 'shop-two');
    expect(versions(await start()).sort()).toEqual(['1.0.0 active', '2.1.0 active']);
  });
});

describe("an operator's decision about an id applies to its later versions", () => {
  it('for disabled and for uninstalled ids', async () => {
    await deploy('1.0.0');
    const first = await start();
    await first.plugins.disable(ID);
    await first.stop();
    await deploy('1.0.1');
    const second = await start();
    expect(versions(second)).toEqual(['1.0.1 resolved disabled']);
    await second.plugins.enable(ID);
    await second.plugins.uninstall(ID);
    await second.stop();
    await deploy('1.0.2');
    const third = await start();
    expect(versions(third)).toEqual([]);
    // Until it is installed again.
    await third.plugins.install(directorySource(join(plugins, 'shop')));
    await third.stop();
    await deploy('1.0.3');
    expect(versions(await start())).toEqual(['1.0.3 active']);
  });

  it('unless a version is named', async () => {
    await deploy('1.0.0');
    const first = await start();
    await first.plugins.disable(`${ID}@1.0.0`);
    await first.stop();
    await deploy('1.0.1');
    const second = await start();
    expect(versions(second)).toEqual(['1.0.1 active']);
    await second.plugins.uninstall(`${ID}@1.0.1`);
    await second.stop();
    await deploy('1.0.2');
    expect(versions(await start())).toEqual(['1.0.2 active']);
  });

  it('enabling a version by name while the id is disabled enables that one alone', async () => {
    await deploy('1.0.0');
    await deploy('2.0.0', {}, 'shop-two');
    const first = await start();
    await first.plugins.disable(ID);
    await first.plugins.enable(`${ID}@1.0.0`);
    await first.stop();
    await deploy('3.0.0', {}, 'shop-three');
    const second = await start();
    expect(versions(second).sort()).toEqual([
      '1.0.0 active',
      '2.0.0 resolved disabled',
      '3.0.0 resolved disabled',
    ]);
    await second.plugins.enable(ID);
    expect(versions(second).sort()).toEqual(['1.0.0 active', '2.0.0 active', '3.0.0 active']);
  });
});
