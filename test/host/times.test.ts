/** Times in options: long ones work, Infinity means never, and invalid ones are refused by name. */

import { createKernel, type KernelOptions, packageSource } from '@plinth/kernel';
import { command, contract, event, hook } from '@plinth/sdk';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { rejection, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

/** Longer than a platform timer, and for ever. */
const LONG = [2 ** 31, 1e12, Number.POSITIVE_INFINITY] as const;
const NO_TIME = [Number.NaN, -1, 0, '5s'] as const;

const echo =
  "ctx.commands.handle('echo', async (input) => { await new Promise((done) => setTimeout(done, 30)); return input; });";

describe.each(['inline', 'worker'] as const)(`${runtime}: times, %s`, (isolation) => {
  it.each(LONG)(
    'a plugin is started, called, replaced and stopped under limits of %d ms',
    async (time) => {
      const limits = {
        ready: time,
        load: time,
        activate: time,
        deactivate: time,
        hook: time,
        swap: time,
        trial: time,
      };
      const plugin = pluginOf(
        'test.a',
        echo,
        {},
        'async getState() { return 1; }, async restoreState() {}, async healthCheck() { return { status: "healthy" }; },',
      );
      const kernel = await startKernel({ isolation, createHost }, [plugin], { limits });
      const failed: unknown[] = [];
      kernel.events.on('plugin:failed', ({ payload }) => failed.push(payload));
      expect(await kernel.commands.execute('test.a:echo', 1)).toBe(1);
      await kernel.plugins.reload('test.a');
      expect(await kernel.commands.execute('test.a:echo', 2, { timeout: time })).toBe(2);
      expect(failed).toEqual([]);
    },
  );

  it.each(LONG)('a plugin is supervised with times of %d ms', async (time) => {
    const plugin = pluginOf('test.a', echo, {}, 'async getState() { return 1; },');
    const supervision = {
      backoff: time,
      maxBackoff: time,
      within: time,
      heartbeat: time,
      timeout: time,
      snapshot: time,
    };
    const kernel = await startKernel({ isolation, createHost }, [plugin], {
      supervision,
      hibernation: { idle: time },
    });
    for (let index = 0; index < 4; index++)
      expect(await kernel.commands.execute('test.a:echo', index)).toBe(index);
    expect(kernel.plugins.get('test.a')?.state).toBe('active');
  });

  it.each(LONG)(
    'a plugin that allows a command %d ms has that time, and so has its caller',
    async (time) => {
      const caller = `ctx.commands.handle('ask', (input, call) => ctx.commands.execute('test.a:echo', input, { timeout: ${time} }));`;
      const kernel = await startKernel({ isolation, createHost }, [
        pluginOf('test.a', echo, { resources: { timeout: time } }),
        pluginOf('test.b', caller, {
          permissions: { commands: { execute: ['*'] } },
          resources: { timeout: time },
        }),
      ]);
      expect(await kernel.commands.execute('test.b:ask', 5)).toBe(5);
    },
  );
});

describe(`${runtime}: times`, () => {
  it('a call that may last for ever has no deadline', async () => {
    const kernel = await startKernel({ isolation: 'inline' }, []);
    const Slow = contract('app.slow@1', { go: command({ timeout: Number.POSITIVE_INFINITY }) });
    kernel.provide(Slow, { go: (_, call) => call.deadline });
    expect(await kernel.client(Slow).go()).toBe(Number.POSITIVE_INFINITY);
    expect(await kernel.client(Slow).go(undefined, { timeout: 1_000 })).toBeLessThanOrEqual(
      Date.now() + 1_000,
    );
  });

  it.each(NO_TIME)('an invalid time of a contract (%s) is refused, naming its member', (time) => {
    const say = { timeout: time as number };
    expect(() => contract('test.a@1', { go: command(say) })).toThrow(
      /'go': 'timeout' must be a number of milliseconds above 0/,
    );
    expect(() => contract('test.a@1', { go: hook(say) })).toThrow(/'go': 'timeout' must be/);
    expect(() =>
      contract('test.a@1', { went: event({} as never, { queue: time as number }) }),
    ).toThrow(/'went': 'queue' must be a whole number/);
  });

  it.each(NO_TIME)('a call with an invalid time (%s) is refused', async (timeout) => {
    const kernel = await startKernel({ isolation: 'inline' }, [pluginOf('test.a', echo)]);
    expect(
      await rejection(kernel.commands.execute('test.a:echo', 1, { timeout: timeout as number })),
    ).toMatchObject({ code: 'call/invalid-option' });
  });

  it('an invalid policy of a contract that the host provides is refused, naming its member', async () => {
    const kernel = await startKernel({ isolation: 'inline' }, []);
    const Odd = contract('app.odd@1', {
      go: command({ retry: { backoff: Number.NaN }, idempotent: true }),
    });
    expect(() => kernel.provide(Odd, { go: () => {} })).toThrow(/'go' for 'retry'/);
  });

  const timesOf = (time: unknown): readonly (readonly [option: string, options: unknown])[] => [
    ...['ready', 'load', 'activate', 'deactivate', 'hook', 'swap'].map(
      (key) => [`limits.${key}`, { limits: { [key]: time } }] as const,
    ),
    ...['backoff', 'maxBackoff', 'within', 'heartbeat', 'timeout', 'snapshot'].map(
      (key) => [`supervision.${key}`, { supervision: { [key]: time } }] as const,
    ),
    ['hibernation.idle', { hibernation: { idle: time } }],
    ...['patience', 'pause'].map(
      (key) => [`policy.resources.${key}`, { policy: { resources: { [key]: time } } }] as const,
    ),
    [
      'policy.resources.default.callTime',
      { policy: { resources: { default: { callTime: time } } } },
    ],
    ["resilience['*'].timeout", { resilience: { '*': { timeout: time } } }],
    [
      "resilience['*'].retry",
      { resilience: { '*': { retry: { backoff: time, maxBackoff: time } } } },
    ],
    ["resilience['*'].breaker", { resilience: { '*': { breaker: { halfOpenAfter: time } } } }],
    ["resilience['*'].rate", { resilience: { '*': { rate: { limit: 1, per: time } } } }],
    ["resilience['*'].cache", { resilience: { '*': { cache: { ttl: time } } } }],
  ];

  it.each(
    NO_TIME.flatMap((time) =>
      timesOf(time).map(([option, options]) => [time, option, options] as const),
    ),
  )('%s as %s is refused by name', async (_time, option, options) => {
    expect(await rejection(createKernel(options as KernelOptions))).toMatchObject({
      code: 'kernel/invalid-option',
      details: { option },
    });
  });

  it.each(LONG)('%d ms is a valid time for every option', async (time) => {
    for (const [, options] of timesOf(time))
      await (
        await createKernel({ ...(options as KernelOptions), sources: [packageSource([])] })
      ).stop();
  });

  it('a retry that waits for ever and an answer that is cached for ever are accepted as such', async () => {
    let calls = 0;
    const kernel = await startKernel({ isolation: 'inline' }, [], {
      resilience: {
        'host:kept': { cache: Number.POSITIVE_INFINITY },
        'host:rated': { rate: { limit: 1, per: Number.POSITIVE_INFINITY } },
      },
    });
    kernel.commands.handle('kept', () => ++calls);
    kernel.commands.handle('rated', () => ++calls);
    expect([
      await kernel.commands.execute('host:kept'),
      await kernel.commands.execute('host:kept'),
    ]).toEqual([1, 1]);
    expect(await kernel.commands.execute('host:rated')).toBe(2);
    expect(await rejection(kernel.commands.execute('host:rated'))).toMatchObject({
      code: 'call/rate-limited',
    });
  });

  it('patience in seconds, as it once was, is refused with the value to write', async () => {
    const error = await rejection(createKernel({ policy: { resources: { patience: 5 } } }));
    expect(error).toMatchObject({
      code: 'kernel/invalid-option',
      details: { option: 'policy.resources.patience' },
    });
    expect(error.message).toContain('write 5000');
  });

  it('a right granted for longer than a platform timer stays, and so does one granted for ever', async () => {
    const kernel = await startKernel({ isolation: 'inline' }, [pluginOf('test.a', '')]);
    for (const [index, time] of LONG.entries()) {
      await kernel.permissions.grant('test.a', 'events.emit', `test.x${index}:*`, { for: time });
      await new Promise((done) => setTimeout(done, 10));
      expect(kernel.permissions.check('test.a', 'events.emit', `test.x${index}:y`)).toBe(true);
    }
    for (const time of NO_TIME)
      expect(
        await rejection(
          kernel.permissions.grant('test.a', 'events.emit', '*', { for: time as number }),
        ),
      ).toMatchObject({ code: 'permission/invalid' });
  });
});
