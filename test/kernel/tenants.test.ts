/** Tenants by list: `@plinth/kernel/tenants`, and a default tenant in which nothing starts by itself. */
import {
  createKernel,
  type KernelOptions,
  memoryStorage,
  packageSource,
  type StorageAdapter,
} from '@plinth/kernel';
import { tenants } from '@plinth/kernel/tenants';
import { describe, expect, it } from 'vitest';
import { runtime } from '#host';
import { keep, rejection } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';
import { outliving } from '../support/storages.ts';

const visits = pluginOf(
  'test.visits',
  `
  ctx.commands.handle('visit', () => ctx.storage.update('count', (count) => (count ?? 0) + 1));
  ctx.commands.handle('settings', () => ctx.config);
  ctx.commands.handle('secret', () => ctx.secrets.get('token'));`,
  {
    permissions: { storage: { read: true, write: true }, secrets: { read: ['token'] } },
    config: { type: 'object', properties: { max: { type: 'number', default: 1 } } },
  },
);

async function start(storage: StorageAdapter = memoryStorage(), options: KernelOptions = {}) {
  const kernel = keep(
    await createKernel({
      isolation: 'inline',
      sources: [packageSource([visits])],
      storage: outliving(storage),
      telemetry: { log: false },
      ...options,
      extensions: [tenants({ most: 3 })],
    }),
  );
  await kernel.start();
  return { kernel, managed: kernel.extension(tenants).manage(kernel) };
}

