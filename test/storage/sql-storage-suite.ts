/** What `sqlStorage()` guarantees on each database, beside what every storage does. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createKernel, type Kernel, packageSource, type StorageAdapter } from '@plinth/kernel';
import type { PluginError } from '@plinth/sdk';
import { type SqlPlace, sqlStorage } from '@plinth/sql/storage';
import { describe, expect, it, onTestFinished } from 'vitest';
import { keep, rejection } from '../support/kernels.ts';
import { crashRepeatedly } from './file-crash.ts';
import { storageSuite } from './storage-suite.ts';

/** A database under test. */
export interface Database {
  /** A place that nothing else uses. */
  newPlace(): Promise<SqlPlace>;
  /** Runs a statement from outside, as an operator would. `@` is before the names of tables. */
  outside(place: SqlPlace, sql: string): Promise<readonly Record<string, unknown>[]>;
}

const counter = fileURLToPath(new URL('counter.ts', import.meta.url));
const increment = (count: unknown) => ((count as number | undefined) ?? 0) + 1;

/** Opens the storage of a place until the test ends. */
export function opened(place: SqlPlace): Required<StorageAdapter> {
  const storage = sqlStorage(place);
  onTestFinished(() => storage.close());
  return storage;
}

export function sqlStorageSuite(name: string, { newPlace, outside }: Database): void {
  storageSuite(
    name,
    async (place) => sqlStorage(place === undefined ? await newPlace() : JSON.parse(place)),
    async () => JSON.stringify(await newPlace()),
  );

  describe(`${name}: sqlStorage()`, () => {
    it('loses no change of processes that change one key at the same time', async () => {
      const place = await newPlace();
      const run = promisify(execFile);
      const [times, processes] = [100, 3];
      await Promise.all(
        Array.from({ length: processes }, () =>
          run(process.execPath, [counter, JSON.stringify(place), String(times)]),
        ),
      );
      expect(await opened(place).get('count')).toBe(times * processes);
    });

    it('loses no acknowledged write and tears none when its process is killed', async () => {
      const place = JSON.stringify(await newPlace());
      const report = await crashRepeatedly(4, () => place);
      expect(report.problems).toEqual([]);
      expect(report.acknowledged).toBeGreaterThanOrEqual(4);
    });

    it('lets another storage see a write once it is acknowledged', async () => {
      const place = await newPlace();
      const [one, other] = [opened(place), opened(place)];
      await one.set('a', { n: 1 });
      expect([await other.get('a'), await other.keys('')]).toEqual([{ n: 1 }, ['a']]);
      await other.delete('a');
      expect(await one.get('a')).toBeUndefined();
    });

    it('sets a damaged value aside, reports it once, and goes on', async () => {
      const place = await newPlace();
      const storage = opened(place);
      await storage.set('kept', 1);
      await storage.set('damaged', 'a text');
      await storage.close();
      await outside(place, `update @plinth_storage set digest = value where length(value) > 6`);
      const again = opened(place);
      const problems: PluginError[] = [];
      again.onCorrupt((problem) => problems.push(problem));
      expect([await again.get('damaged'), await again.get('damaged')]).toEqual([
        undefined,
        undefined,
      ]);
      expect([await again.get('kept'), await again.keys('')]).toEqual([1, ['kept']]);
      expect(problems.map(({ code }) => code)).toEqual(['storage/corrupt']);
      expect(await outside(place, 'select 1 from @plinth_storage_corrupt')).toHaveLength(1);
      await again.update('damaged', increment);
      expect(await again.get('damaged')).toBe(1);
    });

    it('counts what a value costs before it is written as after a restart', async () => {
      const place = await newPlace();
      const storage = opened(place);
      const values = { small: 1, text: 'ü'.repeat(1_000), bytes: new Uint8Array(5_000) };
      const costs = new Map<string, number>();
      for (const [key, value] of Object.entries(values)) {
        costs.set(key, storage.cost(key, value));
        await storage.set(key, value);
      }
      await storage.close();
      expect(await opened(place).sizes('')).toEqual(costs);
    });

    it('refuses a key that no index takes, and keeps the rest', async () => {
      const storage = opened(await newPlace());
      expect((await rejection(storage.set('k'.repeat(2_000), 1))).code).toBe('storage/invalid-key');
      await storage.set('k'.repeat(1_200), 1);
      expect(await storage.get('k'.repeat(1_200))).toBe(1);
    });

    it('keeps what a clear was not about, and what is written after it', async () => {
      const storage = opened(await newPlace());
      await storage.set('a1', 1);
      const all = [
        storage.set('a2', 2),
        storage.set('b', 3),
        storage.clear('a'),
        storage.set('a3', 4),
        storage.update('a1', increment),
      ];
      await Promise.all(all);
      const keys = [...(await storage.keys(''))].sort();
      expect(keys).toEqual(['a1', 'a3', 'b']);
      expect(await Promise.all(keys.map((key) => storage.get(key)))).toEqual([1, 4, 3]);
    });

    it('is the storage of two kernels at the same time, which see what plugins write', async () => {
      const place = await newPlace();
      const start = async (): Promise<Kernel> => {
        const kernel = keep(
          await createKernel({
            isolation: 'inline',
            telemetry: { log: false },
            storage: sqlStorage(place),
            sources: [
              packageSource([
                {
                  manifest: {
                    id: 'test.count',
                    version: '1.0.0',
                    main: 'plugin.js',
                    engines: { plinth: '*' },
                    permissions: { storage: { read: true, write: true } },
                  },
                  plugin: {
                    activate(ctx) {
                      ctx.commands.handle('add', async () => {
                        await ctx.storage.update('n', increment);
                        return ctx.storage.get('n');
                      });
                    },
                  },
                },
              ]),
            ],
          }),
        );
        await kernel.start();
        return kernel;
      };
      const [one, two] = [await start(), await start()];
      const add = (kernel: Kernel) => kernel.commands.execute('test.count:add');
      for (let at = 0; at < 10; at += 1) await Promise.all([add(one), add(two)]);
      expect(await add(one)).toBe(21);
      expect((await one.health()).problems).toEqual([]);
      await one.stop();
      expect(await add(two)).toBe(22);
    });
  });
}
