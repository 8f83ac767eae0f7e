/** What the plugins of a tenant use together, and may: `kernel.usage()` and diagnostics. */
import { createKernel, memoryStorage } from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { gateOf, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';
import { outliving } from '../support/storages.ts';

const user = (id: string) =>
  pluginOf(
    id,
    `ctx.commands.handle('keep', (text) => ctx.storage.set('text', text));
     ctx.commands.handle('wait', () => ctx.commands.execute('host:gate'));
     ctx.commands.handle('fail', () => { throw new Error('no'); });`,
    {
      permissions: { storage: { read: true, write: true }, commands: { execute: ['host:*'] } },
    },
  );
const LIMITS = { memory: '2GB', storage: '1MB', messages: 5_000, calls: 100 };

for (const setting of [
  { isolation: 'worker', createHost },
  { isolation: 'inline' },
] satisfies Setting[])
  describe(`${runtime} ${setting.isolation}: usage of a tenant`, () => {
    it('adds up what its plugins use, against what they may use together', async () => {
      const kernel = await startKernel(setting, [user('test.a'), user('test.b')], {
        policy: { resources: { tenant: LIMITS } },
      });
      const gate = gateOf(kernel);
      const before = await kernel.usage();
      expect(before).toMatchObject({
        tenant: 'tenant-0',
        plugins: { installed: 2, running: 2 },
        storage: { used: 0, limit: 1_000_000 },
        calls: { used: 0, limit: 100 },
        messages: { limit: 5_000 },
        answered: 0,
        failed: 0,
      });
      for (const id of ['test.a', 'test.b'])
        await kernel.commands.execute(`${id}:keep`, 'x'.repeat(1_000));
      await rejection(kernel.commands.execute('test.a:fail'));
      const waiting = kernel.commands.execute('test.a:wait');
      await gate.reached;
      const after = await kernel.usage();
      expect(after.calls).toEqual({ used: 1, limit: 100 });
      expect(after.storage?.used).toBeGreaterThanOrEqual(2_000);
      expect([after.answered, after.failed]).toEqual([3, 1]);
      expect(kernel.diagnostics().together).toMatchObject({
        limits: { memory: 2_000_000_000, storage: 1_000_000, messages: 5_000, calls: 100 },
        calls: 1,
      });
      gate.open();
      await waiting;
      // What a runtime doesn't tell is not counted as nothing.
      if (after.memory === undefined) expect(after.unknown['memory']).toContain('2 of 2 guests');
      else expect(after.memory).toMatchObject({ limit: 2_000_000_000 });
    });

    it('is of one tenant, and shows no limit where there is none', async () => {
      const kernel = await startKernel(setting, [user('test.a')]);
      const acme = kernel.tenant('acme');
      await acme.start();
      await acme.commands.execute('test.a:keep', 'x'.repeat(1_000));
      const [own, other] = [await kernel.usage(), await acme.usage()];
      expect([own.tenant, own.storage, own.answered]).toEqual(['tenant-0', { used: 0 }, 0]);
      expect([other.tenant, other.calls, other.answered]).toEqual(['acme', { used: 0 }, 1]);
      expect(other.storage?.used).toBeGreaterThanOrEqual(1_000);
      expect('messages' in other).toBe(false);
      expect(kernel.diagnostics().together?.limits).toEqual({});
    });
  });

describe(`${runtime}: usage of a tenant`, () => {
  it('says what is not known: a storage that does not answer', async () => {
    const storage = outliving(memoryStorage());
    let broken = false;
    const kernel = await createKernel({
      isolation: 'inline',
      telemetry: { log: false },
      storage: {
        ...storage,
        keys: async (prefix) => {
          if (broken) throw new Error('the disk is gone');
          return storage.keys(prefix);
        },
      },
    });
    await kernel.start();
    broken = true;
    const usage = await kernel.usage();
    expect([usage.storage, usage.unknown['storage']]).toEqual([undefined, 'the disk is gone']);
    broken = false;
    await kernel.stop();
  });
});
