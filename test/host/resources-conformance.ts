/** Resource limits of plugins: what is counted, and what happens to a plugin that exceeds them. */

import type { Kernel, KernelOptions, ResourcePolicy } from '@plinth/kernel';
import type { PluginError } from '@plinth/sdk';
import { describe, expect, it } from 'vitest';
import { runtime } from '#host';
import { has } from '../matrix/gaps.ts';
import { nextEvent, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf, typedPlugin } from '../support/plugins.ts';

interface Limited {
  readonly plugin: string;
  readonly resource: string;
  readonly step: string;
  readonly used: number;
  readonly limit: number;
  readonly of: string;
}

const events = {
  events: { emit: ['app:*'] },
  commands: { execute: ['app.host:*'] },
  storage: { read: true, write: true },
};
const busy = (id = 'test.busy') =>
  typedPlugin(
    id,
    ({ commands, events, storage }) => {
      const deep = (n: number) => 'x'.repeat(n);
      const emitMany = (count: number) =>
        Promise.all(Array.from({ length: count }, (_, n) => events.emit('app:n', n)));
      commands.handle('emit', async (count: number) => {
        await emitMany(count);
        return count;
      });
      commands.handle('twice', async (count: number) => {
        const first = emitMany(count);
        await new Promise((done) => setTimeout(done, 300));
        await emitMany(count);
        await first;
        return 2 * count;
      });
      commands.handle('flood', () => {
        const flood = async () => {
          for (;;) await events.emit('app:n', 0);
        };
        void flood();
      });
      commands.handle('ask', async (count: number) => {
        const asked = Array.from({ length: count }, () => commands.execute('app.host:wait'));
        const outcomes = await Promise.allSettled(asked);
        return outcomes.map((one) => (one.status === 'fulfilled' ? one.value : one.reason.code));
      });
      commands.handle('say', (length: number) => events.emit('app:n', deep(length)));
      commands.handle('answer', deep);
      commands.handle('letters', async function* (length: number) {
        for (let n = 0; n < 3; n++) yield deep(length);
      });
      commands.handle('never', () => new Promise(() => {}));
      commands.handle('timers', (count: number) => {
        try {
          for (let n = 0; n < count; n++) setTimeout(() => {}, 60_000);
          return 'all';
        } catch (error) {
          return (error as Error).name;
        }
      });
      commands.handle('useTimers', async (count: number) => {
        for (let n = 0; n < count; n++) await new Promise((done) => setTimeout(done, 0));
        clearInterval(setInterval(() => {}, 60_000));
        return 'all';
      });
      commands.handle('store', ([key, length]: [string, number]) =>
        storage.set(key, deep(length)).then(
          () => 'stored',
          ({ code }: PluginError) => code,
        ),
      );
      commands.handle('drop', (key: string) => storage.delete(key));
      commands.handle('ping', () => 'pong');
    },
    { permissions: events },
  );
const call = (kernel: Kernel, command: string, input?: unknown, plugin = 'test.busy') =>
  kernel.commands.execute(`${plugin}:${command}`, input);
const spoken = (kernel: Kernel): Limited[] => {
  const all: Limited[] = [];
  kernel.events.on('resource:limited', ({ payload }) => void all.push(payload));
  return all;
};

const wall = await has('wall');

