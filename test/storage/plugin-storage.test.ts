/** `ctx.storage`: storage as plugins see it, through their permissions, namespaces and quotas. */

import { memoryStorage, type PackageInput, type StorageAdapter } from '@plinth/kernel';
import { PluginOverloadedError, PluginPermissionError, PluginValidationError } from '@plinth/sdk';
import { describe, expect, it } from 'vitest';
import { createHost, persistentStorage, runtime, storageName } from '#host';
import { rejection, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';
import { WIRE_VALUES } from './storage-suite.ts';

const all = { storage: { read: true, write: true } };
const API = `
  const { storage } = ctx;
  ctx.commands.handle('get', (key) => storage.get(key));
  ctx.commands.handle('set', ({ key, value }) => storage.set(key, value));
  ctx.commands.handle('delete', (key) => storage.delete(key));
  ctx.commands.handle('has', (key) => storage.has(key));
  ctx.commands.handle('keys', (prefix) => storage.keys(prefix));
  ctx.commands.handle('clear', () => storage.clear());
  ctx.commands.handle('fill', ({ keys, size }) => Promise.allSettled(keys.map((key) => storage.set(key, 'ю'.repeat(size)))).then((all) => all.map(({ status, reason }) => reason?.code ?? status)));
  ctx.commands.handle('count', (times) => Promise.all(Array.from({ length: times }, () => storage.update('n', (n = 0) => n + 1))).then((all) => all.length));
  ctx.commands.handle('throwing', () => storage.update('n', () => { throw new RangeError('no') }));
`;
/** A plugin whose storage the host can reach through its commands. */
const keeper = (
  id: string,
  permissions: NonNullable<Exclude<PackageInput['manifest'], string>['permissions']> = all,
) => pluginOf(id, API, { permissions });

function pluginStorage(
  name: string,
  setting: Setting,
  newStorage: () => Promise<StorageAdapter>,
): void {
  const start = async (packages: readonly PackageInput[], storage?: StorageAdapter) =>
    startKernel(setting, packages, { storage: storage ?? (await newStorage()) });

  describe(`ctx.storage, ${name}`, () => {
    it('gets, sets, deletes, lists and clears', async () => {
      const { commands } = await start([keeper('test.a')]);
      for (const key of ['b', 'a1', 'a2', 'ä'])
        await commands.execute('test.a:set', { key, value: { key } });
      expect(await commands.execute('test.a:get', 'b')).toEqual({ key: 'b' });
      expect(await commands.execute('test.a:get', 'nothing')).toBeUndefined();
      expect([
        await commands.execute('test.a:has', 'b'),
        await commands.execute('test.a:has', 'nothing'),
      ]).toEqual([true, false]);
      expect([
        await commands.execute('test.a:keys'),
        await commands.execute('test.a:keys', 'a'),
      ]).toEqual([
        ['a1', 'a2', 'b', 'ä'],
        ['a1', 'a2'],
      ]);
      expect([
        await commands.execute('test.a:delete', 'b'),
        await commands.execute('test.a:delete', 'b'),
      ]).toEqual([true, false]);
      await commands.execute('test.a:clear');
      expect(await commands.execute('test.a:keys')).toEqual([]);
    });

    it('returns every wire value unchanged', async () => {
      const { commands } = await start([keeper('test.a')]);
      for (const [key, make] of Object.entries(WIRE_VALUES)) {
        await commands.execute('test.a:set', { key, value: make() });
        expect(await commands.execute('test.a:get', key), key).toStrictEqual(make());
      }
    });

    it('returns errors as errors', async () => {
      const { commands } = await start([keeper('test.a')]);
      await commands.execute('test.a:set', {
        key: 'failures',
        value: [new RangeError('too far', { cause: new Error('why') })],
      });
      const [error] = (await commands.execute('test.a:get', 'failures')) as [Error];
      expect(error).toBeInstanceOf(RangeError);
      expect(error).toMatchObject({ message: 'too far', cause: { message: 'why' } });
    });

    it('takes any text of 1 to 512 characters as a key, and refuses others', async () => {
      const { commands } = await start([keeper('test.a')]);
      const keys = ['..', '/', '🦊', '\0', 'a', 'A', '__proto__', 'x'.repeat(512)];
      for (const key of keys) await commands.execute('test.a:set', { key, value: key });
      expect(await commands.execute('test.a:keys')).toEqual([...keys].sort());
      for (const [index, key] of [
        '',
        'x'.repeat(513),
        7,
        null,
        undefined,
        { toString: 'a' },
      ].entries()) {
        const error = await rejection(commands.execute('test.a:set', { key, value: 1 }));
        expect(error, `key ${index}`).toBeInstanceOf(PluginValidationError);
        expect(error).toMatchObject({ code: 'storage/invalid-key', plugin: 'test.a' });
      }
    });

    it('set() of undefined is refused, because delete() does that', async () => {
      const { commands } = await start([keeper('test.a')]);
      expect(
        await rejection(commands.execute('test.a:set', { key: 'a', value: undefined })),
      ).toMatchObject({ code: 'value/invalid' });
    });

    it.each([10, 200])('update() loses none of %i concurrent changes', async (times) => {
      const { commands } = await start([keeper('test.a')]);
      expect(await commands.execute('test.a:count', times)).toBe(times);
      expect(await commands.execute('test.a:get', 'n')).toBe(times);
    });

    it('update() that throws changes nothing and gives the error to its caller', async () => {
      const { commands } = await start([keeper('test.a')]);
      await commands.execute('test.a:set', { key: 'n', value: 7 });
      expect(await rejection(commands.execute('test.a:throwing'))).toBeInstanceOf(RangeError);
      expect(await commands.execute('test.a:get', 'n')).toBe(7);
    });

    it("never shows a plugin another one's keys, for any id and key", async () => {
      // Careless joining would make the id and key of one equal to those of another.
      const { commands } = await start([keeper('test.a'), keeper('test.a.b'), keeper('test.ab')]);
      const keys = ['x', 'b\0x', '\0x', '.b\0x', '../test.a.b/x'];
      for (const id of ['test.a', 'test.a.b', 'test.ab'])
        for (const key of keys) await commands.execute(`${id}:set`, { key, value: id });
      await commands.execute('test.a:clear');
      expect(await commands.execute('test.a:keys')).toEqual([]);
      for (const id of ['test.a.b', 'test.ab']) {
        expect(await commands.execute(`${id}:keys`)).toEqual([...keys].sort());
        for (const key of keys) expect(await commands.execute(`${id}:get`, key)).toBe(id);
      }
    });

    it('denies a plugin what its manifest does not ask for', async () => {
      const kernel = await start([
        keeper('test.none', {}),
        keeper('test.reader', { storage: { read: true } }),
        keeper('test.writer', { storage: { write: true } }),
      ]);
      const outcome = (id: string, verb: string, input: unknown) =>
        kernel.commands.execute(`${id}:${verb}`, input).then(
          () => 'ok',
          (error) => (error instanceof PluginPermissionError ? error.code : error),
        );
      const verbs: [string, unknown][] = [
        ['get', 'k'],
        ['has', 'k'],
        ['keys', ''],
        ['set', { key: 'k', value: 1 }],
        ['delete', 'k'],
        ['clear', undefined],
      ];
      const table = async (id: string) =>
        Promise.all(verbs.map(([verb, input]) => outcome(id, verb, input)));
      const denied = 'permission/denied';
      expect(await table('test.none')).toEqual(Array.from({ length: 6 }, () => denied));
      expect(await table('test.reader')).toEqual(['ok', 'ok', 'ok', denied, denied, denied]);
      expect(await table('test.writer')).toEqual([denied, denied, denied, 'ok', 'ok', 'ok']);
    });

    it('refuses what exceeds the quota and writes nothing of it', async () => {
      const { commands } = await start([
        keeper('test.a', { storage: { read: true, write: true, quota: '10kB' } }),
        keeper('test.b'),
      ]);
      await commands.execute('test.a:set', { key: 'a', value: 'small' });
      const error = await rejection(
        commands.execute('test.a:set', { key: 'a', value: 'x'.repeat(20_000) }),
      );
      expect(error).toBeInstanceOf(PluginOverloadedError);
      expect(error).toMatchObject({
        code: 'storage/quota',
        plugin: 'test.a',
        details: { key: 'a', quota: 10_000 },
      });
      expect(error.message).toMatch(/test\.a .*'a'.*10000/);
      expect(await commands.execute('test.a:get', 'a')).toBe('small');
      expect(
        (await rejection(commands.execute('test.a:set', { key: 'new', value: 'x'.repeat(20_000) })))
          .code,
      ).toBe('storage/quota');
      expect(await commands.execute('test.a:keys')).toEqual(['a']);
      await commands.execute('test.b:set', { key: 'a', value: 'x'.repeat(20_000) });
    });

    it('frees quota when values shrink, are deleted or cleared', async () => {
      const { commands } = await start([
        keeper('test.a', { storage: { read: true, write: true, quota: '100kB' } }),
      ]);
      const big = { key: 'a', value: 'ю'.repeat(40_000) };
      for (let round = 0; round < 5; round++) await commands.execute('test.a:set', big);
      await commands.execute('test.a:set', { key: 'a', value: '' });
      await commands.execute('test.a:set', { ...big, key: 'b' });
      await commands.execute('test.a:delete', 'b');
      await commands.execute('test.a:set', { ...big, key: 'c' });
      await commands.execute('test.a:clear');
      await commands.execute('test.a:set', { ...big, key: 'd' });
      expect(await commands.execute('test.a:keys')).toEqual(['d']);
    });

    it('counts correctly when everything is cleared during a write', async () => {
      const { commands } = await start([
        keeper('test.a', { storage: { read: true, write: true, quota: '100kB' } }),
      ]);
      const keys = Array.from({ length: 20 }, (_, index) => `key-${index}`);
      for (let round = 0; round < 5; round++)
        await Promise.all([
          commands.execute('test.a:fill', { keys, size: 1_000 }),
          commands.execute('test.a:clear'),
          commands.execute('test.a:fill', { keys, size: 2_000 }),
        ]);
      await commands.execute('test.a:clear');
      const outcomes = (await commands.execute('test.a:fill', { keys, size: 10_000 })) as string[];
      expect(outcomes.filter((one) => one === 'fulfilled')).toHaveLength(4);
    });

    it('keeps many concurrent writes within the quota', async () => {
      const { commands } = await start([
        keeper('test.a', { storage: { read: true, write: true, quota: '100kB' } }),
      ]);
      const keys = Array.from({ length: 20 }, (_, index) => `key-${index}`);
      const outcomes = (await commands.execute('test.a:fill', { keys, size: 10_000 })) as string[];
      expect(new Set(outcomes)).toEqual(new Set(['fulfilled', 'storage/quota']));
      expect(await commands.execute('test.a:keys')).toHaveLength(4);
    });

    it('counts what storing a value takes: many small ones are not free', async () => {
      const { commands } = await start([
        keeper('test.a', { storage: { read: true, write: true, quota: '100kB' } }),
      ]);
      const keys = Array.from({ length: 1_000 }, (_, index) => `${index}`);
      const outcomes = (await commands.execute('test.a:fill', { keys, size: 0 })) as string[];
      expect(new Set(outcomes)).toEqual(new Set(['fulfilled', 'storage/quota']));
      expect(((await commands.execute('test.a:keys')) as string[]).length).toBeLessThan(800);
      await commands.execute('test.a:clear');
      expect(await commands.execute('test.a:fill', { keys: keys.slice(0, 20), size: 0 })).toEqual(
        Array.from({ length: 20 }, () => 'fulfilled'),
      );
    });

    it('keeps the number of keys within limits.keys', async () => {
      const kernel = await startKernel(setting, [keeper('test.a'), keeper('test.b')], {
        storage: await newStorage(),
        limits: { keys: 10 },
      });
      const keys = Array.from({ length: 30 }, (_, index) => `${index}`);
      const fill = (id: string, size: number) =>
        kernel.commands.execute(`${id}:fill`, { keys, size }) as Promise<string[]>;
      const fulfilled = (outcomes: readonly string[]) =>
        outcomes.filter((one) => one === 'fulfilled').length;
      expect(fulfilled(await fill('test.a', 1))).toBe(10);
      // Existing values may still be changed, and another plugin has its own limit.
      expect(fulfilled(await fill('test.a', 2))).toBe(10);
      expect(fulfilled(await fill('test.b', 1))).toBe(10);
      const error = await rejection(
        kernel.commands.execute('test.a:set', { key: 'new', value: 1 }),
      );
      expect(error).toMatchObject({
        code: 'storage/quota',
        plugin: 'test.a',
        details: { key: 'new', keys: 10 },
      });
      expect(error.message).toContain("'limits.keys'");
      await kernel.commands.execute(
        'test.a:delete',
        ((await kernel.commands.execute('test.a:keys')) as string[])[0],
      );
      await kernel.commands.execute('test.a:set', { key: 'new', value: 1 });
    });
  });
}

pluginStorage('inline over memory', { isolation: 'inline' }, async () => memoryStorage());
pluginStorage(`${runtime} worker over memory`, { isolation: 'worker', createHost }, async () =>
  memoryStorage(),
);
pluginStorage(
  `${runtime} worker over persistent storage`,
  { isolation: 'worker', createHost },
  () => persistentStorage(),
);

describe('ctx.storage, persistent', () => {
  it('has its data and its used quota after a restart of the kernel', async () => {
    const name = await storageName();
    const plugin = keeper('test.a', { storage: { read: true, write: true, quota: '10kB' } });
    const first = await startKernel({ isolation: 'worker', createHost }, [plugin], {
      storage: await persistentStorage(name),
    });
    await first.commands.execute('test.a:set', { key: 'a', value: 'x'.repeat(4_000) });
    await first.stop();
    const { commands } = await startKernel({ isolation: 'worker', createHost }, [plugin], {
      storage: await persistentStorage(name),
    });
    expect(await commands.execute('test.a:get', 'a')).toHaveLength(4_000);
    expect(
      (await rejection(commands.execute('test.a:set', { key: 'b', value: 'x'.repeat(4_000) })))
        .code,
    ).toBe('storage/quota');
  });

  it('loses no update of two kernels that share the storage', async () => {
    const name = await storageName();
    const kernels = await Promise.all(
      [0, 1].map(async () =>
        startKernel({ isolation: 'worker', createHost }, [keeper('test.a')], {
          storage: await persistentStorage(name),
        }),
      ),
    );
    for (let round = 0; round < 5; round++)
      await Promise.all(kernels.map((kernel) => kernel.commands.execute('test.a:count', 8)));
    expect(await kernels[0]?.commands.execute('test.a:get', 'n')).toBe(80);
  });
});
