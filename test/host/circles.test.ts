/**
 * Plugins that call each other in a circle without a parent call: the circle ends with the first
 * caller, or at a bound.
 */

import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { rejection, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

/** Continues from its own loop, so that no runtime can know the parent call. */
const member = (id: string, next: string, pause: number) =>
  pluginOf(
    id,
    `let rounds = 0;
     const jobs = [];
     let wake = () => {};
     ctx.commands.handle('rounds', () => rounds);
     ctx.commands.handle('go', () => new Promise((resolve, reject) => { rounds += 1; jobs.push({ resolve, reject }); wake(); }));
     void (async () => {
       for (;;) {
         while (jobs.length === 0) await new Promise((resolve) => { wake = resolve; });
         const { resolve, reject } = jobs.shift();
         if (${pause} > 0) await new Promise((resolve) => setTimeout(resolve, ${pause}));
         ctx.commands.execute('${next}').then(resolve, reject);
       }
     })();`,
    { permissions: { commands: { execute: [next] } } },
  );

describe(`${runtime}: plugins whose starts wait for each other`, () => {
  const waiting = (id: string, other: string) =>
    pluginOf(
      id,
      `ctx.commands.handle('go', () => '${id}'); await ctx.commands.execute('${other}:go');`,
      {
        activation: [`command:${id}:go`],
        permissions: { commands: { execute: [`${other}:go`] } },
      },
    );
  const start = (packages: Parameters<typeof startKernel>[1]) =>
    startKernel(
      { isolation: 'worker', createHost },
      [...packages, pluginOf('test.free', "ctx.commands.handle('go', () => 'free');")],
      { limits: { activate: 1_000 } },
    );

  it('fail within their limit, and other plugins go on', async () => {
    const kernel = await start([waiting('test.a', 'test.b'), waiting('test.b', 'test.a')]);
    const call = rejection(kernel.commands.execute('test.a:go'));
    expect(await kernel.commands.execute('test.free:go')).toBe('free');
    expect(await call).toMatchObject({
      code: 'plugin/timeout',
      message: expect.stringContaining("test.a did not finish 'activate' within 1000 ms"),
    });
    expect(kernel.plugins.get('test.a')?.state).toBe('failed');
    await kernel.stop();
  });

  it('start when one of them goes on without the answer', async () => {
    const caller = pluginOf(
      'test.a',
      `ctx.commands.handle('go', () => 'test.a');
       const answer = ctx.commands.execute('test.b:go');
       ctx.commands.handle('answer', () => answer);`,
      {
        activation: ['command:test.a:go', 'command:test.a:answer'],
        permissions: { commands: { execute: ['test.b:go'] } },
      },
    );
    const kernel = await start([caller, waiting('test.b', 'test.a')]);
    expect(await kernel.commands.execute('test.a:answer')).toBe('test.b');
  });
});

describe.each<Setting & { readonly name: string }>([
  { name: `${runtime} worker`, isolation: 'worker', createHost },
  { name: 'inline', isolation: 'inline' },
])('$name: circles of calls', (setting) => {
  const start = (pause: number) =>
    startKernel(
      setting,
      [member('test.a', 'test.b:go', pause), member('test.b', 'test.a:go', pause)],
      { lanes: false },
    );

  // The host counts: a call that asks a plugin for its rounds would be open beside the circle's,
  // and only a circle whose calls are the plugin's only ones is known from its first round.
  const circle = async () => {
    const kernel = await start(2);
    const caller = new AbortController();
    let rounds = 0;
    kernel.middleware.use('command:test.a:go', (_, next) => {
      rounds += 1;
      return next();
    });
    const over = rejection(
      kernel.commands.execute('test.a:go', undefined, { signal: caller.signal }),
    );
    const turns = (count: number) => {
      const from = rounds;
      return expect.poll(() => rounds - from).toBeGreaterThanOrEqual(count);
    };
    return { caller, over, turns, rounds: () => rounds };
  };

  it('stop when the first caller cancels', async () => {
    const [one, other] = [await circle(), await circle()];
    await one.turns(20);
    one.caller.abort();
    expect((await one.over).code).toBe('call/cancelled');
    // A plugin that was about to call may do so; no plugin continues from there. The other circle
    // shows that there was time for it.
    await other.turns(20);
    const last = one.rounds();
    await other.turns(40);
    expect(one.rounds()).toBe(last);
    other.caller.abort();
    await other.over;
  });

  it('stop at a bound while the caller waits, and the error names the cure', async () => {
    const kernel = await start(0);
    const error = await rejection(kernel.commands.execute('test.a:go'));
    expect(error.code).toBe('call/cycle');
    expect(error.message).toMatch(
      /calls on and on for test\.a:go, and doesn't say so: 1024 calls lie under one another; pass the call on/,
    );
    expect((await kernel.commands.execute('test.a:rounds')) as number).toBeLessThan(1_024);
  });
});
