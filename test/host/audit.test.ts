/** The audit log: what is in it, and that nobody can change it afterwards unseen. */
import { createHost, persistentStorage, runtime } from '#host';
import { type AuditEntry, createKernel, memoryStorage, packageSource, type StorageAdapter } from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { rejection } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';
import { outliving } from '../support/storages.ts';

const plugin = pluginOf(
  'test.user',
  `ctx.commands.handle('try', (id) => ctx.commands.execute(id).catch((error) => error.code)); ctx.commands.handle('ask', () => ctx.permissions.request('storage.read'));`,
);
const PREFIX = 'tenant-0\0plinth\0audit\0';

async function use<T>(storage: StorageAdapter, work: (kernel: Awaited<ReturnType<typeof createKernel>>) => Promise<T>): Promise<T> {
  const kernel = await createKernel({ host: createHost(), storage: outliving(storage), sources: [packageSource([plugin])] });
  try {
    await kernel.start();
    return await work(kernel);
  } finally {
    await kernel.stop();
  }
}
const attempt = (kernel: Awaited<ReturnType<typeof createKernel>>, id: string) => kernel.commands.execute('test.user:try', id);

describe(`${runtime}: audit`, () => {
  it('has what was decided and what was tried, in order, each bound to the one before, also after a restart', async () => {
    const storage = await persistentStorage();
    const head = await use(storage, async (kernel) => {
      await attempt(kernel, 'host:secret');
      await kernel.permissions.grant('test.user', 'commands.execute', 'host:*');
      await kernel.permissions.revoke('test.user', 'commands.execute', 'host:*');
      await kernel.commands.execute('test.user:ask');
      await kernel.plugins.disable('test.user');
      const entries = await kernel.audit.entries({ plugin: 'test.user' });
      expect(entries.map(({ topic, facts }) => [topic, facts])).toEqual([
        ['permission:denied', { permission: 'commands.execute', scope: 'host:secret' }],
        ['permission:granted', { permission: 'commands.execute', scope: 'host:*' }],
        ['permission:revoked', { permission: 'commands.execute', scope: 'host:*' }],
        ['permission:requested', { permission: 'storage.read', scope: '*', granted: false }],
        ['plugin:disabled', { version: '1.0.0' }],
      ]);
      expect(entries.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5]);
      return kernel.audit.head();
    });
    expect(head.number).toBe(5);
    await use(storage, async (kernel) => {
      await kernel.plugins.enable('test.user');
      expect(await kernel.audit.verify(head)).toMatchObject({ ok: true, entries: 6, head: { number: 6 } });
      expect((await kernel.audit.entries({ topic: 'plugin:enabled' })).map(({ number }) => number)).toEqual([6]);
    });
    await storage.close();
  });

  it('of an untrusted plugin it has the first use of each right, too; of others only what was decided', async () => {
    const able = { ...plugin.manifest, permissions: { commands: { execute: ['host:*'] } } } as never;
    for (const [level, expected] of [
      [
        'untrusted',
        [
          { permission: 'commands.execute', scope: 'host:a' },
          { permission: 'commands.execute', scope: 'host:b' },
        ],
      ],
      ['partner', []],
    ] as const) {
      const kernel = await createKernel({
        host: createHost(),
        sources: [packageSource([{ ...plugin, manifest: able }])],
        policy: { trust: () => level, signatures: { keys: {}, required: 'none' } },
      });
      try {
        await kernel.start();
        for (const name of ['a', 'b']) kernel.commands.handle(name, () => name);
        for (const id of ['host:a', 'host:a', 'host:b', 'host:a']) await attempt(kernel, id);
        expect((await kernel.audit.entries({ topic: 'permission:used' })).map(({ facts }) => facts)).toEqual(expected);
      } finally {
        await kernel.stop();
      }
    }
  });

  it('tells a flood as one entry with its count, and stays bounded', async () => {
    const storage = memoryStorage();
    await use(storage, async (kernel) => {
      await Promise.all(Array.from({ length: 300 }, () => attempt(kernel, 'host:secret')));
      const same = await kernel.audit.entries({ topic: 'permission:denied' });
      expect(same.reduce((sum, { count }) => sum + count, 0)).toBe(300);
      expect(same.length).toBeLessThan(100);
      for (let round = 0; round < 12; round++) await Promise.all(Array.from({ length: 1_000 }, (_, n) => attempt(kernel, `host:a${round}x${n}`)));
      expect(await kernel.audit.verify()).toMatchObject({ ok: true });
      const all = await kernel.audit.entries();
      expect(all.length).toBeLessThanOrEqual(10_000);
      expect(all.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThan(all.length);
      expect((await storage.keys(PREFIX)).length).toBeLessThanOrEqual(50);
    });
  });

  const change = (storage: StorageAdapter, how: (entries: AuditEntry[]) => AuditEntry[]) => async (key: string) =>
    storage.update(key, (segment) => ({ ...(segment as object), entries: how([...(segment as { entries: AuditEntry[] }).entries]) }));
  it.each<[string, (entries: AuditEntry[]) => AuditEntry[], RegExp]>([
    ['changed', (entries) => entries.map((entry) => (entry.number === 2 ? { ...entry, facts: {} } : entry)), /changed/],
    ['dropped', (entries) => entries.filter(({ number }) => number !== 2), /missing/],
    ['put in', (entries) => [...entries.slice(0, 2), entries[1] as AuditEntry, ...entries.slice(2)], /missing, or there is one more/],
    ['put in another order', (entries) => [entries[1] as AuditEntry, entries[0] as AuditEntry, ...entries.slice(2)], /missing/],
    ['counted otherwise', (entries) => entries.map((entry) => ({ ...entry, count: 7 })), /changed/],
  ])('an entry that is %s is found', async (_, how, why) => {
    const storage = memoryStorage();
    const fill = async (kernel: Awaited<ReturnType<typeof createKernel>>) => {
      for (const id of ['host:a', 'host:b', 'host:c']) await attempt(kernel, id);
      return kernel.audit.head();
    };
    await use(storage, fill);
    const [key] = await storage.keys(PREFIX);
    await change(storage, how)(String(key));
    const verdict = await use(storage, (kernel) => kernel.audit.verify());
    expect(verdict).toMatchObject({ ok: false, why: expect.stringMatching(why) });
  });

  it('an end that was cut off is found by whoever has kept it', async () => {
    const storage = memoryStorage();
    const head = await use(storage, async (kernel) => {
      for (const id of ['host:a', 'host:b', 'host:c']) await attempt(kernel, id);
      return kernel.audit.head();
    });
    const [key] = await storage.keys(PREFIX);
    await change(storage, (entries) => entries.slice(0, 1))(String(key));
    await use(storage, async (kernel) => {
      expect(await kernel.audit.verify()).toMatchObject({ ok: true });
      expect(await kernel.audit.verify(head)).toMatchObject({ ok: false, why: expect.stringContaining('does not go on') });
    });
  });

  it('takes only the word of the kernel', async () => {
    const forger = pluginOf('signature', `await ctx.events.emit('signature:checked', { plugin: 'test.user', version: '1.0.0', ok: true });`);
    const kernel = await createKernel({ host: createHost(), sources: [packageSource([forger])] });
    await kernel.start();
    expect(kernel.plugins.get('signature')?.state).toBe('active');
    expect(await kernel.audit.entries({ topic: 'signature:checked' })).toEqual([]);
    await kernel.stop();
  });

  it('goes on when it cannot be read, and says so', async () => {
    const storage = memoryStorage();
    await storage.set(`${PREFIX}0000000000000000`, 'nonsense');
    await use(storage, async (kernel) => {
      await attempt(kernel, 'host:a');
      await kernel.audit.head();
      expect(kernel.logger.recent().some(({ message }) => message.includes('audit log cannot be read'))).toBe(true);
      expect((await rejection(kernel.permissions.grant('test.nobody', 'storage.read'))).code).toBe('plugin/not-found');
    });
  });
});
