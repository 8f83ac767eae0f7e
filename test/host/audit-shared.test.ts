/** The audit of kernels over one storage, as in two tabs of a page: one log, without a loss. */
import { createKernel, type Kernel, memoryStorage, packageSource } from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { createHost, persistentStorage, runtime } from '#host';
import { pluginOf } from '../support/plugins.ts';
import { outliving } from '../support/storages.ts';

const plugin = pluginOf(
  'test.user',
  `ctx.commands.handle('try', (id) => ctx.commands.execute(id).catch((error) => error.code));`,
);

const STORAGES = { memory: async () => memoryStorage(), persistent: persistentStorage };

describe.each(Object.entries(STORAGES))(
  `${runtime}: two kernels over one storage: %s`,
  (_, open) => {
    /** Runs two kernels at once, and one after them. */
    async function withTwo(
      audit: object,
      work: (one: Kernel, other: Kernel) => Promise<void>,
      after: (later: Kernel) => Promise<void>,
    ): Promise<void> {
      const storage = outliving(await open());
      const start = async () => {
        const kernel = await createKernel({
          ...{ host: createHost(), storage, audit },
          sources: [packageSource([plugin])],
        });
        await kernel.start();
        return kernel;
      };
      const [one, other] = await Promise.all([start(), start()]);
      try {
        await work(one, other);
        for (const kernel of [one, other])
          expect(await kernel.audit.verify()).toMatchObject({ ok: true });
      } finally {
        await Promise.all([one.stop(), other.stop()]);
      }
      const later = await start();
      try {
        expect(await later.audit.verify()).toMatchObject({ ok: true });
        await after(later);
      } finally {
        await later.stop();
      }
    }

    it('finds a chain that another one has begun, filled and cut before', async () => {
      const count = 1_200;
      await withTwo(
        { retain: { entries: 800 } },
        async (one, other) => {
          for (let first = 0; first < count; first += 100)
            await Promise.all(
              numbers(100).map((at) => other.audit.add('other', { at: first + at })),
            );
          await one.audit.add('one', { at: 0 });
          await other.audit.add('other', { at: count });
          expect(await one.audit.verify(await other.audit.head())).toMatchObject({
            ok: true,
            pin: 'held',
          });
        },
        async (later) => {
          expect(await told(later, 'host:one')).toEqual([0]);
          expect((await told(later, 'host:other')).at(-1)).toBe(count);
        },
      );
    });

    const told = async (kernel: Kernel, topic: `host:${string}`) =>
      (await kernel.audit.entries({ topic })).map(({ facts }) => facts.at);
    const numbers = (count: number) => Array.from({ length: count }, (_, at) => at);

    it('keeps the entries of both, also those of the same plugin at the same time', async () => {
      await withTwo(
        {},
        async (one, other) => {
          for (const at of numbers(10))
            await Promise.all([
              one.audit.add('one', { at }),
              other.audit.add('other', { at }),
              one.commands.execute('test.user:try', `host:a${at}`),
              other.commands.execute('test.user:try', `host:b${at}`),
            ]);
          expect(await told(other, 'host:one')).toEqual(numbers(10));
        },
        async (later) => {
          expect(await told(later, 'host:one')).toEqual(numbers(10));
          expect(await told(later, 'host:other')).toEqual(numbers(10));
          const tries = await later.audit.entries({ topic: 'permission:denied' });
          expect(tries.map(({ facts }) => String(facts.scope)).sort()).toEqual(
            numbers(10)
              .flatMap((at) => [`host:a${at}`, `host:b${at}`])
              .sort(),
          );
        },
      );
    });

    it('goes on in the next part, wherever the other one has begun it', async () => {
      const count = 700;
      await withTwo(
        {},
        async (one, other) => {
          await Promise.all([
            ...numbers(count).map((at) => one.audit.add('one', { at })),
            ...numbers(count).map((at) => other.audit.add('other', { at })),
          ]);
        },
        async (later) => {
          expect(await told(later, 'host:one')).toEqual(numbers(count));
          expect(await told(later, 'host:other')).toEqual(numbers(count));
          let lines = 0;
          for await (const line of later.audit.export()) lines += line.includes('"host:o') ? 1 : 0;
          expect(lines).toBe(2 * count);
        },
      );
    });

    it('drops what is retained no longer, though another one has written behind it', async () => {
      const count = 1_200;
      await withTwo(
        { retain: { entries: 800 } },
        async (one, other) => {
          await one.audit.add('one', { at: -1 });
          for (let first = 0; first < count; first += 100)
            await Promise.all(
              numbers(100).map((at) => other.audit.add('other', { at: first + at })),
            );
          await one.audit.add('one', { at: 0 });
          await other.audit.add('other', { at: count });
        },
        async (later) => {
          expect(await told(later, 'host:one')).toEqual([0]);
          expect((await told(later, 'host:other')).at(-1)).toBe(count);
          expect((await told(later, 'host:other')).length).toBeLessThan(1_000);
        },
      );
    });
  },
);

it(`${runtime}: an audit goes on with the next entry when its storage could not be read for a moment`, async () => {
  const inner = memoryStorage();
  let fails = false;
  const storage = outliving({
    ...inner,
    async get(key) {
      if (fails && key.includes('\0audit\0'))
        throw Object.assign(new Error('the connection is lost'), { code: 'storage/failed' });
      return inner.get(key);
    },
  });
  const start = async () => {
    const kernel = await createKernel({ host: createHost(), storage });
    await kernel.start();
    return kernel;
  };
  const [one, other] = [await start(), await start()];
  try {
    await one.audit.add('one', { at: 0 });
    await other.audit.add('other', { at: 1 });
    fails = true;
    await expect(one.audit.add('one', { at: 2 })).rejects.toMatchObject({ code: 'storage/failed' });
    fails = false;
    await one.audit.add('one', { at: 3 });
    expect(await one.audit.verify()).toMatchObject({ ok: true });
    expect((await other.audit.entries()).map(({ facts }) => facts.at)).toEqual([0, 1, 2, 3]);
  } finally {
    await Promise.all([one.stop(), other.stop()]);
  }
});
