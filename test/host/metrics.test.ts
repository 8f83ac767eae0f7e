/** Metrics: what plugins do and use, as reports, as Prometheus text and as a ledger. */
import { type Kernel, type KernelOptions, memoryStorage } from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { keep, nextEvent, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { CRASH, pluginOf } from '../support/plugins.ts';

const setting: Setting = { isolation: 'worker', createHost };
const start = (
  packages: Parameters<typeof startKernel>[1],
  options: KernelOptions = {},
): Promise<Kernel> => startKernel(setting, packages, options);

const worker = pluginOf(
  'test.worker',
  `ctx.commands.handle('work', (ms) => new Promise((done) => setTimeout(() => done(ms), ms)));
   ctx.commands.handle('fail', () => { throw new TypeError('no'); });
   ctx.commands.handle('store', (value) => ctx.storage.set('kept', value));
   ctx.hooks.handle('host:ask', () => 1);
   ${CRASH}`,
  { permissions: { storage: { read: true, write: true }, hooks: { handle: ['host:ask'] } } },
);
const caller = pluginOf(
  'test.caller',
  `ctx.commands.handle('go', () => ctx.commands.execute('test.worker:work', 0));`,
  {
    dependencies: { 'test.worker': '^1.0.0' },
    permissions: { commands: { execute: ['test.worker:*'] } },
  },
);

describe(`${runtime}: kernel.report()`, () => {
  it('tells calls, errors and response times by plugin and feature', async () => {
    const kernel = await start([worker, caller]);
    for (const ms of [1, 2, 40]) await kernel.commands.execute('test.worker:work', ms);
    await rejection(kernel.commands.execute('test.worker:fail'));
    await kernel.commands.execute('test.caller:go');
    await kernel.hooks.collect('host:ask', undefined);
    const report = await kernel.report();
    expect(report.total).toMatchObject({ calls: 7, failures: 1, errorRate: 1 / 7 });
    const [called, worked] = ['test.caller', 'test.worker'].map((id) =>
      report.plugins.find(({ plugin }) => plugin === id),
    );
    expect(called).toMatchObject({
      calls: 1,
      dependencies: [{ id: 'test.worker', state: 'active' }],
      availability: { state: 'active', share: 1, crashes: 0 },
    });
    expect(worked?.errors).toEqual({ 'call/failed': 1 });
    expect(worked?.features.map(({ kind, feature, calls }) => [kind, feature, calls])).toEqual([
      ['hook', 'host:ask', 1],
      ['command', 'test.worker:fail', 1],
      ['command', 'test.worker:work', 4],
    ]);
    const { responseTime } = worked?.features[2] ?? {};
    expect(responseTime?.max).toBeGreaterThanOrEqual(38);
    expect(responseTime?.p99).toBeLessThanOrEqual(responseTime?.max ?? 0);
    expect(responseTime?.p50).toBeLessThan(responseTime?.p99 ?? 0);
    expect(report.to).toBeGreaterThan(report.from);
    expect(kernel.metrics.callersOf('test.worker')).toEqual([
      { id: 'host', calls: 5 },
      { id: 'test.caller', calls: 1 },
    ]);
  });

  it('tells one plugin alone, as text and as CSV', async () => {
    const kernel = await start([worker, caller]);
    await kernel.commands.execute('test.caller:go');
    const only = await kernel.report({ plugin: 'test.worker' });
    expect(only.plugins.map(({ plugin }) => plugin)).toEqual(['test.worker']);
    expect(only.total.calls).toBe(1);
    expect((await rejection(kernel.report({ plugin: 'test.none' }))).code).toBe('plugin/not-found');
    expect(await kernel.report(null as never)).toMatchObject({ total: { calls: 2 } });
    const text = await kernel.report({ format: 'text' });
    expect(text).toMatch(/test\.worker: active, available 100\.00 %; 1 calls, /);
    expect(text).toContain('depends on test.worker (active)');
    const [head, ...lines] = (await kernel.report({ format: 'csv' })).trim().split('\r\n');
    expect(head).toMatch(/^plugin,kind,feature,calls,/);
    expect(lines.some((line) => line.startsWith('test.worker,command,test.worker:work,1,0,'))).toBe(
      true,
    );
  });

  it('knows what was before a restart over the same storage', async () => {
    const storage = memoryStorage();
    const kept = { ...storage, close: async () => {} };
    const first = await start([worker], { storage: kept });
    await first.commands.execute('test.worker:work', 0);
    await first.stop();
    const second = await start([worker], { storage: kept });
    await second.commands.execute('test.worker:work', 0);
    const { total } = await second.report({ from: Date.now() - 120_000 });
    expect(total.calls).toBe(2);
    await second.stop();
  });

  it('adds up what two kernels over one storage did at the same time', async () => {
    const storage = memoryStorage();
    const kept = { ...storage, close: async () => {} };
    const [one, other] = [
      await start([worker], { storage: kept }),
      await start([worker], { storage: kept }),
    ];
    for (let round = 1; round <= 3; round++)
      for (const kernel of [one, other]) {
        await kernel.commands.execute('test.worker:work', 0);
        await kernel.report();
      }
    const from = Date.now() - 120_000;
    expect((await one.report({ from })).total.calls).toBe(6);
    expect((await other.report({ from })).total.calls).toBe(6);
    await Promise.all([one.stop(), other.stop()]);
  });

  it('counts crashes and restarts, and the time without the plugin', async () => {
    const kernel = await start([worker], { supervision: { backoff: 50 } });
    const restarted = nextEvent(kernel, 'plugin:restarted');
    kernel.commands.execute('test.worker:crash').catch(() => {});
    await restarted;
    const [told] = (await kernel.report({ plugin: 'test.worker' })).plugins;
    expect(told?.availability).toMatchObject({ crashes: 1, restarts: 1 });
    expect(told?.availability.down).toBeGreaterThan(20);
    expect(told?.availability.share).toBeLessThan(1);
    expect((await kernel.plugins.usage('test.worker')).restarts).toBe(1);
  });

  it('keeps slots for as long as it is told, and refuses what makes no sense', async () => {
    const kernel = await start([worker], { metrics: { levels: [{ every: 250, keep: 4 }] } });
    await kernel.commands.execute('test.worker:work', 0);
    // Work that lasts longer than all kept slots, which last longer than a busy machine is late.
    await kernel.commands.execute('test.worker:work', 1_500);
    const { total, resolution } = await kernel.report({ from: Date.now() - 10_000 });
    expect(resolution).toBe(250);
    expect(total.calls).toBe(1);
    const next = await kernel.report({ from: Date.now() + 1e6, to: Date.now() + 2e6 });
    expect([next.total.calls, next.plugins]).toEqual([0, []]);
    const wrong = [{ from: 2, to: 1 }, { from: Number.NaN }, { tenant: 'none' }, { plugin: 7 }];
    for (const query of wrong)
      expect((await rejection(kernel.report(query as object))).code).toBe('call/invalid-option');
  });

  it('keeps tenants apart, and tells the default tenant of each', async () => {
    const kernel = await start([worker]);
    const acme = kernel.tenant('acme');
    await acme.start();
    await acme.commands.execute('test.worker:work', 0);
    expect((await kernel.report()).total.calls).toBe(0);
    expect((await kernel.report({ tenant: 'acme' })).total.calls).toBe(1);
    expect((await rejection(acme.report({ tenant: 'tenant-0' }))).code).toBe('call/invalid-option');
  });
});

describe(`${runtime}: kernel.plugins.usage()`, () => {
  it('tells what a plugin uses, its phases of start, and what cannot be known', async () => {
    const kernel = await start([worker], {
      metrics: { bytes: true },
      policy: { resources: { default: { memory: '200MB', cpu: 0.9 } } },
    });
    await kernel.commands.execute('test.worker:store', 'x'.repeat(1_000));
    await rejection(kernel.commands.execute('test.worker:fail'));
    const usage = await kernel.plugins.usage('test.worker');
    expect(usage).toMatchObject({
      id: 'test.worker',
      version: '1.0.0',
      state: 'active',
      isolation: 'worker',
      calls: { answered: 2, failed: 1, pending: 0, waiting: 0 },
      crashes: 0,
    });
    expect(usage.storage?.used).toBeGreaterThan(1_000);
    expect(usage.storage?.keys).toBe(1);
    expect(usage.messages?.bytesReceived).toBeGreaterThan(1_000);
    expect(usage.messages?.bytesSent).toBeGreaterThan(2_000);
    expect(usage.messages?.received).toBeGreaterThan(2);
    // What the plugin's runtime says of an error that it did not expect.
    expect(usage.logs.levels.error).toBe(1);
    const { activation } = usage;
    expect(Object.keys(activation ?? {}).sort()).toEqual(
      ['activate', 'configure', 'import', 'read', 'spawn', 'total', 'verify'].sort(),
    );
    expect(activation?.total).toBeGreaterThan(0);
    for (const name of ['memory', 'cpu', 'eventLoop'] as const)
      if (usage[name] === undefined)
        expect(usage.unknown[name]).toBe('this runtime does not tell it of a guest');
    if (usage.memory !== undefined) expect(usage.memory.limit).toBe(200_000_000);
  });

  it('lists all plugins, also those that do not run', async () => {
    const kernel = await start([worker, caller]);
    await kernel.plugins.deactivate('test.caller');
    const all = await kernel.plugins.usage();
    expect(all.map(({ id, state }) => [id, state])).toEqual([
      ['test.worker', 'active'],
      ['test.caller', 'unloaded'],
    ]);
    expect(all[1]?.unknown.memory).toBe('test.caller has no guest now');
    expect((await rejection(kernel.plugins.usage('test.none'))).code).toBe('plugin/not-found');
  });
});

describe(`${runtime}: kernel.metrics`, () => {
  it('keeps counters, gauges and histograms of the application', async () => {
    const kernel = await start([]);
    const orders = kernel.metrics.counter('orders', { unit: '{order}', description: 'Orders.' });
    orders.add();
    orders.add(2, { country: 'de' });
    kernel.metrics.gauge('open').set(-3);
    for (const value of [1, 2, 3]) kernel.metrics.histogram('size').record(value);
    expect(kernel.metrics.series()).toMatchObject([
      { kind: 'counter', name: 'orders', source: 'host', labels: {}, value: 1, unit: '{order}' },
      { kind: 'counter', name: 'orders', labels: { country: 'de' }, value: 2 },
      { kind: 'gauge', name: 'open', value: -3 },
      { kind: 'histogram', name: 'size', count: 3, sum: 6, max: 3 },
    ]);
    const { metrics } = kernel;
    for (const wrong of [
      () => metrics.counter('no name'),
      () => metrics.gauge('orders'),
      () => orders.add(-1),
      () => orders.add(Number.NaN),
      () => orders.add(1, { a: {} as never }),
      () => metrics.histogram('size').record(-1),
    ])
      expect(wrong).toThrow(expect.objectContaining({ code: 'value/invalid' }));
  });

  it('takes measurements of plugins, added up, and refuses what makes no sense', async () => {
    const measuring = pluginOf(
      'test.measuring',
      `const imports = ctx.metrics.counter('imports');
       for (let index = 0; index < 1000; index++) imports.add(1, { format: 'csv' });
       ctx.metrics.gauge('depth').set(3);
       ctx.metrics.gauge('depth').set(7);
       for (let index = 1; index <= 500; index++) ctx.metrics.histogram('size').record(index);
       ctx.commands.handle('wrong', () => imports.add(-1));
       ctx.commands.handle('odd', () => ctx.metrics.counter('no name').add(1));`,
    );
    const kernel = await start([measuring]);
    expect((await rejection(kernel.commands.execute('test.measuring:wrong'))).code).toBe(
      'value/invalid',
    );
    await kernel.commands.execute('test.measuring:odd');
    // Its end sends what it has measured until then.
    await kernel.plugins.deactivate('test.measuring');
    expect(kernel.metrics.series()).toMatchObject([
      { name: 'imports', source: 'test.measuring', labels: { format: 'csv' }, value: 1_000 },
      { name: 'depth', value: 7 },
      { name: 'size', kind: 'histogram', count: 500, max: 500 },
    ]);
    const warned = kernel.logger.recent('kernel').map(({ message }) => message);
    expect(warned.filter((one) => one.includes("'no name' is no name of a metric"))).toHaveLength(
      1,
    );
  });

  it('counts labels without end together', async () => {
    const kernel = await start([]);
    const counter = kernel.metrics.counter('visits');
    for (let index = 0; index < 1_000; index++) counter.add(1, { user: `u${index}` });
    const series = kernel.metrics.series();
    expect(series).toHaveLength(201);
    expect(series.find(({ labels }) => labels.other === 'true')?.value).toBe(800);
    expect(
      kernel.logger.recent('kernel').filter(({ message }) => message.includes('visits')),
    ).toHaveLength(1);
  });

  it('writes the text format of Prometheus', async () => {
    const kernel = await start([worker]);
    await kernel.commands.execute('test.worker:work', 0);
    await rejection(kernel.commands.execute('test.worker:fail'));
    kernel.metrics.counter('visits').add(1, { page: 'a"b\\c\nd' });
    const text = await kernel.metrics.prometheus();
    for (const line of [
      '# TYPE plugin_command_duration_seconds histogram',
      'plugin_command_duration_seconds_count{tenant="tenant-0",plugin="test.worker",kind="command",command="test.worker:work"} 1',
      'plugin_command_errors_total{tenant="tenant-0",plugin="test.worker",kind="command",command="test.worker:fail",error="call/failed"} 1',
      'plugin_state{tenant="tenant-0",state="active"} 1',
      'plinth_calls{tenant="tenant-0"} 2',
      'app_visits_total{page="a\\"b\\\\c\\nd",tenant="tenant-0",source="host"} 1',
    ])
      expect(text).toContain(`${line}\n`);
    for (const line of text.trimEnd().split('\n'))
      expect(line).toMatch(/^(# (HELP|TYPE) [a-z_]+ .*|[a-z_]+\{.*\} [-+0-9.eInfNa]+)$/);
  });

  it('is left out by its option', async () => {
    const kernel = keep(await start([worker], { metrics: false }));
    await kernel.commands.execute('test.worker:work', 0);
    expect(kernel.metrics.snapshot().calls).toBe(1);
    for (const use of [() => kernel.report(), () => kernel.metrics.counter('a')])
      expect(use).toThrow(expect.objectContaining({ code: 'extension/missing' }));
    for (const wrong of [{ levels: [] }, { levels: [{ every: 1, keep: 1 }] }, { bits: 1 }, 'yes'])
      expect((await rejection(start([], { metrics: wrong as never }))).code).toBe(
        'kernel/invalid-option',
      );
  });
});
