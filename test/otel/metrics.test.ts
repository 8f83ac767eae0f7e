/** Metrics of calls, plugins and guests, with the real SDK. */
import type { Histogram } from '@opentelemetry/sdk-metrics';
import { type OtelOptions, otel } from '@plinth/otel/host';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { gateOf, nextEvent, rejection, startKernel } from '../support/kernels.ts';
import { CRASH, pluginOf } from '../support/plugins.ts';
import { metering } from './sdk.ts';

const worker = pluginOf(
  'test.work',
  `ctx.commands.handle('do', (value) => value);
   ctx.commands.handle('fail', () => { throw Object.assign(new Error('no'), { code: 'test/none' }); });
   ctx.commands.handle('wait', () => ctx.commands.execute('host:gate'));
   ctx.commands.handle('keep', (value) => ctx.storage.set('value', value));
   ctx.commands.handle('tell', () => ctx.events.emit('test:told', 1));
   ${CRASH}`,
  {
    permissions: {
      commands: { execute: ['host:gate'] },
      events: { emit: ['test:*'] },
      storage: { read: true, write: true },
    },
  },
);

const start = async (options: OtelOptions = {}, packages = [worker]) => {
  const metered = metering();
  const kernel = await startKernel({ isolation: 'worker', createHost }, packages, {
    extensions: [otel({ meter: metered.meter, ...options })],
    supervision: { backoff: 1 },
  });
  const sums = async (name: string) =>
    (await metered.points(name)).map(({ attributes, value }) => ({
      ...attributes,
      value: typeof value === 'number' ? value : value.count,
    }));
  return { ...metered, kernel, sums };
};
const own = { 'plugin.tenant': 'tenant-0', 'plugin.id': 'test.work' };

