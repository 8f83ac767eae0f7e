/**
 * Direct lanes: the same calls with one hop less, closed whenever the kernel decides. For guests
 * that take ports.
 */
import type { Kernel, KernelOptions } from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { nextEvent, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const provider = pluginOf(
  'test.provider',
  `const seen = [];
   ctx.commands.handle('echo', (value) => value);
   ctx.commands.handle('note', (n) => { seen.push(n); });
   ctx.commands.handle('seen', () => seen.splice(0));
   ctx.commands.handle('who', (_, call) => ({ caller: call.caller, requestId: call.requestId, tenant: call.tenant, left: call.deadline - Date.now() }));
   ctx.commands.handle('fail', () => { throw Object.assign(new RangeError('no'), { code: 'E_NO' }); });
   ctx.commands.handle('hang', (_, call) => new Promise((_, reject) => { aborted = 0; call.signal.addEventListener('abort', () => { aborted += 1; reject(call.signal.reason); }); }));
   let aborted = 0;
   ctx.commands.handle('aborted', () => aborted);
   ctx.commands.handle('count', async function* (to) { for (let n = 0; n < to; n++) yield n; });
   ctx.commands.handle('spin', (ms) => { const end = Date.now() + ms; while (Date.now() < end); });
   let redo = ctx.commands.handle('redo', () => 1);
   ctx.commands.handle('again', () => { redo.dispose(); redo = ctx.commands.handle('redo', () => 2); });
   ctx.commands.handle('quit', () => { setTimeout(() => { throw new Error('gone'); }, 0); return new Promise(() => {}); });`,
);
const caller = pluginOf(
  'test.caller',
  `const call = (name, input, options) => ctx.commands.execute('test.provider:' + name, input, options);
   ctx.commands.handle('many', async (count) => { const answers = await Promise.all(Array.from({ length: count }, (_, n) => call('echo', { n, text: 'x' }))); return answers.every((answer, n) => answer.n === n && answer.text === 'x'); });
   ctx.commands.handle('call', ([name, input, options]) => call(name, input, options));
   ctx.commands.handle('settle', async ([name, input, options]) => { try { return { value: await call(name, input, options) }; } catch (e) { return { class: e.name, message: e.message, code: e.code, plugin: e.plugin }; } });
   ctx.commands.handle('cancel', async () => { const c = new AbortController(); const p = call('hang', 1, { signal: c.signal }); setTimeout(() => c.abort(), 5); try { await p; } catch (e) { return e.code; } });
   ctx.commands.handle('aborted', async () => { try { return await call('echo', 1, { signal: AbortSignal.abort() }); } catch (e) { return e.code; } });
   ctx.commands.handle('hoard', async () => { const items = (await call('count', 1_000))[Symbol.asyncIterator](); await items.next(); });
   ctx.commands.handle('order', async (count) => { const waiting = []; for (let n = 0; n < count; n++) { waiting.push(call('note', n)); if (n % 50 === 0) await new Promise((r) => setTimeout(r, 0)); } await Promise.all(waiting); });
   ctx.commands.handle('sum', async (to) => { let sum = 0; for await (const n of await call('count', to)) sum += n; return sum; });
   ctx.commands.handle('move', async () => { const data = new ArrayBuffer(64); const value = { data }; Object.defineProperty(value, Symbol.for('plinth.transfer'), { value: [data], configurable: true }); const answer = await call('echo', value); return [data.byteLength, answer.data.byteLength]; });`,
  { permissions: { commands: { execute: ['test.provider:*'] } } },
);

export function lanesConformance(name: string, setting: Setting): void {
  const start = (options: KernelOptions = {}) =>
    startKernel(setting, [provider, caller], {
      lanes: { calls: 20 },
      supervision: false,
      ...options,
    });
  /** A kernel whose two plugins have a lane. */
  const startWithLane = async () => {
    const kernel = await start();
    const opened = nextEvent(kernel, 'lane:opened');
    expect(await kernel.commands.execute('test.caller:many', 50)).toBe(true);
    expect(await opened).toEqual({ caller: 'test.caller', provider: 'test.provider' });
    // Once a call that waited for the fence is answered, the fence has passed.
    expect(await kernel.commands.execute('test.caller:many', 5)).toBe(true);
    return kernel;
  };
  const laneCalls = (kernel: Kernel) => kernel.metrics.snapshot().laneCalls;

  describe(`${name}: direct lanes`, () => {
    it('open for a pair that calls often, and calls over them are counted', async () => {
      const kernel = await startWithLane();
      const before = kernel.metrics.snapshot();
      expect(await kernel.commands.execute('test.caller:many', 500)).toBe(true);
      await expect
        .poll(() => kernel.metrics.snapshot().commands['test.provider:echo']?.calls, {
          interval: 5,
        })
        .toBe(555);
      const after = kernel.metrics.snapshot();
      expect(after.laneCalls - before.laneCalls).toBeGreaterThanOrEqual(500);
      // The host's own call, and the reported ones.
      expect(after.calls - before.calls).toBe(1 + after.laneCalls - before.laneCalls);
    });

    it('keep the order of a caller while they open, and while they drain', async () => {
      const kernel = await start();
      const opened = nextEvent(kernel, 'lane:opened');
      await kernel.commands.execute('test.caller:order', 400);
      await opened;
      expect(await kernel.commands.execute('test.provider:seen')).toEqual(
        Array.from({ length: 400 }, (_, n) => n),
      );
      const closed = nextEvent(kernel, 'lane:closed');
      const running = kernel.commands.execute('test.caller:order', 2_000);
      await new Promise((resolve) => setTimeout(resolve, 5));
      let wrapped = 0;
      kernel.middleware.use('command:test.provider:*', (_, next) => {
        wrapped += 1;
        return next();
      });
      await running;
      await closed;
      expect(await kernel.commands.execute('test.provider:seen')).toEqual(
        Array.from({ length: 2_000 }, (_, n) => n),
      );
      expect(wrapped).toBeGreaterThan(0);
    });

    it('give the provider the caller that the kernel knows', async () => {
      const kernel = await startWithLane();
      const who = (await kernel.commands.execute('test.caller:call', ['who'])) as {
        caller: object;
        requestId: string;
        tenant: string;
        left: number;
      };
      expect(who).toMatchObject({
        caller: { kind: 'plugin', id: 'test.caller', version: '1.0.0' },
        tenant: 'tenant-0',
      });
      expect(who.requestId).toMatch(/^[0-9a-f]{8}-\w+$/);
      expect(who.left).toBeGreaterThan(20_000);
    });

    it('carry errors, deadlines, cancels, streams and transfers like every other call', async () => {
      const kernel = await startWithLane();
      expect(await kernel.commands.execute('test.caller:settle', ['fail'])).toMatchObject({
        class: 'RangeError',
        message: 'no',
        code: 'E_NO',
      });
      expect(
        await kernel.commands.execute('test.caller:settle', ['hang', 1, { timeout: 20 }]),
      ).toMatchObject({
        class: 'PluginTimeoutError',
        code: 'call/timeout',
        plugin: 'test.provider',
      });
      await expect.poll(() => kernel.commands.execute('test.provider:aborted')).toBe(1);
      expect(await kernel.commands.execute('test.caller:cancel')).toBe('call/cancelled');
      await expect.poll(() => kernel.commands.execute('test.provider:aborted')).toBe(1);
      expect(await kernel.commands.execute('test.caller:sum', 100)).toBe(4_950);
      expect(await kernel.commands.execute('test.caller:move')).toEqual([0, 64]);
      expect(
        await kernel.commands.execute('test.caller:settle', ['echo', { when: new Date(5) }]),
      ).toEqual({ value: { when: new Date(5) } });
    });

    it('end with the provider: calls on them settle typed, and later calls give the reason', async () => {
      const kernel = await startWithLane();
      const closed = nextEvent(kernel, 'lane:closed');
      expect(await kernel.commands.execute('test.caller:settle', ['quit'])).toMatchObject({
        code: 'guest/crashed',
        plugin: 'test.provider',
      });
      expect(await closed).toMatchObject({ caller: 'test.caller', provider: 'test.provider' });
      expect(await kernel.commands.execute('test.caller:settle', ['echo', 1])).toMatchObject({
        code: 'plugin/unavailable',
      });
      await kernel.plugins.activate('test.provider');
      expect(await kernel.commands.execute('test.caller:many', 5)).toBe(true);
    });

    it("end with the caller: the handler's signal aborts", async () => {
      const kernel = await startWithLane();
      void kernel.commands.execute('test.caller:settle', ['hang']).catch(() => {});
      await kernel.commands.execute('test.caller:many', 1);
      await kernel.plugins.deactivate('test.caller');
      await expect.poll(() => kernel.commands.execute('test.provider:aborted')).toBe(1);
    });

    it('never open for commands with middleware, nor when they are off', async () => {
      for (const options of [
        {
          middleware: [
            { target: 'command:test.provider:*', use: (_: unknown, next: () => unknown) => next() },
          ],
        },
        { lanes: false },
      ] satisfies KernelOptions[]) {
        const kernel = await start(options);
        expect(await kernel.commands.execute('test.caller:many', 600)).toBe(true);
        expect(laneCalls(kernel)).toBe(0);
        expect(kernel.metrics.snapshot().commands['test.provider:echo']?.calls).toBe(600);
      }
      const watched = await start();
      let settled = 0;
      watched.events.on('call:settled', () => {
        settled += 1;
      });
      await watched.commands.execute('test.caller:many', 100);
      expect(settled).toBe(101);
    });

    it('an already aborted signal is respected', async () => {
      const kernel = await startWithLane();
      expect(await kernel.commands.execute('test.caller:aborted')).toBe('call/cancelled');
    });

    it('while one drains and the provider is busy, calls keep their deadlines, and a bad option fails only its call', async () => {
      const kernel = await startWithLane();
      void kernel.commands.execute('test.provider:spin', 1_000);
      await new Promise((resolve) => setTimeout(resolve, 20));
      const release = kernel.middleware.use('command:test.provider:*', (_, next) => next());
      await new Promise((resolve) => setTimeout(resolve, 20));
      const [timed, invalid, patient] = await Promise.all([
        kernel.commands.execute('test.caller:settle', ['echo', 1, { timeout: 50 }]),
        kernel.commands.execute('test.caller:settle', ['echo', 1, { timeout: -1 }]),
        kernel.commands.execute('test.caller:settle', ['echo', 2]),
      ]);
      expect(timed).toMatchObject({ code: 'call/timeout' });
      expect(invalid).toMatchObject({ code: 'call/invalid-option' });
      expect(patient).toEqual({ value: 2 });
      release.dispose();
    });

    it('a command that is registered again is reached again', async () => {
      const kernel = await startWithLane();
      expect(await kernel.commands.execute('test.caller:call', ['redo'])).toBe(1);
      await kernel.commands.execute('test.provider:again');
      await expect
        .poll(() => kernel.commands.execute('test.caller:settle', ['redo']))
        .toEqual({ value: 2 });
    });

    it('a lane that its caller does not leave is closed, and new middleware is not bypassed', async () => {
      const kernel = await startWithLane();
      await kernel.commands.execute('test.caller:hoard');
      const closed = nextEvent<{ reason: string }>(kernel, 'lane:closed');
      kernel.middleware.use('command:test.provider:echo', () => 'guarded');
      expect(await kernel.commands.execute('test.caller:call', ['echo', 1])).toBe('guarded');
      expect((await closed).reason).toMatch(/was not left within/);
    });

    it('refuse invalid options', async () => {
      for (const lanes of [{ calls: 0 }, {}, null, 5] as never[])
        expect((await rejection(start({ lanes }))).code).toBe('kernel/invalid-option');
    });
  });
}
