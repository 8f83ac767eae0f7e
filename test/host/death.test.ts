/**
 * A guest may end in any way: what waited for it settles with a typed error, its neighbours go on,
 * and it can be started again.
 */

import type { KernelOptions } from '@plinth/kernel';
import { PluginCrashedError, PluginError } from '@plinth/sdk';
import { describe, expect, it } from 'vitest';
import { createBreachedHost, rawExit, runtime } from '#host';
import { has } from '../matrix/gaps.ts';
import { nextEvent, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const setting: Setting = { isolation: 'worker', createHost: createBreachedHost };

/**
 * Ends by every means of its runtime. It allocates small objects: large ones can abort a whole Node
 * process, see docs/isolation.md.
 */
const mortal = (id: string) =>
  pluginOf(
    id,
    `const exit = async () => { ${rawExit}; };
     ctx.commands.handle('wait', () => new Promise(() => {}));
     ctx.commands.handle('ping', () => 'pong');
     ctx.commands.handle('exit', async () => { await exit(); return new Promise(() => {}); });
     ctx.commands.handle('throw', () => { setTimeout(() => { throw new RangeError('uncaught'); }, 0); return new Promise(() => {}); });
     ctx.commands.handle('reject', () => { Promise.reject(new TypeError('unhandled')); return new Promise(() => {}); });
     ctx.commands.handle('spin', () => { for (;;); });
     ctx.commands.handle('oom', () => { let chain; for (;;) chain = { chain }; });
     ctx.commands.handle('drain', async () => { Object.rawThreads.parentPort.unref(); });
     ctx.commands.handle('flood', async () => { for (let n = 0; n < 20_000; n++) ctx.events.emit('noise', n).catch(() => {}); return 'flooded'; });`,
    { resources: { memory: '64MB' } },
  );
const neighbour = pluginOf('test.neighbour', `ctx.commands.handle('ping', () => 'pong');`);

const heapLimit = await has('heap-limit');
const drains = await has('drained-loop');

describe(`${runtime} worker: death`, () => {
  const start = (options?: KernelOptions) =>
    startKernel(setting, [mortal('test.mortal'), neighbour], options);

  const causes: readonly (readonly [string, string, RegExp])[] = [
    ['exit', 'guest/exited', /ended by itself/],
    ['throw', 'guest/crashed', /uncaught/],
    ['reject', 'guest/crashed', /unhandled/],
  ];
  for (const [cause, code, message] of causes) {
    it(`${cause}: every pending call settles with ${code}, the kernel reports it, and activate() starts it again`, async () => {
      const kernel = await start();
      const crashed = nextEvent(kernel, 'plugin:crashed');
      const pending = [1, 2, 3].map(() => rejection(kernel.commands.execute('test.mortal:wait')));
      const last = rejection(kernel.commands.execute(`test.mortal:${cause}`));
      for (const error of await Promise.all([...pending, last])) {
        expect(error).toBeInstanceOf(PluginCrashedError);
        expect(error).toMatchObject({ code, plugin: 'test.mortal', retryable: true });
        expect(error.message).toMatch(message);
      }
      expect(await crashed).toMatchObject({ id: 'test.mortal', code });
      expect(kernel.plugins.explain('test.mortal')).toMatchObject({
        state: 'failed',
        running: false,
        error: { code, stage: 'run' },
      });
      expect(await kernel.commands.execute('test.neighbour:ping')).toBe('pong');
      expect(kernel.commands.has('test.mortal:ping')).toBe(false);
      await kernel.plugins.activate('test.mortal');
      expect(await kernel.commands.execute('test.mortal:ping')).toBe('pong');
    });
  }

  it('spin: the neighbour keeps answering, deactivate() ends the guest and settles its calls', async () => {
    const kernel = await start();
    const spinning = rejection(kernel.commands.execute('test.mortal:spin'));
    expect(
      (await rejection(kernel.commands.execute('test.mortal:ping', undefined, { timeout: 100 })))
        .code,
    ).toBe('call/timeout');
    for (let n = 0; n < 20; n++)
      expect(await kernel.commands.execute('test.neighbour:ping')).toBe('pong');
    await kernel.plugins.deactivate('test.mortal', { drain: 100 });
    expect(await spinning).toBeInstanceOf(PluginError);
    await kernel.plugins.activate('test.mortal');
    expect(await kernel.commands.execute('test.mortal:ping')).toBe('pong');
  });

  it('flood: the neighbour keeps answering and nothing is lost', async () => {
    const kernel = await start();
    let heard = 0;
    kernel.events.on('test.mortal:noise', () => heard++);
    const flood = kernel.commands.execute('test.mortal:flood');
    for (let n = 0; n < 20; n++)
      expect(await kernel.commands.execute('test.neighbour:ping')).toBe('pong');
    expect(await flood).toBe('flooded');
    expect(await kernel.commands.execute('test.mortal:ping')).toBe('pong');
    // A link takes 1 024 frames in flight and 8 192 waiting. Beyond that the emitter gets an error
    // at once.
    expect(heard).toBeGreaterThan(0);
    expect(heard).toBeLessThanOrEqual(1_024 + 8_192);
  });

  it.skipIf(!heapLimit)(
    'out of memory: the guest ends with guest/out-of-memory and the host lives',
    async () => {
      // A guest that fills its memory slowly is silent meanwhile.
      const kernel = await start({ supervision: { timeout: Number.POSITIVE_INFINITY } });
      const error = await rejection(
        kernel.commands.execute('test.mortal:oom', undefined, { timeout: 55_000 }),
      );
      expect(error).toBeInstanceOf(PluginCrashedError);
      expect(error.code).toBe('guest/out-of-memory');
      expect(await kernel.commands.execute('test.neighbour:ping')).toBe('pong');
    },
  );

  it.skipIf(!drains)('an empty event loop ends the guest and settles what waits', async () => {
    const kernel = await start();
    const waiting = rejection(kernel.commands.execute('test.mortal:wait'));
    await kernel.commands.execute('test.mortal:drain').catch(() => {});
    expect(await waiting).toMatchObject({ code: 'guest/exited' });
  });

  it('a guest that ends during activation is a failure that names the cause', async () => {
    const kernel = await startKernel(setting, [
      pluginOf('test.short', `${rawExit}; await new Promise(() => {});`),
      neighbour,
    ]);
    expect(kernel.plugins.explain('test.short')).toMatchObject({
      state: 'failed',
      error: { stage: 'activate' },
    });
    expect(kernel.plugins.explain('test.short').because).toContain('ended by itself');
    expect(await kernel.commands.execute('test.neighbour:ping')).toBe('pong');
  });

  it('callers in other guests get the error too', async () => {
    const kernel = await startKernel(setting, [
      mortal('test.mortal'),
      pluginOf(
        'test.caller',
        `ctx.commands.handle('go', async () => { try { await ctx.commands.execute('test.mortal:exit'); } catch (error) { return [error.name, error.code, error.stack.includes('guest-connection')]; } });`,
        {
          permissions: { commands: { execute: ['test.mortal:*'] } },
        },
      ),
    ]);
    expect(await kernel.commands.execute('test.caller:go')).toEqual([
      'PluginCrashedError',
      'guest/exited',
      false,
    ]);
  });
});