/** The same in every isolation. */
export function limits(setting: Setting): void {
  const start = (resources: ResourcePolicy, options: KernelOptions = {}) =>
    startKernel(setting, [busy(), busy('test.other')], {
      ...options,
      policy: { ...options.policy, resources },
    });

  describe(`${runtime} ${setting.isolation}: limits`, () => {
    it('messages beyond the rate are delivered later, in order and complete', async () => {
      const kernel = await start({ plugins: { 'test.busy': { messages: 40 } } });
      const steps = spoken(kernel);
      const heard: unknown[] = [];
      kernel.events.on(
        'app:n',
        ({ payload, source }) => void (source === 'test.busy' && heard.push(payload)),
      );
      const begun = performance.now();
      expect(await call(kernel, 'emit', 100)).toBe(100);
      expect(performance.now() - begun).toBeGreaterThan(900);
      expect(heard).toEqual(Array.from({ length: 100 }, (_, n) => n));
      expect(steps.map(({ plugin, resource, step, of }) => [plugin, resource, step, of])).toEqual([
        ['test.busy', 'messages', 'throttled', 'plugin'],
      ]);
      expect(await call(kernel, 'emit', 100, 'test.other')).toBe(100);
    });

    it('time in which this thread was busy does not count as a flood', async () => {
      const kernel = await start({ default: { messages: 60 } });
      const steps = spoken(kernel);
      // The second half is sent while this thread is busy with the first for several seconds.
      kernel.events.once('app:n', () => {
        for (const end = performance.now() + 2_500; performance.now() < end; );
      });
      const sent = call(kernel, 'twice', 50);
      expect(await sent).toBe(100);
      expect(steps.filter(({ step }) => step !== 'warned')).toEqual([]);
    });

    it('a plugin that continues is suspended, with the reason; and ended when that did not help', async () => {
      const kernel = await start(
        { default: { messages: 30 }, patience: 1_000, pause: 400, pauses: 1 },
        { supervision: { backoff: 60_000 } },
      );
      const steps = spoken(kernel);
      const suspended = nextEvent<{ id: string }>(kernel, 'plugin:suspended');
      const ended = nextEvent<{ code: string }>(kernel, 'plugin:crashed');
      await call(kernel, 'flood');
      expect((await suspended).id).toBe('test.busy');
      expect(kernel.plugins.get('test.busy')).toMatchObject({
        state: 'suspended',
        reason: 'limit',
      });
      expect(kernel.plugins.explain('test.busy').because).toMatch(
        /test\.busy is suspended: \d+ messages a second, and 30 is the limit/,
      );
      expect(await rejection(call(kernel, 'ping'))).toMatchObject({
        code: 'plugin/over-limit',
        plugin: 'test.busy',
        retryable: true,
      });
      expect((await ended).code).toBe('guest/over-limit');
      expect(steps.map(({ step }) => step)).toEqual(
        expect.arrayContaining(['throttled', 'suspended', 'ended']),
      );
      const written = (await kernel.audit.entries({ topic: 'resource:limited' })).map(
        ({ facts }) => facts.step,
      );
      expect(written).toEqual(expect.arrayContaining(['throttled', 'suspended', 'ended']));
      expect(await call(kernel, 'ping', undefined, 'test.other')).toBe('pong');
    });

    it('a suspended plugin resumes by itself when it has calmed down', async () => {
      const kernel = await start({ default: { messages: 30 }, patience: 1_000, pause: 100 });
      const resumed = nextEvent<{ id: string }>(kernel, 'plugin:resumed');
      await call(kernel, 'emit', 70).catch(() => {});
      expect((await resumed).id).toBe('test.busy');
      expect(await call(kernel, 'ping')).toBe('pong');
    });

    it('a limited number of its requests are open at once', async () => {
      const kernel = await start({ default: { calls: 10 } });
      const waiting: (() => void)[] = [];
      kernel.commands.handle(
        'app.host:wait',
        () => new Promise<string>((done) => waiting.push(() => done('done'))),
      );
      const asked = call(kernel, 'ask', 25);
      await nextEvent(kernel, 'resource:limited');
      expect(await call(kernel, 'ping')).toBe('pong');
      for (const done of waiting) done();
      const answers = (await asked) as string[];
      expect([
        answers.filter((one) => one === 'done').length,
        answers.filter((one) => one === 'call/overloaded').length,
      ]).toEqual([10, 15]);
    });

    it('a call waits for it a limited time, whatever the caller allows', async () => {
      const kernel = await start({ plugins: { 'test.*': { callTime: 200 } } });
      const error = await rejection(
        kernel.commands.execute('test.busy:never', undefined, { timeout: 60_000 }),
      );
      expect(error).toMatchObject({ code: 'call/timeout', details: { timeout: 200 } });
    });

    it('its messages have a size limit: a request, an answer, an item', async () => {
      const kernel = await start({ default: { messageSize: '10kB' } });
      expect(await rejection(call(kernel, 'say', 20_000))).toMatchObject({ code: 'value/invalid' });
      expect(await rejection(call(kernel, 'answer', 20_000))).toMatchObject({
        code: 'value/invalid',
        plugin: 'test.busy',
      });
      expect(await call(kernel, 'answer', 2_000)).toHaveLength(2_000);
      const lengths = async (length: number) => {
        const all: number[] = [];
        for await (const text of (await call(kernel, 'letters', length)) as AsyncIterable<string>)
          all.push(text.length);
        return all;
      };
      expect(await lengths(100)).toEqual([100, 100, 100]);
      expect(await rejection(lengths(20_000))).toMatchObject({ code: 'value/invalid' });
    });

    it('it has a limited number of timers', async () => {
      const kernel = await start({ plugins: { 'test.busy': { timers: 20 } } });
      expect(await call(kernel, 'useTimers', 100)).toBe('all');
      // One timer may be Vite's own, which connects to its server from every worker.
      expect(await call(kernel, 'timers', 19)).toBe('all');
      expect(await call(kernel, 'timers', 2)).toBe('RangeError');
      expect(await call(kernel, 'timers', 200, 'test.other')).toBe('all');
    });

    it('its log has a limited number of lines per second, and reports the rest', async () => {
      const chatty = pluginOf(
        'test.chatty',
        `ctx.commands.handle('chat', () => { for (let n = 0; n < 50; n++) ctx.logger.info('line ' + n); }); ctx.commands.handle('one', () => 1);`,
      );
      const kernel = await startKernel(setting, [chatty], {
        policy: { resources: { default: { logs: 10 } } },
      });
      await kernel.commands.execute('test.chatty:chat');
      await kernel.commands.execute('test.chatty:one');
      expect(
        kernel.logger.recent('test.chatty').filter(({ message }) => message.startsWith('line')),
      ).toHaveLength(10);
      expect(
        kernel.logger
          .recent('kernel')
          .filter(({ message }) => message.includes('test.chatty is throttled: 11 log entries')),
      ).toHaveLength(1);
    });

    it('a tenant’s plugins together store a limited amount, and deleting frees it', async () => {
      const kernel = await start({ tenant: { storage: '10kB' } });
      expect(await call(kernel, 'store', ['a', 2_000])).toBe('stored');
      expect(await call(kernel, 'store', ['a', 2_500], 'test.other')).toBe('stored');
      expect(await call(kernel, 'store', ['b', 2_000])).toBe('storage/quota');
      expect(await call(kernel, 'drop', 'a', 'test.other')).toBe(true);
      expect(await call(kernel, 'store', ['b', 2_000])).toBe('stored');
      const elsewhere = kernel.tenant('two');
      await elsewhere.start();
      expect(await elsewhere.commands.execute('test.busy:store', ['a', 2_500])).toBe('stored');
    });

    it('a tenant’s plugins together send a limited number of messages, and none is blamed for it', async () => {
      const kernel = await start({ tenant: { messages: 60 }, patience: 1_000 });
      const steps = spoken(kernel);
      expect(
        await Promise.all([call(kernel, 'emit', 50), call(kernel, 'emit', 50, 'test.other')]),
      ).toEqual([50, 50]);
      expect(new Set(steps.map(({ step, of }) => `${step} ${of}`))).toEqual(
        new Set(['throttled tenant']),
      );
    });

    // Untrusted plugins start only behind walls.
    it.skipIf(!wall)('a trust level has its limits; untrusted plugins have defaults', async () => {
      const kernel = await startKernel(setting, [busy(), busy('test.other')], {
        // How soon a guest answers is not what is tested.
        supervision: { timeout: 60_000 },
        policy: {
          trust: [{ level: 'untrusted', plugins: ['test.busy'] }, { level: 'partner' }],
          signatures: { keys: {}, required: 'none' },
          resources: { levels: { partner: { timers: 50 } } },
        },
      });
      expect(await call(kernel, 'timers', 1_000)).toBe('all');
      expect(await call(kernel, 'timers', 1)).toBe('RangeError');
      expect(await call(kernel, 'timers', 40, 'test.other')).toBe('all');
      expect(await call(kernel, 'timers', 20, 'test.other')).toBe('RangeError');
    });
  });
}
