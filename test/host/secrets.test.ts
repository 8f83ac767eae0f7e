/** Secrets: which plugin gets them, what is stored of them, and where they never appear. */

import {
  createKernel,
  type HostSecrets,
  type LogEntry,
  memoryStorage,
  packageSource,
  type SecretsOptions,
  type StorageAdapter,
} from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { createHost, persistentStorage, runtime } from '#host';
import { rejection, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';
import { outliving } from '../support/storages.ts';

const VALUE = 'correct "horse" battery/staple\n';
const key = (fill = 7) => new Uint8Array(32).fill(fill);
const keeper = (id = 'test.keeper', read: string[] = ['api', 'db.*']) =>
  pluginOf(id, `ctx.commands.handle('get', (name) => ctx.secrets.get(name));`, {
    permissions: { secrets: { read } },
  });
const get = (
  kernel: Awaited<ReturnType<typeof startKernel>>,
  name: unknown,
  plugin = 'test.keeper',
) => kernel.commands.execute(`${plugin}:get`, name);

for (const setting of [
  { isolation: 'worker', createHost },
  { isolation: 'inline' },
] satisfies Setting[]) {
  describe(`${setting.isolation === 'inline' ? 'inline' : `${runtime} worker`}: secrets`, () => {
    it('reach the plugin they belong to, under the names it may read, with their current value', async () => {
      const kernel = await startKernel(setting, [
        keeper(),
        keeper('test.other'),
        pluginOf('test.none', `ctx.commands.handle('get', (name) => ctx.secrets.get(name));`),
      ]);
      await kernel.secrets.set('test.keeper', 'api', VALUE);
      await kernel.secrets.set('test.keeper', 'db.main', 'other');
      await kernel.secrets.set('test.keeper', 'hidden', 'not asked for');
      expect([
        await get(kernel, 'api'),
        await get(kernel, 'db.main'),
        await get(kernel, 'db.none'),
        await get(kernel, 'api', 'test.other'),
      ]).toEqual([VALUE, 'other', undefined, undefined]);
      expect(await rejection(get(kernel, 'hidden'))).toMatchObject({
        code: 'permission/denied',
        plugin: 'test.keeper',
      });
      expect(await rejection(get(kernel, 'api', 'test.none'))).toMatchObject({
        code: 'permission/denied',
        plugin: 'test.none',
      });
      expect(await rejection(get(kernel, { toString: 5 }))).toMatchObject({
        code: 'call/invalid-option',
      });
      await kernel.secrets.set('test.keeper', 'api', 'replaced');
      expect(await get(kernel, 'api')).toBe('replaced');
      expect(await kernel.secrets.names('test.keeper')).toEqual(['api', 'db.main', 'hidden']);
      expect([
        await kernel.secrets.delete('test.keeper', 'api'),
        await kernel.secrets.delete('test.keeper', 'api'),
      ]).toEqual([true, false]);
      expect(await get(kernel, 'api')).toBeUndefined();
    });

    it('of one tenant are not visible to another', async () => {
      const kernel = await startKernel(setting, [keeper()]);
      const [a, b] = [kernel.tenant('a'), kernel.tenant('b')];
      await Promise.all([a.start(), b.start()]);
      await a.secrets.set('test.keeper', 'api', 'of a');
      expect([
        await a.commands.execute('test.keeper:get', 'api'),
        await b.commands.execute('test.keeper:get', 'api'),
      ]).toEqual(['of a', undefined]);
    });

    it('never appear in the log, in events of the kernel, or in its reports about a plugin', async () => {
      const entries: LogEntry[] = [];
      const events: unknown[] = [];
      const leaky = pluginOf(
        'test.leaky',
        `const secret = await ctx.secrets.get('api'); this.seen = secret;
         ctx.logger.warn('it is ' + secret, { list: [{ [secret]: new Map([['a', secret]]) }], text: JSON.stringify({ secret }), url: encodeURIComponent(secret), fine: 1 });
         console.error('printed', secret);
         if (!await ctx.storage.has('second')) { await ctx.storage.set('second', true); throw new Error('cannot log in with ' + secret); }
         ctx.commands.handle('crash', () => { setTimeout(() => { throw new Error('died of ' + secret); }); });`,
        { permissions: { secrets: { read: ['*'] }, storage: { read: true, write: true } } },
        `async healthCheck() { return { status: 'degraded', details: { why: 'no answer to ' + this.seen } }; },`,
      );
      const kernel = await startKernel(
        setting,
        [{ ...leaky, manifest: { ...leaky.manifest, activation: ['command:test.leaky:crash'] } }],
        {
          telemetry: { log: (entry) => void entries.push(entry) },
          supervision: false,
        },
      );
      kernel.events.on('*', (event) => void events.push(event));
      await kernel.secrets.set('test.leaky', 'api', VALUE);
      await rejection(kernel.plugins.activate('test.leaky'));
      expect(kernel.plugins.get('test.leaky')?.state).toBe('failed');
      const told: unknown[] = [
        kernel.plugins.explain('test.leaky'),
        kernel.plugins.get('test.leaky'),
        await kernel.plugins.health('test.leaky'),
      ];
      kernel.logger.error(`the host says ${VALUE}`, { error: new Error(VALUE) });
      await kernel.plugins.activate('test.leaky');
      told.push(await kernel.plugins.health('test.leaky'), await kernel.health());
      if (setting.isolation === 'worker') {
        const crashed = new Promise((resolve) => kernel.events.once('plugin:crashed', resolve));
        await Promise.all([crashed, kernel.commands.execute('test.leaky:crash').catch(() => {})]);
      }
      const all = [...entries, ...events, ...told, ...kernel.logger.recent()];
      expect(all.length).toBeGreaterThan(10);
      const text = all.map(shown).join('\n');
      for (const spelling of [VALUE, VALUE.trim(), 'horse', encodeURIComponent(VALUE)])
        expect(text).not.toContain(spelling);
      expect(text).toContain('cannot log in with [secret]');
      expect(text).toContain('it is [secret]');
      expect(text).toContain('the host says [secret]');
      expect(entries.find(({ message }) => message === 'it is [secret]')?.fields).toEqual({
        list: [{ '[secret]': new Map([['a', '[secret]']]) }],
        text: '{"secret":"[secret]"}',
        url: '[secret]',
        fine: 1,
      });
      if (setting.isolation === 'worker') expect(text).toContain('died of [secret]');
    });
  });
}

/** Everything in a value, as one text. */
function shown(value: unknown): string {
  const seen = new Set<unknown>();
  const walk = (one: unknown): string => {
    if (one === null || typeof one !== 'object') return String(one);
    if (seen.has(one)) return '';
    seen.add(one);
    if (one instanceof Map) return [...one].map(([a, b]) => `${walk(a)} ${walk(b)}`).join(' ');
    return Object.getOwnPropertyNames(one)
      .map((name) => `${name} ${walk((one as Record<string, unknown>)[name])}`)
      .join(' ');
  };
  return walk(value);
}

describe(`${runtime}: stored secrets`, () => {
  const open = async (storage: StorageAdapter, secrets?: SecretsOptions) => {
    // The storage outlives its kernels here.
    return createKernel({
      host: createHost(),
      storage: outliving(storage),
      ...(secrets && { secrets }),
      sources: [packageSource([keeper()])],
    });
  };
  const use = async <T>(
    storage: StorageAdapter,
    secrets: SecretsOptions | undefined,
    work: (secrets: HostSecrets, get: (name: string) => Promise<unknown>) => Promise<T>,
  ) => {
    const kernel = await open(storage, secrets);
    try {
      await kernel.start();
      return await work(kernel.secrets, (name) => kernel.commands.execute('test.keeper:get', name));
    } finally {
      await kernel.stop();
    }
  };

  it('are restored with the same key, and reveal nothing without it', async () => {
    const storage = await persistentStorage();
    await use(storage, { key: key() }, (secrets) => secrets.set('test.keeper', 'api', VALUE));
    const cryptoKey = await crypto.subtle.importKey('raw', key(), 'AES-GCM', false, [
      'encrypt',
      'decrypt',
    ]);
    expect(await use(storage, { key: cryptoKey }, (_, ask) => ask('api'))).toBe(VALUE);
    for (const slot of await storage.keys('')) {
      const kept = JSON.stringify(await storage.get(slot), (_, one) =>
        one instanceof Uint8Array ? new TextDecoder('latin1').decode(one) : one,
      );
      expect(kept).not.toContain('horse');
      expect(kept).not.toContain('api');
    }
    await storage.close();
  });

  it('cannot be read or replaced with another key, and stay', async () => {
    const storage = memoryStorage();
    await use(storage, { key: key() }, (secrets) => secrets.set('test.keeper', 'api', VALUE));
    await use(storage, { key: key(8) }, async (secrets, ask) => {
      expect(await rejection(ask('api'))).toMatchObject({
        code: 'secret/locked',
        plugin: 'test.keeper',
      });
      expect(await rejection(secrets.set('test.keeper', 'api', 'lost'))).toMatchObject({
        code: 'secret/locked',
      });
      expect(await rejection(secrets.names('test.keeper'))).toMatchObject({
        code: 'secret/locked',
      });
    });
    expect(await use(storage, { key: key() }, (_, ask) => ask('api'))).toBe(VALUE);
  });

  it("of one plugin are useless in place of another's", async () => {
    const storage = memoryStorage();
    await use(storage, { key: key() }, (secrets) => secrets.set('test.victim', 'api', VALUE));
    const [slot] = (await storage.keys('')).filter((one) => one.includes('secrets'));
    await storage.set(
      String(slot).replace('test.victim', 'test.keeper'),
      await storage.get(String(slot)),
    );
    await use(storage, { key: key() }, async (_, ask) =>
      expect(await rejection(ask('api'))).toMatchObject({ code: 'secret/locked' }),
    );
  });

  it('without a key are only in memory', async () => {
    const storage = memoryStorage();
    await use(storage, undefined, async (secrets, ask) => {
      await secrets.set('test.keeper', 'api', VALUE);
      expect(await ask('api')).toBe(VALUE);
    });
    expect((await storage.keys('')).filter((one) => one.includes('secrets'))).toEqual([]);
    expect(await use(storage, undefined, (_, ask) => ask('api'))).toBeUndefined();
  });

  it('change atomically', async () => {
    const storage = memoryStorage();
    let broken = false;
    const failing: StorageAdapter = {
      ...outliving(storage),
      set: async (slot, value) => {
        if (broken) throw new Error('disk full');
        return storage.set(slot, value);
      },
    };
    await use(failing, { key: key() }, async (secrets, ask) => {
      await secrets.set('test.keeper', 'api', VALUE);
      broken = true;
      expect(await rejection(secrets.set('test.keeper', 'api', 'other'))).toMatchObject({
        code: 'storage/failed',
        plugin: 'test.keeper',
      });
      expect(await ask('api')).toBe(VALUE);
    });
  });

  it('are refused when invalid, and so are keys', async () => {
    await use(memoryStorage(), undefined, async (secrets) => {
      const bad: [unknown, unknown, unknown][] = [
        ['test.keeper', 'api', ''],
        ['test.keeper', 'api', 'abc'],
        ['test.keeper', 'api', 5],
        ['test.keeper', 'api', 'x'.repeat(65_537)],
        ['test.keeper', '__proto__', VALUE],
        ['test.keeper', 'a\0b', VALUE],
        ['test.keeper\0x', 'api', VALUE],
        [undefined, 'api', VALUE],
      ];
      for (const [plugin, name, value] of bad)
        expect(
          await rejection(secrets.set(plugin as string, name as string, value as string)),
          String(name),
        ).toMatchObject({ code: 'secret/invalid' });
      for (let n = 0; n < 256; n++) await secrets.set('test.keeper', `n${n}`, VALUE);
      expect(await rejection(secrets.set('test.keeper', 'more', VALUE))).toMatchObject({
        code: 'secret/invalid',
      });
      await secrets.set('test.keeper', 'n0', VALUE);
    });
    const signing = (await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, true, [
      'sign',
    ])) as CryptoKey;
    for (const wrong of [new Uint8Array(31), 'text', signing, {}, null]) {
      expect(await rejection(createKernel({ secrets: { key: wrong as never } }))).toMatchObject({
        code: 'kernel/invalid-option',
        details: { option: 'secrets.key' },
      });
    }
    expect(await rejection(createKernel({ secrets: { keys: 1 } as never }))).toMatchObject({
      code: 'kernel/invalid-option',
      details: { option: 'secrets.keys' },
    });
  });
});
