/**
 * A package is a snapshot, from any source: it starts again offline, unchanged, and changes when
 * the operator decides.
 */

import { createKernel, type Kernel, type PluginPackage, type PluginSource } from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { createHost, persistentStorage, runtime, storageName } from '#host';
import { keep, nextEvent, rejection } from '../support/kernels.ts';

const ID = 'test.shop';

/** A source that has one package, may change, and may be unreachable. */
class Place implements PluginSource {
  readonly origin = 'https://example.com/shop/plugin.json';
  version = '1.0.0';
  reachable = true;
  reads = 0;

  async *discover(): AsyncIterable<PluginPackage> {
    yield this.#look();
  }

  #look(): PluginPackage {
    const { origin, version } = this;
    if (!this.reachable)
      return {
        origin,
        manifest: '',
        problem: new Error('unreachable'),
        code: () => Promise.reject(new Error('unreachable')),
      };
    return {
      origin,
      manifest: JSON.stringify({
        id: ID,
        version,
        main: 'plugin.js',
        engines: { plinth: '^1.0.0' },
      }),
      refresh: async () => this.#look(),
      code: async () => {
        this.reads += 1;
        if (!this.reachable) throw new Error('unreachable');
        return `export default { activate(ctx) {
          ctx.commands.handle('version', () => '${this.version} as ' + ctx.plugin.version);
          ctx.commands.handle('crash', () => { setTimeout(() => { throw new Error('gone'); }, 0); return new Promise(() => {}); });
        } };`;
      },
    };
  }
}

async function start(place: Place, name?: string): Promise<Kernel> {
  const storage = await persistentStorage(name);
  const kernel = keep(
    await createKernel({
      host: createHost(),
      sources: [place],
      storage,
      supervision: { backoff: 20 },
      telemetry: { log: false },
    }),
  );
  await kernel.start();
  return kernel;
}

const version = (kernel: Kernel) => kernel.commands.execute(`${ID}:version`);

describe(`${runtime}: a package from a place that changes`, () => {
  const ways: Readonly<Record<string, (kernel: Kernel) => Promise<unknown>>> = {
    crashes: async (kernel) => {
      const restarted = nextEvent(kernel, 'plugin:restarted');
      kernel.commands.execute(`${ID}:crash`).catch(() => {});
      await restarted;
    },
    sleeps: (kernel) => kernel.plugins.hibernate(ID),
    'is stopped and started': async (kernel) => {
      await kernel.plugins.deactivate(ID);
      await kernel.plugins.activate(ID);
    },
  };
  for (const [what, way] of Object.entries(ways)) {
    it(`runs unchanged when it ${what}, also offline, and is read once`, async () => {
      const place = new Place();
      const kernel = await start(place);
      place.version = '2.0.0';
      await way(kernel);
      expect(await version(kernel)).toBe('1.0.0 as 1.0.0');
      place.reachable = false;
      await way(kernel);
      expect(await version(kernel)).toBe('1.0.0 as 1.0.0');
      expect(place.reads).toBe(1);
    });
  }

  it('reload() takes the current package; while unreachable it changes nothing', async () => {
    const place = new Place();
    const kernel = await start(place);
    place.version = '2.0.0';
    place.reachable = false;
    expect((await rejection(kernel.plugins.reload(ID))).message).toContain('unreachable');
    expect(await version(kernel)).toBe('1.0.0 as 1.0.0');
    place.reachable = true;
    await kernel.plugins.reload(ID);
    expect(await version(kernel)).toBe('2.0.0 as 2.0.0');
    place.reachable = false;
    await ways.crashes?.(kernel);
    expect(await version(kernel)).toBe('2.0.0 as 2.0.0');
  });

  it('tenants of one kernel run one version', async () => {
    const place = new Place();
    const kernel = await start(place);
    place.version = '2.0.0';
    const tenant = kernel.tenant('other');
    await tenant.start();
    expect(await tenant.commands.execute(`${ID}:version`)).toBe('1.0.0 as 1.0.0');
  });

  it('the next kernel takes the current package, and decisions about the id apply to it', async () => {
    const place = new Place();
    const name = await storageName();
    const first = await start(place, name);
    await first.plugins.disable(ID);
    await first.stop({ drain: 0 });
    place.version = '1.0.1';
    const second = await start(place, name);
    expect(second.plugins.get(ID)).toMatchObject({
      version: '1.0.1',
      enabled: false,
      state: 'resolved',
    });
    await second.plugins.enable(ID);
    expect(await version(second)).toBe('1.0.1 as 1.0.1');
    await second.plugins.uninstall(ID);
    await second.stop({ drain: 0 });
    place.version = '1.0.2';
    expect((await start(place, name)).plugins.get(ID)).toBeUndefined();
  });
});