describe(`${runtime}: metrics`, () => {
  it('say how long commands took, and count errors by their code', async () => {
    const { kernel, points } = await start();
    for (let n = 0; n < 3; n++) await kernel.commands.execute('test.work:do', n);
    await rejection(kernel.commands.execute('test.work:fail'));
    const durations = await points('plugin.command.duration');
    expect(durations.map(({ attributes }) => attributes)).toEqual([
      { ...own, 'plugin.command': 'test.work:do' },
      { ...own, 'plugin.command': 'test.work:fail', 'error.type': 'test/none' },
    ]);
    const [done] = durations.map(({ value }) => value as Histogram);
    expect(done).toMatchObject({
      count: 3,
      buckets: { boundaries: expect.arrayContaining([0.001]) },
    });
    // In seconds.
    expect(done?.sum).toBeGreaterThan(0);
    expect(done?.sum).toBeLessThan(30);
  });

  it('count every call, and record so many durations in a second', async () => {
    const { kernel, sums } = await start({ durations: 2 });
    for (let n = 0; n < 9; n++) await kernel.commands.execute('test.work:do', n);
    await rejection(kernel.commands.execute('test.work:fail'));
    const of = { ...own, 'plugin.command': 'test.work:do' };
    expect(await sums('plugin.command.calls')).toEqual([
      { ...of, value: 9 },
      { ...own, 'plugin.command': 'test.work:fail', 'error.type': 'test/none', value: 1 },
    ]);
    const recorded = async () => (await sums('plugin.command.duration'))[0]?.value as number;
    expect(await recorded()).toBeLessThan(9);
    // It goes on in the next second.
    const before = await recorded();
    await expect
      .poll(async () => {
        await kernel.commands.execute('test.work:do', 1);
        return recorded();
      })
      .toBeGreaterThan(before);
  });

  it('count calls in flight, what waits, and plugins that run', async () => {
    const { kernel, sums } = await start();
    const gate = gateOf(kernel);
    const waiting = kernel.commands.execute('test.work:wait');
    await gate.reached;
    expect(await sums('plugin.command.active')).toEqual(
      expect.arrayContaining([{ ...own, value: 1 }]),
    );
    expect(await sums('plugin.guest.pending')).toEqual([{ ...own, value: 1 }]);
    expect(await sums('plugin.active')).toEqual([{ 'plugin.tenant': 'tenant-0', value: 1 }]);
    gate.open();
    await waiting;
    expect(await sums('plugin.command.active')).toEqual(
      expect.arrayContaining([{ ...own, value: 0 }]),
    );
    await kernel.plugins.suspend('test.work');
    const late = kernel.commands.execute('test.work:do', 1);
    expect(await sums('plugin.queue.depth')).toEqual([{ ...own, value: 1 }]);
    await kernel.plugins.resume('test.work');
    await late;
  });

  it('count events, crashes and restarts, and time the phases of starts', async () => {
    const { kernel, sums } = await start();
    expect(
      (await sums('plugin.start.duration')).map((one) => (one as never)['plugin.phase']),
    ).toEqual(['read', 'verify', 'spawn', 'import', 'configure', 'activate']);
    await kernel.commands.execute('test.work:tell');
    expect(await sums('plugin.events.emitted')).toEqual([
      { ...own, 'plugin.event': 'test:told', value: 1 },
    ]);
    const again = nextEvent(kernel, 'plugin:restarted');
    await rejection(kernel.commands.execute('test.work:crash'));
    await again;
    expect(await sums('plugin.crashes')).toEqual([
      { ...own, 'error.type': expect.any(String), value: 1 },
    ]);
    expect(await sums('plugin.restarts')).toEqual([{ ...own, value: 1 }]);
  });

  it('show what plugins have stored', async () => {
    const { kernel, sums } = await start();
    expect(await sums('plugin.storage.usage')).toEqual([]);
    await kernel.commands.execute('test.work:keep', 'x'.repeat(10_000));
    const [stored] = await sums('plugin.storage.usage');
    expect(stored).toMatchObject(own);
    expect(stored?.value).toBeGreaterThan(10_000);
  });

  it('show what guests use, where the runtime tells it', async () => {
    const { sums } = await start();
    const memory = await sums('plugin.memory.usage');
    if (runtime === 'browser') expect(memory).toEqual([]);
    else {
      expect(memory[0]?.value).toBeGreaterThan(100_000);
      expect((await sums('plugin.cpu.time'))[0]?.value).toBeGreaterThan(0);
      expect((await sums('plugin.event_loop.utilization'))[0]?.value).toBeLessThanOrEqual(1);
      expect((await sums('plugin.cpu.utilization'))[0]?.value).toBeLessThanOrEqual(4);
    }
  });

  it('have a bounded number of series, also with names that callers invent', async () => {
    const many = pluginOf(
      'test.many',
      "for (let n = 0; n < 8; n++) ctx.commands.handle('c' + n, () => n);",
    );
    const { kernel, sums } = await start({ series: 3 }, [many]);
    for (let n = 0; n < 8; n++) await kernel.commands.execute(`test.many:c${n}`);
    for (let n = 0; n < 8; n++) await rejection(kernel.commands.execute(`test.none${n}:c`));
    const all = await sums('plugin.command.duration');
    expect(all).toHaveLength(4);
    expect(all.find((one) => (one as never)['plugin.id'] === 'other')).toEqual({
      'plugin.id': 'other',
      'plugin.command': 'other',
      value: 13,
    });
  });

  it('are those of each tenant, and end with it', async () => {
    const { kernel, sums } = await start();
    const acme = kernel.tenant('acme');
    await acme.start();
    await acme.commands.execute('test.work:do', 1);
    const active = async () =>
      Object.fromEntries(
        (await sums('plugin.active')).map(({ value, ...of }) => [
          (of as Record<string, unknown>)['plugin.tenant'],
          value,
        ]),
      );
    expect(await active()).toEqual({ 'tenant-0': 1, acme: 1 });
    await acme.stop();
    expect(await active()).toEqual({ 'tenant-0': 1, acme: 0 });
  });
});
