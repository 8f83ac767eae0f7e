/** Metrics stay bounded and harmless, whatever plugins, callers and the storage do. */
import { type Kernel, type KernelOptions, memoryStorage, packageOf } from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { nextEvent, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { CRASH, pluginOf } from '../support/plugins.ts';

const setting: Setting = { isolation: 'worker', createHost };
const start = (
  packages: Parameters<typeof startKernel>[1],
  options: KernelOptions = {},
): Promise<Kernel> => startKernel(setting, packages, options);
const echo = pluginOf('test.echo', `ctx.commands.handle('go', (value) => value);`);

/** A storage whose slots of metrics can be made to fail, or not to answer. */
function slotStorage() {
  const memory = memoryStorage();
  const slots = { mood: 'well' as 'fails' | 'hangs' | 'well', uses: 0 };
  const use = async <T>(key: string, work: () => Promise<T>): Promise<T> => {
    if (!key.includes('slot-')) return work();
    slots.uses += 1;
    if (slots.mood === 'fails') throw new Error('EIO: the disk is gone');
    return slots.mood === 'hangs' ? new Promise<never>(() => {}) : work();
  };
  const storage: NonNullable<KernelOptions['storage']> = {
    ...memory,
    get: (key) => use(key, () => memory.get(key)),
    set: (key, value) => use(key, () => memory.set(key, value)),
    update: (key, change) => use(key, () => memory.update(key, change)),
  };
  return { storage, slots };
}

describe(`${runtime}: bounds of metrics`, () => {
  it('counts calls of commands that do not exist together, whatever they are called', async () => {
    const flood = pluginOf(
      'test.flood',
      `ctx.commands.handle('go', async () => {
         for (let at = 0; at < 300; at++)
           for (const id of ['x' + at + '.y:z', 'test.echo:no' + at])
             await ctx.commands.execute(id).catch(() => {});
       });`,
      { permissions: { commands: { execute: ['*'] } } },
    );
    const kernel = await start([flood, echo]);
    await kernel.commands.execute('test.flood:go');
    await kernel.commands.execute('test.echo:go', 1);
    const { plugins, total } = await kernel.report();
    expect(total).toMatchObject({ calls: 602, failures: 600 });
    expect(plugins.map(({ plugin }) => plugin)).toEqual(['*', 'test.echo', 'test.flood']);
    expect(plugins[1]?.features).toMatchObject([
      { kind: 'command', feature: '*', calls: 300 },
      { kind: 'command', feature: 'test.echo:go', calls: 1 },
    ]);
  });

  it('keeps a bounded number of series of one source, and warns each source', async () => {
    const kernel = await start([]);
    for (let metric = 0; metric < 200; metric++) {
      const gauge = kernel.metrics.gauge(`m${metric}`);
      for (let at = 0; at < 50; at++) gauge.set(1, { at });
    }
    expect(kernel.metrics.series().length).toBeLessThanOrEqual(2_200);
    const warned = kernel.logger.recent('kernel').map(({ message }) => message);
    expect(warned.filter((one) => one.includes('series of metrics'))).toHaveLength(1);
  });

  it('sends what can be sent after labels that cannot', async () => {
    const odd = pluginOf(
      'test.odd',
      `const counter = ctx.metrics.counter('n');
       const circle = {};
       circle.self = circle;
       ctx.commands.handle('odd', () => [{ f() {} }, circle, { n: 1n }].map((labels) => {
         try { counter.add(1, labels); } catch (error) { return error.code; }
       }));
       ctx.commands.handle('add', () => counter.add(5));`,
    );
    const kernel = await start([odd]);
    const refused = 'value/invalid';
    expect(await kernel.commands.execute('test.odd:odd')).toEqual([refused, refused, refused]);
    await kernel.commands.execute('test.odd:add');
    await kernel.plugins.deactivate('test.odd');
    expect(kernel.metrics.series()).toMatchObject([{ name: 'n', value: 5 }]);
  });

  it('counts error codes that are names of members of every object', async () => {
    const kernel = await start([
      pluginOf(
        'test.err',
        `ctx.commands.handle('go', (code) => { throw Object.assign(new Error('no'), { code }); });`,
      ),
    ]);
    const code = (await rejection(kernel.commands.execute('test.err:go', 'constructor'))).code;
    const { errors } = (await kernel.report()).total;
    expect(Object.entries(errors)).toEqual([[code, 1]]);
  });

  it('writes each series and each family of the text format once', async () => {
    const { metrics } = await start([]);
    for (const name of ['a.b', 'a_b', 'x']) metrics.counter(name).add(1);
    for (const label of ['a.b', 'a_b']) metrics.counter('l').add(1, { [label]: '1' });
    metrics.histogram('x_total').record(1);
    for (const quantile of ['0.5', '0.9']) metrics.histogram('q').record(1, { quantile });
    const lines = (await metrics.prometheus()).trimEnd().split('\n');
    const names = lines.flatMap((line) =>
      line.startsWith('# HELP') ? [] : [line.slice(0, line.lastIndexOf(' '))],
    );
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
    expect(lines).toContain('# TYPE app_x_total counter');
    expect(lines).toContain('# TYPE app_x_total_summary summary');
  });

  it('counts crashes of a plugin that is installed again', async () => {
    const kernel = await start([], { supervision: { backoff: 10 } });
    const faulty = packageOf(pluginOf('test.faulty', CRASH));
    const crash = async () => {
      const restarted = nextEvent(kernel, 'plugin:restarted');
      kernel.commands.execute('test.faulty:crash').catch(() => {});
      await restarted;
    };
    const crashes = async () => (await kernel.report()).plugins[0]?.availability.crashes;
    await kernel.plugins.install(faulty);
    await kernel.plugins.activate('test.faulty');
    await crash();
    await crash();
    expect(await crashes()).toBe(2);
    await kernel.plugins.uninstall('test.faulty');
    await kernel.plugins.install(faulty);
    await kernel.plugins.activate('test.faulty');
    await crash();
    expect(await crashes()).toBe(3);
  });
});

describe(`${runtime}: odd reports`, () => {
  it('takes any stretch of time, and says what it does not take', async () => {
    const kernel = await start([echo]);
    await kernel.commands.execute('test.echo:go', 1);
    const latest = Date.now() + 1_000;
    for (const range of [{ to: 1e300, from: 0 }, { from: -1e300 }, { from: 1e15, to: 1e16 }]) {
      const { from, to } = await kernel.report(range);
      expect(from).toBeGreaterThanOrEqual(0);
      expect(to).toBeLessThanOrEqual(latest + 60_000);
      expect(await kernel.report({ ...range, format: 'text' })).toContain('tenant tenant-0');
    }
    const { total } = await kernel.report({ from: 0, to: Number.MAX_SAFE_INTEGER });
    expect(total.calls).toBe(1);
    const wrong = kernel.report({ format: 'xml' as 'text' });
    expect(await rejection(wrong)).toMatchObject({
      code: 'call/invalid-option',
      details: { option: 'format' },
    });
  });

  it('loses nothing by a storage that fails for a while', async () => {
    const { storage, slots } = slotStorage();
    const kernel = await start([echo], {
      storage,
      metrics: { levels: [{ every: 3_600_000, keep: 2 }] },
    });
    slots.mood = 'fails';
    await kernel.commands.execute('test.echo:go', 1);
    expect((await rejection(kernel.report())).code).toBe('storage/failed');
    slots.mood = 'well';
    await kernel.commands.execute('test.echo:go', 1);
    expect((await kernel.report()).total.calls).toBe(2);
  });

  it('waits neither in a report nor at the end for a storage that never answers', async () => {
    const { storage, slots } = slotStorage();
    const kernel = await start([echo], { storage });
    await kernel.commands.execute('test.echo:go', 1);
    slots.mood = 'hangs';
    expect(await rejection(kernel.report())).toMatchObject({
      code: 'storage/failed',
      message: expect.stringContaining('has not answered'),
    });
    await kernel.stop();
    const warned = kernel.logger.recent('kernel').map(({ message }) => message);
    expect(warned.filter((one) => one.includes('metrics could not be written'))).toHaveLength(1);
  });

  it('collects no more often when a slot is longer than a timer can wait', async () => {
    const { storage, slots } = slotStorage();
    const kernel = await start([echo], {
      storage,
      metrics: { levels: [{ every: 2 ** 50, keep: 1 }] },
    });
    await kernel.report();
    const { uses } = slots;
    for (let at = 0; at < 20; at++) await new Promise((done) => setTimeout(done, 1));
    expect(slots.uses).toBe(uses);
  });
});