describe(`${runtime}: tenants`, () => {
  it('are created with settings, listed, and refused when they were not created', async () => {
    const { kernel, managed } = await start();
    const unknown = await rejection((async () => kernel.tenant('acme'))());
    expect(unknown.code).toBe('extension/failed');
    expect(unknown.message).toContain("there is no tenant 'acme'");
    expect(() => managed.get('acme')).toThrow(
      expect.objectContaining({ code: 'kernel/invalid-option' }),
    );
    const acme = await managed.create('acme', { config: { 'test.visits': { max: 5 } } });
    expect(managed.get('acme')).toBe(acme);
    await managed.create('globex');
    expect(await acme.commands.execute('test.visits:settings')).toEqual({ max: 5 });
    expect(await managed.get('globex').commands.execute('test.visits:settings')).toEqual({
      max: 1,
    });
    const before = await managed.list();
    expect(before.map(({ id, running }) => [id, running])).toEqual([
      ['acme', true],
      ['globex', true],
    ]);
    await acme.commands.execute('test.visits:visit');
    expect((await managed.list())[0]?.stored).toBeGreaterThan(before[0]?.stored as number);
    expect(() => acme.extension(tenants).manage(kernel)).toThrow(/manages no tenants/);
  });

  it('show what each uses that runs, and may, when that is asked for', async () => {
    const storage = memoryStorage();
    const options = { policy: { resources: { tenant: { storage: '1MB' } } } };
    const first = await start(storage, options);
    const acme = await first.managed.create('acme');
    await acme.commands.execute('test.visits:visit');
    expect((await first.managed.list())[0]).not.toHaveProperty('usage');
    const [told] = await first.managed.list({ usage: true });
    expect(told?.usage).toMatchObject({
      tenant: 'acme',
      plugins: { running: 1 },
      storage: { limit: 1_000_000 },
    });
    expect(told?.usage?.storage?.used).toBeLessThanOrEqual(told?.stored as number);
    await first.kernel.stop();
    // Asking starts no tenant.
    const second = await start(storage, options);
    expect(await second.managed.list({ usage: true })).toEqual([
      expect.not.objectContaining({ usage: expect.anything() }),
    ]);
    expect(await second.managed.list()).toMatchObject([{ running: false }]);
  });

  it('are known after a restart, and run when they are asked for', async () => {
    const storage = memoryStorage();
    const first = await start(storage);
    const acme = await first.managed.create('acme');
    await acme.commands.execute('test.visits:visit');
    await first.kernel.stop();
    const second = await start(storage);
    expect(await second.managed.list()).toMatchObject([{ id: 'acme', running: false }]);
    const again = second.managed.get('acme');
    expect(await again.commands.execute('test.visits:visit')).toBe(2);
    await second.managed.start();
    expect(await second.managed.list()).toMatchObject([{ id: 'acme', running: true }]);
  });

  it('are deleted, with all that is kept for them if that is wanted', async () => {
    const storage = memoryStorage();
    const { kernel, managed } = await start(storage);
    for (const id of ['acme', 'acme2']) {
      const tenant = await managed.create(id);
      await tenant.commands.execute('test.visits:visit');
    }
    await managed.delete('acme');
    expect(() => managed.get('acme')).toThrow(/no tenant/);
    expect((await rejection((async () => kernel.tenant('acme'))())).code).toBe('extension/failed');
    expect(await storage.keys('acme\0')).not.toEqual([]);
    const again = await managed.create('acme');
    expect(await again.commands.execute('test.visits:visit')).toBe(2);
    await managed.delete('acme', { purge: true });
    expect(await storage.keys('acme\0')).toEqual([]);
    expect(await storage.keys('acme2\0')).not.toEqual([]);
    expect((await managed.list()).map(({ id }) => id)).toEqual(['acme2']);
    expect((await rejection(managed.delete('acme'))).message).toContain("no tenant 'acme'");
  });

  it('are created as a whole, or not at all', async () => {
    const storage = memoryStorage();
    const { managed } = await start(storage);
    const error = await rejection(
      managed.create('acme', { config: { 'test.visits': { max: 'many' } } }),
    );
    expect(error.code).toBe('config/invalid');
    expect(await managed.list()).toEqual([]);
    expect(await storage.keys('acme\0')).toEqual([]);
    // What a former tenant of that id had kept stays.
    const former = await managed.create('former');
    await former.commands.execute('test.visits:visit');
    await managed.delete('former');
    await rejection(managed.create('former', { config: { 'test.visits': { max: 'many' } } }));
    const again = await managed.create('former');
    expect(await again.commands.execute('test.visits:visit')).toBe(2);
    await managed.delete('former');
    for (const id of ['', 'a b', '-a', 'x'.repeat(129), 'tenant-0', 7 as never])
      expect((await rejection(managed.create(id))).code).toBe('kernel/invalid-option');
    const two = await Promise.allSettled([managed.create('acme'), managed.create('acme')]);
    expect(two.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    await managed.create('b');
    await managed.create('c');
    expect((await rejection(managed.create('d'))).message).toContain("'most' is 3");
  });

  it('whose creation is refused leave the settings and secrets of a former one as they were', async () => {
    const secrets = { key: new Uint8Array(32) };
    const { managed } = await start(memoryStorage(), { secrets });
    await managed.create('acme', {
      config: { 'test.visits': { max: 5 } },
      secrets: { 'test.visits': { token: 'the former secret' } },
    });
    await managed.delete('acme');
    const refused = managed.create('acme', {
      config: { 'test.visits': { max: 'many' } },
      secrets: { 'test.visits': { token: 'another secret' }, 'test.other': { key: 'more' } },
    });
    expect((await rejection(refused)).code).toBe('config/invalid');
    const again = await managed.create('acme');
    expect(await again.commands.execute('test.visits:secret')).toBe('the former secret');
    expect(await again.commands.execute('test.visits:settings')).toEqual({ max: 5 });
    expect(await again.secrets.names('test.other')).toEqual([]);
  });

  it('whose creation was cut off have the settings of a former one again after the next start', async () => {
    const storage = memoryStorage();
    const cut = outliving(storage);
    let isCut = false;
    let refuse = false;
    const unlessCut = async (work: () => Promise<unknown>) => {
      if (isCut) throw new Error('cut off');
      return work();
    };
    const { kernel, managed } = await start({
      ...cut,
      async set(key, value) {
        await unlessCut(() => cut.set(key, value));
        // The settings are written, and nothing after them.
        isCut = refuse && key.includes('\0config\0');
      },
      delete: async (key) => (await unlessCut(() => cut.delete(key))) === true,
      update: async (key, change) => void (await unlessCut(() => cut.update(key, change))),
    });
    await managed.create('acme', { config: { 'test.visits': { max: 5 } } });
    await managed.delete('acme');
    refuse = true;
    await rejection(managed.create('acme', { config: { 'test.visits': { max: 7 } } }));
    expect(isCut).toBe(true);
    await kernel.stop();
    const next = await start(storage);
    const again = await next.managed.create('acme');
    expect(await again.commands.execute('test.visits:settings')).toEqual({ max: 5 });
  });

  it.each([
    [{ purge: true, drian: 100 }, 'drian'],
    [{ purge: true, drain: Number.NaN }, 'drain'],
    [{ purge: true, drain: -1 }, 'drain'],
    [{ purge: 'yes' }, 'purge'],
    [null, 'tenants.delete()'],
    [[], 'tenants.delete()'],
    [Promise.resolve({ purge: true }), 'tenants.delete()'],
  ])('stay as they are when their end is refused: %o', async (how, option) => {
    const storage = memoryStorage();
    const { kernel, managed } = await start(storage);
    const acme = await managed.create('acme');
    await acme.commands.execute('test.visits:visit');
    const error = await rejection(managed.delete('acme', how as never));
    expect([error.code, error.details?.option]).toEqual(['kernel/invalid-option', option]);
    expect((await managed.list()).map(({ id }) => id)).toEqual(['acme']);
    await kernel.stop();
    const next = await start(storage);
    expect(await next.managed.get('acme').commands.execute('test.visits:visit')).toBe(2);
  });

  it.each([
    { confg: {} },
    { config: null },
    { config: { 'test.visits': null } },
    { config: Promise.resolve({}) },
    { secrets: { 'test.visits': 'token' } },
    [],
    null,
  ])('are not created with what is no beginning: %o', async (what) => {
    const { managed } = await start();
    const error = await rejection(managed.create('acme', what as never));
    expect(error.code).toBe('kernel/invalid-option');
    expect(await managed.list()).toEqual([]);
  });

  it('whose creation or deletion was interrupted are ended at the next start', async () => {
    const storage = memoryStorage();
    const cut = outliving(storage);
    let isCut = false;
    const fails = async () => {
      throw new Error('cut off');
    };
    const { kernel, managed } = await start({
      ...cut,
      clear: (prefix) => (isCut ? fails() : cut.clear(prefix)),
    });
    const acme = await managed.create('acme');
    await acme.commands.execute('test.visits:visit');
    isCut = true;
    await rejection(managed.delete('acme', { purge: true }));
    expect(await storage.keys('acme\0')).not.toEqual([]);
    await kernel.stop();
    const next = await start(storage);
    expect(await next.managed.list()).toEqual([]);
    expect(() => next.managed.get('acme')).toThrow(/no tenant/);
    await expect.poll(() => storage.keys('acme\0')).toEqual([]);
    const again = await next.managed.create('acme');
    expect(await again.commands.execute('test.visits:visit')).toBe(1);
  });

  it('have secrets of their own', async () => {
    const { managed } = await start(memoryStorage(), { secrets: { key: new Uint8Array(32) } });
    const make = (id: string, token: string) =>
      managed.create(id, { secrets: { 'test.visits': { token } } });
    const [acme, globex] = [await make('acme', 'secret of acme'), await make('globex', 'another')];
    expect(await acme.commands.execute('test.visits:secret')).toBe('secret of acme');
    expect(await globex.commands.execute('test.visits:secret')).toBe('another');
  });
});

describe(`${runtime}: createKernel({ tenants: 'only' })`, () => {
  it('starts no plugin in the default tenant until it is asked for by name', async () => {
    const { kernel, managed } = await start(memoryStorage(), { tenants: 'only' });
    expect(kernel.plugins.get('test.visits')?.state).toBe('resolved');
    const acme = await managed.create('acme');
    expect(acme.plugins.get('test.visits')?.state).toBe('active');
    expect(kernel.plugins.get('test.visits')?.state).toBe('resolved');
    expect((await kernel.health()).status).toBe('healthy');
    await kernel.plugins.activate('test.visits');
    expect(await kernel.commands.execute('test.visits:visit')).toBe(1);
  });

  it('takes no other word', async () => {
    const error = await rejection(createKernel({ tenants: 'all' as never }));
    expect([error.code, error.details?.option]).toEqual(['kernel/invalid-option', 'tenants']);
  });
});
