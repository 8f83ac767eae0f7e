/** Policies that keep commands working: each alone, and the fixed order of all. */

import type { KernelOptions } from '@plinth/kernel';
import { createKernel } from '@plinth/kernel';
import { command, contract } from '@plinth/sdk';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { rejection, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

/** Fails as often as it is told, counts, and reports how many run at the same time. */
const shaky = (manifest = {}) =>
  pluginOf(
    'test.shaky',
    `let calls = 0, failures = 0, hang = false, running = 0, most = 0;
     const slow = [];
     ctx.commands.handle('work', async (input) => {
       calls += 1;
       if (hang) await new Promise(() => {});
       if (failures > 0) { failures -= 1; throw new Error('shaky'); }
       return { calls, input };
     });
     ctx.commands.handle('set', (to) => { ({ failures = 0, hang = false } = to); });
     ctx.commands.handle('calls', () => calls);
     ctx.commands.handle('slow', async () => { running += 1; most = Math.max(most, running); await new Promise((go) => slow.push(go)); running -= 1; return most; });
     ctx.commands.handle('release', (least) => { if (running >= least) for (const go of slow.splice(0)) go(); return running; });
     ctx.commands.handle('mine', () => 'yours');`,
    manifest,
  );

for (const setting of [
  { isolation: 'worker', createHost },
  { isolation: 'inline' },
] satisfies Setting[]) {
  describe(`${setting.isolation === 'inline' ? 'inline' : `${runtime} worker`}: resilience`, () => {
    const start = async (resilience: NonNullable<KernelOptions['resilience']>, manifest = {}) => {
      const kernel = await startKernel(setting, [shaky(manifest)], { resilience });
      const run = (name: string, input?: unknown, options = {}) =>
        kernel.commands.execute(`test.shaky:${name}`, input, options);
      return { kernel, run };
    };

    it('a time-out ends an attempt, and its handler', async () => {
      const { kernel, run } = await start({ 'test.shaky:work': { timeout: 40 } });
      await run('set', { hang: true });
      expect(await rejection(run('work'))).toMatchObject({
        code: 'call/timeout',
        details: { timeout: 40 },
      });
      await expect.poll(async () => (await kernel.plugins.health('test.shaky')).pending).toBe(0);
    });

    it('the breaker opens above half of 20 failed calls, allows one trial, and closes again; its state is listed', async () => {
      const { kernel, run } = await start({
        'test.shaky:*': { breaker: { halfOpenAfter: 500 } },
        'test.shaky:set': {},
      });
      const states: string[] = [];
      kernel.events.on('call:circuit-changed', ({ payload }) => {
        states.push(payload.state);
      });
      const state = () =>
        kernel.commands.list().find(({ id }) => id === 'test.shaky:work')?.breaker;
      await run('set', { failures: 1_000 });
      for (let n = 0; n < 20; n++) expect((await rejection(run('work'))).message).toBe('shaky');
      // At once: it stays open for a moment only.
      expect(await rejection(run('work'))).toMatchObject({
        code: 'call/circuit-open',
        plugin: 'test.shaky',
      });
      expect(await run('calls')).toBe(20);
      await run('set', { failures: 0 });
      await expect
        .poll(
          () =>
            run('work').then(
              () => 'works',
              (error) => error.code,
            ),
          { interval: 10 },
        )
        .toBe('works');
      expect([state(), states]).toEqual(['closed', ['open', 'half-open', 'closed']]);
    });

    it('mistakes of the caller open no breaker', async () => {
      const { kernel, run } = await start({ '*': { breaker: true } });
      const calls = Array.from({ length: 30 }, () => {
        const stop = new AbortController();
        const call = run('slow', undefined, { signal: stop.signal });
        stop.abort();
        return rejection(call);
      });
      for (const error of await Promise.all(calls)) expect(error.code).toBe('call/cancelled');
      expect(kernel.commands.list().find(({ id }) => id === 'test.shaky:slow')?.breaker).toBe(
        'closed',
      );
    });

    it('a bulkhead limits how many run and how many wait', async () => {
      const { run } = await start({
        'test.shaky:slow': { bulkhead: { concurrency: 2, queue: 3 } },
      });
      const calls = Array.from({ length: 8 }, () =>
        run('slow').then(
          (most) => most,
          (error) => error.code,
        ),
      );
      for (let left = 5; left > 0; left -= 2) {
        const together = Math.min(2, left);
        await expect.poll(() => run('release', together), { interval: 5 }).toBe(together);
      }
      const answers = await Promise.all(calls);
      expect(answers.filter((answer) => answer === 'call/overloaded')).toHaveLength(3);
      expect(answers.filter((answer) => answer === 2)).toHaveLength(5);
    });

    /** Two of its calls may be in flight; each ends when the host allows it. */
    const narrow = pluginOf(
      'test.narrow',
      `for (const name of ['a', 'b']) ctx.commands.handle(name, (n) => ctx.commands.execute('host:door', name + n));
       ctx.commands.handle('outer', (n) => ctx.commands.execute('test.other:pass', n));
       ctx.commands.handle('inner', (n) => n);`,
      {
        resources: { concurrency: 2 },
        permissions: { commands: { execute: ['host:door', 'test.other:*'] } },
      },
    );
    const other = pluginOf(
      'test.other',
      `ctx.commands.handle('pass', (n) => ctx.commands.execute('test.narrow:inner', n));`,
      {
        permissions: { commands: { execute: ['test.narrow:*'] } },
      },
    );
    const startNarrow = async (options: KernelOptions = {}) => {
      const kernel = await startKernel(setting, [narrow, other], options);
      const entered: unknown[] = [];
      const doors: (() => void)[] = [];
      kernel.commands.handle('door', (name) => {
        entered.push(name);
        return new Promise((resolve) => doors.push(() => resolve(name)));
      });
      return {
        kernel,
        entered,
        open: () => doors.shift()?.(),
        run: (command: string, input: number, more = {}) =>
          kernel.commands.execute(`test.narrow:${command}`, input, more),
      };
    };

    it('resources.concurrency of a manifest limits calls of all its commands together, and the others wait in order', async () => {
      const { run, entered, open } = await startNarrow();
      const calls = ['a', 'b', 'a', 'b', 'a'].map((command, n) => run(command, n));
      expect((await rejection(run('a', 9, { timeout: 20 }))).code).toBe('call/timeout');
      for (let under = 2; under <= 5; under++) {
        await expect.poll(() => entered.length, { interval: 5 }).toBe(under);
        open();
        // In their order of arrival, for all commands.
        expect(await calls[under - 2]).toBe(entered[under - 2]);
      }
      open();
      expect([await calls[4], entered]).toEqual(['a4', ['a0', 'b1', 'a2', 'b3', 'a4']]);
    });

    it("resources.concurrency: a plugin's calls to itself, through another one, do not wait", async () => {
      const { run } = await startNarrow();
      expect(
        await Promise.all([1, 2, 3, 4, 5].map((n) => run('outer', n, { timeout: 20_000 }))),
      ).toEqual([1, 2, 3, 4, 5]);
    });

    it('resources.concurrency combines with policies, and waiting calls reach a reloaded plugin', async () => {
      const { kernel, run, entered, open } = await startNarrow({
        resilience: { '*': { timeout: 25_000 } },
      });
      const calls = [1, 2, 3, 4].map((n) => run('a', n));
      await expect.poll(() => entered).toEqual(['a1', 'a2']);
      const reloaded = kernel.plugins.reload('test.narrow');
      for (const pair of [1, 2]) {
        await expect.poll(() => entered.length, { interval: 5 }).toBe(2 * pair);
        open();
        open();
      }
      await reloaded;
      expect([await Promise.all(calls), entered]).toEqual([
        ['a1', 'a2', 'a3', 'a4'],
        ['a1', 'a2', 'a3', 'a4'],
      ]);
    });

    it('rates count per caller, and the lowest of all layers applies', async () => {
      const contributes = {
        commands: [
          { id: 'work', rateLimit: 3 },
          { id: 'mine', requiresAuth: true },
        ],
      };
      const { kernel, run } = await start({ 'test.shaky:work': { rate: 100 } }, { contributes });
      for (let n = 0; n < 3; n++) await run('work');
      const error = await rejection(run('work'));
      expect(error).toMatchObject({
        code: 'call/rate-limited',
        retryable: true,
        details: { limit: 3, per: 60_000 },
      });
      expect(error.message).toMatch(/^host calls test\.shaky:work too often: 3 times in 60000 ms/);
      await kernel.plugins.install({
        origin: 'memory',
        ...(({ manifest, code }) => ({
          manifest: manifest as object,
          code: async () => code as string,
        }))(
          pluginOf(
            'test.other',
            `ctx.commands.handle('go', () => ctx.commands.execute('test.shaky:work'));`,
            { permissions: { commands: { execute: ['test.shaky:*'] } } },
          ),
        ),
      });
      await kernel.plugins.activate('test.other');
      expect(await kernel.commands.execute('test.other:go')).toMatchObject({ calls: 4 });
      expect(await rejection(run('mine'))).toMatchObject({ code: 'call/unauthenticated' });
      expect(await run('mine', 1, { user: 'u' })).toBe('yours');
    });

    it('answers are cached per user and input, fetched once for all callers, and returned while a new one is fetched', async () => {
      const { run } = await start({ 'test.shaky:work': { cache: 60_000 } });
      const same = await Promise.all([
        run('work', { a: 1, b: [1] }),
        run('work', { b: [1], a: 1 }),
        run('work', { a: 1, b: [1] }),
      ]);
      expect(same).toEqual([same[0], same[0], same[0]]);
      expect(await run('calls')).toBe(1);
      (same[0] as { calls: number }).calls = 99;
      expect(await run('work', { a: 1, b: [1] })).toMatchObject({ calls: 1 });
      expect(await run('work', { a: 2 })).toMatchObject({ calls: 2 });
      expect(await run('work', { a: 2 }, { user: 'u' })).toMatchObject({ calls: 3 });
      for (const input of [new Map([[1, 2]]), 10n, new Date(5), -0]) {
        const before = (await run('calls')) as number;
        await run('work', input).catch(() => {});
        await run('work', input).catch(() => {});
        expect(await run('calls')).toBe(before + 2);
      }
      const { run: late } = await start({
        'test.shaky:work': { cache: { ttl: 1, stale: 600_000 } },
      });
      expect(await late('work')).toMatchObject({ calls: 1 });
      // A fetch that fails leaves the old answer, and so does one that never ends.
      await late('set', { failures: 1 });
      await expect.poll(() => late('work')).toMatchObject({ calls: 3 });
      await late('set', { hang: true });
      const before = (await late('calls')) as number;
      await expect
        .poll(async () => [await late('work'), await late('calls')])
        .toMatchObject([{ calls: before }, before + 1]);
      expect(await late('work')).toMatchObject({ calls: before });
    });

    it('a fallback answers when nothing else does, not when the caller cancelled', async () => {
      const { run } = await start({
        'test.shaky:work': {
          fallback: (error, input) => ({ instead: input, because: error.message }),
        },
      });
      await run('set', { failures: 1 });
      expect(await run('work', 7)).toEqual({ instead: 7, because: 'shaky' });
      expect(await run('work', 8)).toMatchObject({ input: 8 });
      await run('set', { hang: true });
      const stop = new AbortController();
      const call = run('work', 9, { signal: stop.signal });
      stop.abort();
      expect((await rejection(call)).code).toBe('call/cancelled');
    });
  });
}

describe('retry, by the host as provider', () => {
  const Api = contract('test.api@1', { read: command({ idempotent: true }), write: command({}) });
  const start = async (
    resilience: NonNullable<KernelOptions['resilience']>,
    answers: readonly (() => unknown)[],
  ) => {
    const kernel = await createKernel({ resilience });
    let calls = 0;
    const next = () => (answers[Math.min(calls++, answers.length - 1)] as () => unknown)();
    kernel.provide(Api, { read: next, write: next });
    return { kernel, api: kernel.client(Api), calls: () => calls };
  };
  const overloaded = () => {
    throw Object.assign(new Error('busy'), {});
  };
  const slow = () => new Promise(() => {});

  it('repeats idempotent commands after a time-out, with a time-out for each attempt', async () => {
    const { kernel, api, calls } = await start(
      { 'test.api:*': { timeout: 30, retry: { attempts: 2, backoff: 1 } } },
      [slow, slow, () => 'third'],
    );
    expect(await api.read()).toBe('third');
    expect(calls()).toBe(3);
    expect(
      (
        await rejection(
          start({ 'test.api:*': { timeout: 30, retry: true } }, [slow]).then(({ api: other }) =>
            other.write(),
          ),
        )
      ).code,
    ).toBe('call/timeout');
    await kernel.stop();
  });

  it('does not repeat errors that are not retryable, and the breaker counts each attempt', async () => {
    const { kernel, api, calls } = await start({ 'test.api:*': { retry: 5 } }, [overloaded]);
    await rejection(api.read());
    expect(calls()).toBe(1);
    await kernel.stop();
    const other = await start(
      {
        'test.api:read': {
          timeout: 10,
          retry: { attempts: 30, backoff: 1, maxBackoff: 1 },
          breaker: { calls: 4 },
        },
      },
      [slow],
    );
    expect((await rejection(other.api.read())).code).toBe('call/circuit-open');
    expect(other.calls()).toBe(4);
    await other.kernel.stop();
  });

  it('invalid policies are refused by name', async () => {
    for (const [policy, key] of [
      [{ timeout: -1 }, 'timeout'],
      [{ timeout: Number.NaN }, 'timeout'],
      [{ retry: 1.5 }, 'retry'],
      [{ breaker: { threshold: 2 } }, 'breaker'],
      [{ bulkhead: { queue: 3 } }, 'bulkhead'],
      [{ rate: 0 }, 'rate'],
      [{ cache: { ttl: 'long' } }, 'cache'],
      [{ fallback: 'x' }, 'fallback'],
      [{ retries: 3 }, 'retries'],
    ] as const) {
      const error = await rejection(createKernel({ resilience: { 'a.b:*': policy as never } }));
      expect(error).toMatchObject({
        code: 'kernel/invalid-option',
        details: { option: `resilience['a.b:*'].${key}` },
      });
    }
  });
});
