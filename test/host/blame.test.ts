/** Who is at fault: crashes, long tasks and slow calls are told with plugin, command and line. */
import type { KernelOptions } from '@plinth/kernel';
import { describe, expect, it, vi } from 'vitest';
import { createHost, runtime } from '#host';
import { has } from '../matrix/gaps.ts';
import { nextEvent, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { bundleOf, pluginOf } from '../support/plugins.ts';

const profiler = await has('profiler');
const remembers = await has('failing-context');
const setting: Setting = { isolation: 'worker', createHost };
const still: KernelOptions = { supervision: { backoff: 60_000 } };

interface Crash {
  readonly id: string;
  readonly command?: string;
  readonly during?: readonly string[];
  readonly stack?: string;
}

const CODE = `export default {
  activate(ctx) {
    ctx.commands.handle('wait', () => new Promise(() => {}));
    ctx.commands.handle('throw', () => {
      setTimeout(() => {
        throw new RangeError('out of ideas');
      }, 0);
      return new Promise(() => {});
    });
    ctx.commands.handle('reject', () => {
      void Promise.reject(new RangeError('out of luck'));
      return new Promise(() => {});
    });
  },
};`;

describe(`${runtime}: blame`, () => {
  for (const [command, text, line] of [
    ['throw', 'out of ideas', 6],
    ['reject', 'out of luck', 11],
  ] as const)
    it(`names the command and the line of what was not caught: ${command}`, async () => {
      const kernel = await startKernel(setting, [bundleOf('test.faulty', CODE)], still);
      kernel.commands.execute('test.faulty:wait').catch(() => {});
      const crashed = nextEvent<Crash>(kernel, 'plugin:crashed');
      const error = await rejection(kernel.commands.execute(`test.faulty:${command}`));
      expect(error.code).toBe('guest/crashed');
      const crash = await crashed;
      expect(crash.during).toEqual(expect.arrayContaining([`test.faulty:${command}`]));
      // Only a runtime that carries the context of a call knows which of two commands it was.
      if (remembers) expect(crash.command).toBe(`test.faulty:${command}`);
      expect(crash.stack).toContain(text);
      expect(crash.stack).toMatch(new RegExp(`plugin\\.js(\\?\\d+)?:${line}:`));
      const failure = kernel.plugins
        .explain('test.faulty')
        .failures?.find((one) => one.during !== undefined);
      expect(failure).toMatchObject({ code: 'guest/crashed', during: crash.during });
    });

  it('names the only command in progress, in every runtime', async () => {
    const kernel = await startKernel(setting, [bundleOf('test.faulty', CODE)], still);
    const crashed = nextEvent<Crash>(kernel, 'plugin:crashed');
    kernel.commands.execute('test.faulty:throw').catch(() => {});
    expect((await crashed).command).toBe('test.faulty:throw');
  });

  it('tells of handlers and listeners that hold their thread', async () => {
    const busy = 'const end = performance.now() + 80; while (performance.now() < end);';
    const kernel = await startKernel(setting, [
      pluginOf(
        'test.busy',
        `ctx.commands.handle('spin', () => { ${busy} });
         ctx.commands.handle('rest', () => new Promise((done) => setTimeout(done, 80)));
         ctx.events.on('host:news', () => { ${busy} });`,
        { permissions: { events: { subscribe: ['host:*'] } } },
      ),
    ]);
    await kernel.commands.execute('test.busy:rest');
    const first = nextEvent(kernel, 'plugin:long-task');
    await kernel.commands.execute('test.busy:spin');
    expect(await first).toMatchObject({ id: 'test.busy', kind: 'command', name: 'test.busy:spin' });
    const second = nextEvent(kernel, 'plugin:long-task');
    await kernel.events.emit('news', 1);
    expect(await second).toMatchObject({ kind: 'event', name: 'host:news' });
    const { longTasks = [] } = kernel.plugins.explain('test.busy');
    expect(longTasks.map(({ name }) => name)).toEqual(['test.busy:spin', 'host:news']);
    expect(longTasks[0]?.took).toBeGreaterThanOrEqual(79);
  });

  it('tells of the one call of many in a message that holds the thread, and of no quick one', async () => {
    const kernel = await startKernel(setting, [
      pluginOf(
        'test.busy',
        `ctx.commands.handle('spin', (ms) => { const end = performance.now() + ms; while (performance.now() < end); });
         ctx.commands.handle('quick', () => 1);`,
      ),
    ]);
    const told: unknown[] = [];
    kernel.events.on('plugin:long-task', ({ payload }) => told.push(payload.name));
    const spin = (at: number, ms: number) =>
      Promise.all(
        Array.from({ length: 60 }, (_, n) =>
          kernel.commands.execute('test.busy:spin', n === at ? ms : 0),
        ),
      );
    await spin(0, 80);
    expect(told).toEqual(['test.busy:spin']);
    for (const at of [3, 33, 59]) await spin(at, 80);
    await expect.poll(() => told.length).toBe(4);
    // A quick command beside a slow one is not blamed for it.
    await Promise.all(
      Array.from({ length: 60 }, (_, n) =>
        kernel.commands.execute(`test.busy:${n % 2 === 0 ? 'quick' : 'spin'}`, n === 41 ? 80 : 0),
      ),
    );
    await spin(30, 80);
    await expect.poll(() => told.length).toBeGreaterThanOrEqual(5);
    expect(new Set(told)).toEqual(new Set(['test.busy:spin']));
  });

  it('tells of calls that took long, and who waited', async () => {
    const kernel = await startKernel(setting, [
      pluginOf(
        'test.slow',
        `ctx.commands.handle('go', (ms) => new Promise((done) => setTimeout(done, ms)));`,
      ),
    ]);
    await kernel.commands.execute('test.slow:go', 10);
    await kernel.commands.execute('test.slow:go', 1_050);
    expect(kernel.plugins.explain('test.slow').slowCalls).toMatchObject([
      { feature: 'test.slow:go', caller: 'host' },
    ]);
  });
});

describe(`${runtime}: kernel.plugins.profile()`, () => {
  // V8 does not inline a generator. What it has inlined before a profile counts for its caller.
  // So does a long loop that it has optimized in the middle: each call is short.
  const spinning = bundleOf(
    'test.spinning',
    `function* waste() { let sum = 0; for (let n = 0; n < 2e4; n++) sum += n % 7; yield sum; }
     const run = () => { for (let n = 0; n < 1e3; n++) for (const sum of waste()) globalThis.sum = sum; };
     export default { activate(ctx) {
       ctx.commands.handle('start', () => { setInterval(run, 25); });
       ctx.commands.handle('forever', () => { for (;;) run(); });
     } };`,
  );

  it.skipIf(!profiler)('names the function in which a plugin spends its time', async () => {
    const kernel = await startKernel(setting, [spinning]);
    await kernel.commands.execute('test.spinning:start');
    // On a busy machine the thread may get too little time to be sampled.
    const told = await vi.waitFor(
      async () => {
        const profile = await kernel.plugins.profile('test.spinning', { seconds: 0.5 });
        expect(profile.top.map(({ name }) => name)).toContain('waste');
        return profile;
      },
      { timeout: 20_000 },
    );
    const waste = told.top.find(({ name }) => name === 'waste');
    expect(waste).toMatchObject({ line: 1 });
    expect(waste?.self).toBeGreaterThan(0);
    expect(told.busy).toBeGreaterThanOrEqual(waste?.self ?? 0);
    expect((told.profile as { readonly nodes: unknown[] }).nodes.length).toBeGreaterThan(1);
  });

  it.skipIf(!profiler)('profiles a plugin that never returns', async () => {
    const kernel = await startKernel(setting, [spinning], { supervision: false });
    kernel.commands.execute('test.spinning:forever').catch(() => {});
    await vi.waitFor(
      async () => {
        const { top } = await kernel.plugins.profile('test.spinning', { seconds: 0.3 });
        expect(top.map(({ name }) => name)).toContain('waste');
      },
      { timeout: 20_000 },
    );
  });

  it('says why it cannot: no guest, no profiler, no such plugin, no such time', async () => {
    const kernel = await startKernel(setting, [spinning]);
    const { profile } = kernel.plugins;
    for (const seconds of [0, -1, 61, Number.NaN])
      expect((await rejection(profile('test.spinning', { seconds }))).code).toBe(
        'call/invalid-option',
      );
    expect((await rejection(profile('test.none'))).code).toBe('plugin/not-found');
    if (!profiler)
      expect((await rejection(profile('test.spinning', { seconds: 0.1 }))).message).toContain(
        'has no profiler',
      );
    await kernel.plugins.deactivate('test.spinning');
    expect((await rejection(profile('test.spinning', { seconds: 0.1 }))).code).toBe(
      'profile/unavailable',
    );
    const inline = await startKernel({ isolation: 'inline' }, [spinning]);
    expect(
      (await rejection(inline.plugins.profile('test.spinning', { seconds: 0.1 }))).message,
    ).toContain('shares the thread of the application');
  });
});
