/** The audit log: its content, and that later changes are detected. */

import {
  type AuditEntry,
  createKernel,
  memoryStorage,
  packageSource,
  type StorageAdapter,
} from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { createHost, persistentStorage, runtime } from '#host';
import { rejection } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';
import { outliving } from '../support/storages.ts';

const plugin = pluginOf(
  'test.user',
  `ctx.commands.handle('try', (id) => ctx.commands.execute(id).catch((error) => error.code)); ctx.commands.handle('ask', () => ctx.permissions.request('storage.read'));`,
);
const PREFIX = 'tenant-0\0plinth\0audit\0';

async function use<T>(
  storage: StorageAdapter,
  work: (kernel: Awaited<ReturnType<typeof createKernel>>) => Promise<T>,
): Promise<T> {
  const kernel = await createKernel({
    host: createHost(),
    storage: outliving(storage),
    sources: [packageSource([plugin])],
  });
  try {
    await kernel.start();
    return await work(kernel);
  } finally {
    await kernel.stop();
  }
}
const attempt = (kernel: Awaited<ReturnType<typeof createKernel>>, id: string) =>
  kernel.commands.execute('test.user:try', id);

describe(`${runtime}: audit`, () => {
  it('records decisions and attempts in order, each chained to the one before, also after a restart', async () => {
    const storage = await persistentStorage();
    const head = await use(storage, async (kernel) => {
      await attempt(kernel, 'host:secret');
      await kernel.permissions.grant('test.user', 'commands.execute', 'host:*');
      await kernel.permissions.revoke('test.user', 'commands.execute', 'host:*');
      await kernel.commands.execute('test.user:ask');
      await kernel.plugins.disable('test.user');
      const entries = await kernel.audit.entries({ plugin: 'test.user' });
      expect(entries.map(({ topic, facts }) => [topic, facts])).toEqual([
        [
          'permission:denied',
          { permission: 'commands.execute', scope: 'host:secret', reason: 'manifest' },
        ],
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
      expect(await kernel.audit.verify(head)).toMatchObject({
        ok: true,
        entries: 6,
        head: { number: 6 },
      });
      expect(
        (await kernel.audit.entries({ topic: 'plugin:enabled' })).map(({ number }) => number),
      ).toEqual([6]);
    });
    await storage.close();
  });

  it('records the first use of each right for untrusted plugins; for others only decisions', async () => {
    const able = {
      ...plugin.manifest,
      permissions: { commands: { execute: ['host:*'] } },
    } as never;
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
        expect(
          (await kernel.audit.entries({ topic: 'permission:used' })).map(({ facts }) => facts),
        ).toEqual(expected);
      } finally {
        await kernel.stop();
      }
    }
  });

  it('records a flood as one entry with its count, and stays bounded', async () => {
    const storage = memoryStorage();
    await use(storage, async (kernel) => {
      await Promise.all(Array.from({ length: 300 }, () => attempt(kernel, 'host:secret')));
      const same = await kernel.audit.entries({ topic: 'permission:denied' });
      expect(same.reduce((sum, { count }) => sum + count, 0)).toBe(300);
      expect(same.length).toBeLessThan(100);
      for (let round = 0; round < 12; round++)
        await Promise.all(
          Array.from({ length: 1_000 }, (_, n) => attempt(kernel, `host:a${round}x${n}`)),
        );
      expect(await kernel.audit.verify()).toMatchObject({ ok: true });
      const all = await kernel.audit.entries();
      expect(all.length).toBeLessThanOrEqual(10_000);
      expect(all.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThan(all.length);
      expect((await storage.keys(PREFIX)).length).toBeLessThanOrEqual(50);
    });
  });

  it('keeps the order: a plugin disabled, enabled and disabled again within a moment ends as disabled', async () => {
    await use(memoryStorage(), async (kernel) => {
      for (const verb of ['disable', 'enable', 'disable', 'enable', 'disable', 'disable'] as const)
        await kernel.plugins[verb]('test.user');
      const steps = (await kernel.audit.entries({ plugin: 'test.user' })).map(
        ({ topic, count }) => [topic.slice('plugin:'.length), count],
      );
      expect(steps.slice(0, 4)).toEqual([
        ['disabled', 1],
        ['enabled', 1],
        ['disabled', 1],
        ['enabled', 1],
      ]);
      expect(steps.slice(4).every(([step]) => step === 'disabled')).toBe(true);
    });
  });

  it('a flood of denials displaces neither decisions of operators nor attempts of others, and an old head stays valid', async () => {
    const other = pluginOf(
      'test.other',
      `ctx.commands.handle('try', (id) => ctx.commands.execute(id).catch((error) => error.code));`,
    );
    const kernel = await createKernel({
      host: createHost(),
      sources: [packageSource([plugin, other])],
    });
    try {
      await kernel.start();
      await kernel.permissions.grant('test.user', 'commands.execute', 'host:*');
      await kernel.permissions.revoke('test.user', 'commands.execute', 'host:*');
      await kernel.commands.execute('test.other:try', 'host:other');
      const head = await kernel.audit.head();
      for (let round = 0; round < 15; round++) {
        await Promise.all(
          Array.from({ length: 1_000 }, (_, n) => attempt(kernel, `host:a${round}x${n}`)),
        );
        await kernel.audit.head();
      }
      const topics = (await kernel.audit.entries())
        .slice(0, 3)
        .map(({ topic, plugin: by }) => [topic, by]);
      expect(topics).toEqual([
        ['permission:granted', 'test.user'],
        ['permission:revoked', 'test.user'],
        ['permission:denied', 'test.other'],
      ]);
      const tried = await kernel.audit.entries({ plugin: 'test.user', topic: 'permission:denied' });
      expect(tried.reduce((sum, { count }) => sum + count, 0)).toBe(15_000);
      expect(await kernel.audit.verify(head)).toMatchObject({ ok: true });
    } finally {
      await kernel.stop();
    }
  });

  it('repeated temporary grants on request displace no decision of an operator', async () => {
    const asker = pluginOf(
      'test.asker',
      `ctx.commands.handle('ask', async (n) => { for (let i = 0; i < n; i++) await ctx.permissions.request('events.emit', 'app:x' + i, { for: 1 }); });`,
    );
    const kernel = await createKernel({ host: createHost(), sources: [packageSource([asker])] });
    try {
      await kernel.start();
      kernel.permissions.onRequest(() => true);
      await kernel.permissions.grant('test.asker', 'secrets.read', 'key');
      await kernel.commands.execute('test.asker:ask', 600);
      const granted = await kernel.audit.entries({ topic: 'permission:granted' });
      expect(granted[0]).toMatchObject({
        number: 1,
        facts: { permission: 'secrets.read', scope: 'key' },
      });
      expect(granted.length).toBeLessThan(300);
      expect(await kernel.audit.verify()).toMatchObject({ ok: true });
    } finally {
      await kernel.stop();
    }
  });

  it('is complete whenever it is read, even while entries are written', async () => {
    const storage = await persistentStorage();
    await use(storage, async (kernel) => {
      let over = false;
      const writing = (async () => {
        for (let n = 0; !over; n++) await attempt(kernel, `host:${n}`);
      })();
      const verdicts = [];
      for (let n = 0; n < 30; n++)
        verdicts.push(await kernel.audit.verify(await kernel.audit.head()));
      over = true;
      await writing;
      expect(verdicts.filter(({ ok }) => !ok)).toEqual([]);
    });
    await storage.close();
  });

  it('takes entries of the application, reports when they cannot be stored, and cannot be closed from outside', async () => {
    const storage = memoryStorage();
    let full = false;
    const failing: StorageAdapter = {
      ...storage,
      set: async (key, value) =>
        full ? Promise.reject(new Error('no room')) : storage.set(key, value),
      update: async (key, next) =>
        full ? Promise.reject(new Error('no room')) : storage.update(key, next),
    };
    await use(failing, async (kernel) => {
      expect('close' in kernel.audit).toBe(false);
      await kernel.audit.add('order-approved', { by: 'ann', order: 7 }, { plugin: 'test.user' });
      full = true;
      expect((await rejection(kernel.audit.add('order-refused', { order: 8 }))).code).toBe(
        'storage/failed',
      );
      full = false;
      expect(
        (await kernel.audit.entries()).map(({ topic, plugin: about, facts }) => [
          topic,
          about,
          facts,
        ]),
      ).toEqual([
        ['host:order-approved', 'test.user', { by: 'ann', order: 7 }],
        ['host:order-refused', undefined, { order: 8 }],
      ]);
      expect((await kernel.audit.entries({ topic: 'host:order-approved' })).length).toBe(1);
      for (const [what, facts] of [
        ['plugin:installed', {}],
        ['', {}],
        ['x', [] as never],
        ['x', { text: 'x'.repeat(5_000) }],
        ['x', 'no' as never],
      ] as const)
        expect((await rejection(kernel.audit.add(what, facts))).code).toBe('value/invalid');
      expect(await kernel.audit.verify()).toMatchObject({ ok: true, entries: 2 });
    });
  });

  const change =
    (storage: StorageAdapter, how: (entries: AuditEntry[]) => AuditEntry[]) =>
    async (key: string) =>
      storage.update(key, (segment) => ({
        ...(segment as object),
        entries: how([...(segment as { entries: AuditEntry[] }).entries]),
      }));
  it.each<[string, (entries: AuditEntry[]) => AuditEntry[], RegExp]>([
    [
      'changed',
      (entries) => entries.map((entry) => (entry.number === 2 ? { ...entry, facts: {} } : entry)),
      /changed/,
    ],
    ['dropped', (entries) => entries.filter(({ number }) => number !== 2), /missing/],
    [
      'put in',
      (entries) => [...entries.slice(0, 2), entries[1] as AuditEntry, ...entries.slice(2)],
      /missing, or there is one more/,
    ],
    [
      'put in another order',
      (entries) => [entries[1] as AuditEntry, entries[0] as AuditEntry, ...entries.slice(2)],
      /missing/,
    ],
    ['counted otherwise', (entries) => entries.map((entry) => ({ ...entry, count: 7 })), /changed/],
  ])('an entry that is %s is detected', async (_, how, why) => {
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

  it('a truncated end is detected with a stored head', async () => {
    const storage = memoryStorage();
    const head = await use(storage, async (kernel) => {
      for (const id of ['host:a', 'host:b', 'host:c']) await attempt(kernel, id);
      return kernel.audit.head();
    });
    const [key] = await storage.keys(PREFIX);
    await change(storage, (entries) => entries.slice(0, 1))(String(key));
    await use(storage, async (kernel) => {
      expect(await kernel.audit.verify()).toMatchObject({ ok: true });
      expect(await kernel.audit.verify(head)).toMatchObject({
        ok: false,
        why: expect.stringContaining('does not go on'),
      });
    });
  });

  it('a check with a head that is none is refused, as it would find no cut', async () => {
    await use(memoryStorage(), async (kernel) => {
      await attempt(kernel, 'host:a');
      const head = await kernel.audit.head();
      for (const given of [head, { head }, undefined, {}, { head: undefined }])
        expect(await kernel.audit.verify(given)).toMatchObject({ ok: true });
      const { hash } = head;
      for (const wrong of [[], { hash }, { haed: head }, { head: {} }, { head: null }, null, 'x'])
        expect(await rejection(kernel.audit.verify(wrong as never))).toMatchObject({
          code: 'value/invalid',
        });
    });
  });

  it('accepts kernel events only from the kernel', async () => {
    const forger = pluginOf(
      'test.forger',
      `await ctx.events.emit('signature:checked', { plugin: 'test.user', version: '1.0.0', ok: true }).catch(() => {});`,
      {
        permissions: { events: { emit: ['*'] } },
      },
    );
    const kernel = await createKernel({ host: createHost(), sources: [packageSource([forger])] });
    await kernel.start();
    await kernel.events
      .emit('signature:checked', { plugin: 'test.user', version: '1.0.0', ok: true })
      .catch(() => {});
    expect(kernel.plugins.get('test.forger')?.state).toBe('active');
    expect(await kernel.audit.entries({ topic: 'signature:checked' })).toEqual([]);
    await kernel.stop();
  });

  it('continues when it cannot be read, and reports that', async () => {
    const storage = memoryStorage();
    await storage.set(`${PREFIX}0000000000000000`, 'nonsense');
    await use(storage, async (kernel) => {
      await attempt(kernel, 'host:a');
      await kernel.audit.head();
      expect(
        kernel.logger.recent().some(({ message }) => message.includes('audit log cannot be read')),
      ).toBe(true);
      expect((await rejection(kernel.permissions.grant('test.unknown', 'storage.read'))).code).toBe(
        'plugin/not-found',
      );
    });
  });
});
