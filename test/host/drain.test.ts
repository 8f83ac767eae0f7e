/**
 * Graceful stop: calls in flight finish within a bound, new ones are refused, and then the plugin
 * ends.
 */

import { type Kernel, memoryStorage } from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { rejection, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf, typedPlugin } from '../support/plugins.ts';

/** Works until the host opens the gate, and uses its storage after that. */
const slow = typedPlugin(
  'test.slow',
  ({ commands, storage }) => {
    commands.handle('work', async (input) => {
      await commands.execute('host:gate');
      await storage.set('last', input);
      return `done ${await storage.get('last')}`;
    });
    commands.handle('count', async function* () {
      yield 1;
      await commands.execute('host:gate');
      yield 2;
    });
  },
  { permissions: { commands: { execute: ['host:*'] }, storage: { read: true, write: true } } },
);
/** Makes it work on behalf of others. */
const asks = pluginOf(
  'test.asks',
  `ctx.commands.handle('ask', (input, call) => ctx.commands.execute('test.slow:work', input, { call }));`,
  {
    permissions: { commands: { execute: ['test.slow:*', 'host:*'] } },
  },
);

/** A gate, and how many handlers wait at it. */
function gateOf(kernel: Kernel): { readonly waiting: () => number; open(): void } {
  const waiting: (() => void)[] = [];
  kernel.commands.handle('gate', () => new Promise<void>((resolve) => waiting.push(resolve)));
  return {
    waiting: () => waiting.length,
    open: () => {
      for (const go of waiting.splice(0)) go();
    },
  };
}

for (const setting of [
  { isolation: 'worker', createHost },
  { isolation: 'inline' },
] satisfies Setting[]) {
  describe(`${setting.isolation === 'inline' ? 'inline' : `${runtime} worker`}: draining`, () => {
    for (const way of ['deactivate', 'disable', 'uninstall'] as const) {
      it(`${way}() lets calls in flight finish, and refuses new ones`, async () => {
        const kernel = await startKernel(setting, [slow, asks]);
        const gate = gateOf(kernel);
        const answers = [
          kernel.commands.execute('test.slow:work', 'own'),
          kernel.commands.execute('test.asks:ask', 'theirs'),
        ];
        await expect.poll(gate.waiting).toBe(2);
        const over = kernel.plugins[way]('test.slow', { drain: 30_000 });
        await expect.poll(() => kernel.commands.has('test.slow:work')).toBe(false);
        expect((await rejection(kernel.commands.execute('test.slow:work', 'late'))).code).toMatch(
          /^plugin\/unavailable$/,
        );
        gate.open();
        expect(
          (await Promise.all(answers)).map(String).every((answer) => answer.startsWith('done ')),
        ).toBe(true);
        await over;
        expect(kernel.plugins.get('test.slow')?.state).toBe(
          way === 'uninstall' ? undefined : 'unloaded',
        );
      });
    }

    it('calls that exceed the bound are ended; 0 ends them at once', async () => {
      for (const drain of [50, 0]) {
        const kernel = await startKernel(setting, [slow]);
        const gate = gateOf(kernel);
        const answer = rejection(kernel.commands.execute('test.slow:work', 1));
        await expect.poll(gate.waiting).toBe(1);
        await kernel.plugins.deactivate('test.slow', { drain });
        expect((await answer).code).toMatch(/^(plugin\/unavailable|guest\/terminated)$/);
      }
    });

    it('without an explicit bound, calls may take limits.swap, and streams are not waited for', async () => {
      const kernel = await startKernel(setting, [slow], { limits: { swap: 60_000 } });
      const gate = gateOf(kernel);
      const stream = (await kernel.commands.execute('test.slow:count')) as AsyncIterable<number>;
      const items = stream[Symbol.asyncIterator]();
      expect((await items.next()).value).toBe(1);
      const answer = kernel.commands.execute('test.slow:work', 1);
      await expect.poll(gate.waiting).toBe(2);
      const over = kernel.plugins.deactivate('test.slow');
      await expect.poll(() => kernel.commands.has('test.slow:work')).toBe(false);
      gate.open();
      expect(await answer).toBe('done 1');
      await over;
    });

    it('with an explicit bound, streams may be read to their end', async () => {
      const kernel = await startKernel(setting, [slow]);
      const gate = gateOf(kernel);
      const stream = (await kernel.commands.execute('test.slow:count')) as AsyncIterable<number>;
      const items = stream[Symbol.asyncIterator]();
      expect((await items.next()).value).toBe(1);
      await expect.poll(gate.waiting).toBe(1);
      const over = kernel.plugins.deactivate('test.slow', { drain: 30_000 });
      gate.open();
      expect((await items.next()).value).toBe(2);
      expect((await items.next()).done).toBe(true);
      await over;
    });

    it('stop() lets calls in flight and their nested calls finish, and accepts no new ones', async () => {
      const kernel = await startKernel(setting, [slow, asks]);
      const gate = gateOf(kernel);
      const answer = kernel.commands.execute('test.asks:ask', 1);
      await expect.poll(gate.waiting).toBe(1);
      const stopping = kernel.stop({ drain: 30_000 });
      expect((await rejection(kernel.commands.execute('test.slow:work', 2))).code).toBe(
        'kernel/stopped',
      );
      gate.open();
      expect(await answer).toBe('done 1');
      await stopping;
    });

    it('stop() ends calls that take longer', async () => {
      const kernel = await startKernel(setting, [slow]);
      const gate = gateOf(kernel);
      const answer = rejection(kernel.commands.execute('test.slow:work', 1));
      await expect.poll(gate.waiting).toBe(1);
      await kernel.stop({ drain: 20 });
      expect((await answer).code).toMatch(
        /^(plugin\/unavailable|guest\/terminated|kernel\/stopped)$/,
      );
    });

    it('stop() ends although the storage never closes, and logs that', async () => {
      const logged: string[] = [];
      const storage = { ...memoryStorage(), close: () => new Promise<void>(() => {}) };
      const kernel = await startKernel(setting, [], {
        storage,
        limits: { open: 50 },
        telemetry: { log: ({ message }) => void logged.push(message) },
      });
      await kernel.stop();
      expect(logged).toContain('the storage could not close: it did not end within 50 ms');
    });

    it('stop() leaves a storage open that another kernel uses, and the last one closes it', async () => {
      let closed = 0;
      const kept = memoryStorage();
      const storage = {
        ...kept,
        async close() {
          closed += 1;
          await kept.close();
        },
      };
      const [one, other] = [
        await startKernel(setting, [], { storage }),
        await startKernel(setting, [slow], { storage }),
      ];
      await one.stop();
      expect(closed).toBe(0);
      const gate = gateOf(other);
      const answer = other.commands.execute('test.slow:work', 1);
      await expect.poll(gate.waiting).toBe(1);
      gate.open();
      expect(await answer).toBe('done 1');
      await other.stop();
      expect(closed).toBe(1);
    });

    it('an invalid bound is refused and changes nothing', async () => {
      const kernel = await startKernel(setting, [slow]);
      for (const drain of [Number.NaN, -1, 'soon' as unknown as number]) {
        for (const asked of [
          kernel.stop({ drain }),
          kernel.plugins.deactivate('test.slow', { drain }),
          kernel.plugins.uninstall('test.slow', { drain }),
        ]) {
          expect(await rejection(asked)).toMatchObject({
            code: 'kernel/invalid-option',
            message: expect.stringContaining("'drain'"),
          });
        }
      }
      expect(kernel.plugins.get('test.slow')?.state).toBe('active');
    });
  });
}
