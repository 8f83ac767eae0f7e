/** Policies that a contract or a manifest declares for its commands, and their precedence. */

import { command, contract } from '@plinth/sdk';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { rejection, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

/**
 * A plugin whose contract declares a policy for its one command, which fails as often as it is
 * told.
 */
const shop = (spec: string, contributes: object = {}) =>
  pluginOf(
    'test.shop',
    `let calls = 0, failures = 0; const open = [];
     ctx.provide({ $id: 'test.shop@1', work: { kind: 'command', id: 'test.shop:work', idempotent: true, errors: {}, ...${spec} } }, {
       async work(input) {
         calls += 1;
         if (input === 'wait') await new Promise((go) => open.push(go));
         if (failures > 0) { failures -= 1; throw Object.assign(new Error('again'), {}); }
         return calls;
       },
     });
     ctx.commands.handle('slow', () => new Promise(() => {}));
     ctx.commands.handle('calls', () => calls);
     ctx.commands.handle('release', () => { for (const go of open.splice(0)) go(); });`,
    { contributes: { commands: [{ id: 'work', ...contributes }] } },
  );

for (const setting of [
  { isolation: 'worker', createHost },
  { isolation: 'inline' },
] satisfies Setting[]) {
  describe(`${setting.isolation === 'inline' ? 'inline' : `${runtime} worker`}: policies of contracts`, () => {
    const work = (
      kernel: Awaited<ReturnType<typeof startKernel>>,
      input?: unknown,
      timeout = 5_000,
    ) => kernel.commands.execute('test.shop:work', input, { timeout });

    it('cache, rate and bulkhead of a contract apply', async () => {
      const cached = await startKernel(setting, [shop('{ cache: 60_000 }')]);
      expect([await work(cached, 'a'), await work(cached, 'a'), await work(cached, 'b')]).toEqual([
        1, 1, 2,
      ]);
      const rated = await startKernel(setting, [shop('{ rate: 2 }')]);
      // All in one turn: a rate is per second.
      const [first, second, third] = [work(rated), work(rated), rejection(work(rated))];
      expect([await first, await second]).toEqual([1, 2]);
      expect(await third).toMatchObject({
        code: 'call/rate-limited',
        plugin: 'test.shop',
      });
      const narrow = await startKernel(setting, [shop('{ bulkhead: 1 }')]);
      const held = work(narrow, 'wait');
      await expect.poll(() => narrow.commands.execute('test.shop:calls')).toBe(1);
      expect(await rejection(work(narrow))).toMatchObject({
        code: 'call/overloaded',
        plugin: 'test.shop',
      });
      await narrow.commands.execute('test.shop:release');
      expect(await held).toBe(1);
    });

    it('the manifest overrides the contract, the application overrides both; of limits the lowest applies', async () => {
      const stated = await startKernel(setting, [
        shop('{ cache: 60_000, rate: 100 }', {
          policy: { cache: { ttl: 60_000, size: 1 }, rate: { limit: 3, per: 60_000 } },
        }),
      ]);
      // The cache keeps one answer: the second replaces the first.
      expect([await work(stated, 'a'), await work(stated, 'b'), await work(stated, 'a')]).toEqual([
        1, 2, 3,
      ]);
      expect((await rejection(work(stated, 'b'))).code).toBe('call/rate-limited');
      const breaker = await startKernel(
        setting,
        [shop('{ retry: 3, breaker: true }', { policy: { breaker: { calls: 40 } } })],
        {
          resilience: {
            'test.shop:*': { retry: false, breaker: { calls: 2 } },
            'test.shop:calls': { breaker: false },
          },
        },
      );
      expect(breaker.commands.list().find(({ id }) => id === 'test.shop:work')?.breaker).toBe(
        'closed',
      );
      const capped = await startKernel(
        setting,
        [shop('{ bulkhead: { concurrency: 8, queue: 8 } }')],
        { resilience: { 'test.shop:work': { bulkhead: 1 } } },
      );
      const held = work(capped, 'wait');
      await expect.poll(() => capped.commands.execute('test.shop:calls')).toBe(1);
      expect((await rejection(work(capped))).code).toBe('call/overloaded');
      await capped.commands.execute('test.shop:release');
      await held;
    });

    it('an invalid policy fails the activation and names plugin, member and part', async () => {
      for (const [spec, part] of [
        ['{ cache: -1 }', 'cache'],
        ['{ rate: NaN }', 'rate'],
        ['{ retry: { attempts: 1.5 } }', 'retry'],
        ['{ breaker: { threshold: 2 } }', 'breaker'],
        ['{ bulkhead: Infinity }', 'bulkhead'],
      ] as const) {
        const kernel = await startKernel(setting, [shop(spec)]);
        expect(kernel.plugins.get('test.shop')?.state).toBe('failed');
        expect(kernel.plugins.explain('test.shop').because).toContain(
          `test.shop cannot register test.shop:work: its contract says of '${part}' what makes no sense`,
        );
      }
      const kernel = await startKernel(setting, [shop('{}', { policy: { cash: 5 } })]);
      expect(kernel.plugins.explain('test.shop').because).toContain("'cash' is not a policy");
    });

    it("the host's own contracts declare policies too", async () => {
      const kernel = await startKernel(setting, []);
      const Desk = contract('app.desk@1', { ticket: command({ cache: 60_000 }) });
      let last = 0;
      kernel.provide(Desk, { ticket: () => ++last });
      expect([
        await kernel.client(Desk).ticket('a'),
        await kernel.client(Desk).ticket('a'),
        await kernel.client(Desk).ticket('b'),
      ]).toEqual([1, 1, 2]);
    });
  });
}
