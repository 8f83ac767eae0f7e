/**
 * Direct lanes: the same calls with one hop less, closed whenever the kernel decides. For guests
 * that take ports.
 */
import type { Kernel, KernelOptions } from '@plinth/kernel';
import type { CallOptions, PluginError } from '@plinth/sdk';
import { describe, expect, it } from 'vitest';
import { nextEvent, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { typedPlugin } from '../support/plugins.ts';

const provider = typedPlugin('test.provider', ({ commands }) => {
  const seen: number[] = [];
  let aborted = 0;
  commands.handle('echo', (value) => value);
  commands.handle('note', (n: number) => void seen.push(n));
  commands.handle('seen', () => seen.splice(0));
  commands.handle('who', (_, { caller, requestId, tenant, deadline }) => ({
    caller,
    requestId,
    tenant,
    left: deadline - Date.now(),
  }));
  commands.handle('fail', () => {
    throw Object.assign(new RangeError('no'), { code: 'E_NO' });
  });
  commands.handle('hang', (_, { signal }) => {
    aborted = 0;
    return new Promise((_, reject) =>
      signal.addEventListener('abort', () => {
        aborted += 1;
        reject(signal.reason);
      }),
    );
  });
  commands.handle('aborted', () => aborted);
  commands.handle('count', async function* (to: number) {
    for (let n = 0; n < to; n++) yield n;
  });
  commands.handle('spin', async (ms: number, call) => {
    call.progress('spins');
    await new Promise((sent) => setTimeout(sent, 0));
    const end = Date.now() + ms;
    while (Date.now() < end);
  });
  let redo = commands.handle('redo', () => 1);
  commands.handle('again', () => {
    redo.dispose();
    redo = commands.handle('redo', () => 2);
  });
  commands.handle('quit', () => {
    setTimeout(() => {
      throw new Error('gone');
    }, 0);
    return new Promise(() => {});
  });
});
const caller = typedPlugin(
  'test.caller',
  ({ commands }) => {
    type Request = [name: string, input?: unknown, options?: CallOptions];
    const call = (...[name, input, options]: Request) =>
      commands.execute(`test.provider:${name}`, input, options);
    commands.handle('many', async (count: number) => {
      const sent = Array.from({ length: count }, (_, n) => ({ n, text: 'x' }));
      const answers = (await Promise.all(sent.map((one) => call('echo', one)))) as typeof sent;
      return answers.every(({ n, text }, index) => n === index && text === 'x');
    });
    commands.handle('call', (request: Request) => call(...request));
    commands.handle('settle', async (request: Request) => {
      try {
        return { value: await call(...request) };
      } catch (error) {
        const { name, message, code, plugin } = error as PluginError;
        return { class: name, message, code, plugin };
      }
    });
    const codeOf = (asked: Promise<unknown>) => asked.catch(({ code }: PluginError) => code);
    commands.handle('cancel', async () => {
      const controller = new AbortController();
      const hanging = codeOf(call('hang', 1, { signal: controller.signal }));
      // Once a later call is answered, the earlier one has arrived.
      await call('echo', 1);
      controller.abort();
      return hanging;
    });
    commands.handle('aborted', () => codeOf(call('echo', 1, { signal: AbortSignal.abort() })));
    const numbers = async (to: number) => (await call('count', to)) as AsyncIterable<number>;
    commands.handle('hoard', async () => {
      await (await numbers(1_000))[Symbol.asyncIterator]().next();
    });
    let held = false;
    /** Sends a count of notes, and as many again once it was held and let go. Answers how many. */
    commands.handle('order', async ({ count, holds }: { count: number; holds: boolean }, own) => {
      const waiting: Promise<unknown>[] = [];
      held = holds;
      for (let end = count; held || waiting.length < end; ) {
        if (waiting.length === 100) own.progress('under way');
        waiting.push(call('note', waiting.length));
        if (held) end = waiting.length + count;
        if (waiting.length % 50 !== 0) continue;
        await new Promise((turn) => setTimeout(turn, 0));
        if (held) await waiting.at(-50);
      }
      await Promise.all(waiting);
      return waiting.length;
    });
    commands.handle('letGo', () => {
      held = false;
    });
    commands.handle('sum', async (to: number) => {
      let sum = 0;
      for await (const n of await numbers(to)) sum += n;
      return sum;
    });
    commands.handle('move', async () => {
      const data = new ArrayBuffer(64);
      const value = { data };
      Object.defineProperty(value, Symbol.for('plinth.transfer'), {
        value: [data],
        configurable: true,
      });
      const answer = (await call('echo', value)) as typeof value;
      return [data.byteLength, answer.data.byteLength];
    });
  },
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
      await kernel.commands.execute('test.caller:order', { count: 400, holds: false });
      await opened;
      expect(await kernel.commands.execute('test.provider:seen')).toEqual(
        Array.from({ length: 400 }, (_, n) => n),
      );
      const closed = nextEvent(kernel, 'lane:closed');
      const begun = Promise.withResolvers<unknown>();
      const order = { count: 1_000, holds: true };
      const running = kernel.commands.execute('test.caller:order', order, {
        onProgress: begun.resolve,
      });
      await begun.promise;
      let wrapped = 0;
      kernel.middleware.use('command:test.provider:*', (_, next) => {
        wrapped += 1;
        return next();
      });
      await kernel.commands.execute('test.caller:letGo');
      const sent = (await running) as number;
      await closed;
      expect(await kernel.commands.execute('test.provider:seen')).toEqual(
        Array.from({ length: sent }, (_, n) => n),
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
        await kernel.commands.execute('test.caller:settle', ['hang', 1, { timeout: 300 }]),
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
      await kernel.plugins.deactivate('test.caller', { drain: 100 });
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
      const spins = Promise.withResolvers<unknown>();
      void kernel.commands.execute('test.provider:spin', 2_000, { onProgress: spins.resolve });
      await spins.promise;
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
