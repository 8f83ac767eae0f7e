/** kernel.diagnostics() and kernel.health(): complete, plain, cheap, and without secrets. */
import { explanationText, type KernelOptions, packageSource } from '@plinth/kernel';
import { createKernel } from '@plinth/kernel/create-kernel';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { keep, nextEvent, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { CRASH, pluginOf } from '../support/plugins.ts';

const setting: Setting = { isolation: 'worker', createHost };
const SECRET = 'hunter2-öffentlich"nicht';

describe(`${runtime}: diagnostics`, () => {
  it('is one JSON document about plugins, hosts, limits, problems and counts', async () => {
    const kernel = await startKernel(setting, [
      pluginOf('test.base', `ctx.commands.handle('ping', () => 1);`),
      pluginOf('test.lost', '', { dependencies: { 'test.none': '^1.0.0' } }),
    ]);
    await kernel.commands.execute('test.base:ping');
    const told = kernel.diagnostics();
    expect(JSON.parse(JSON.stringify(told))).toEqual(told);
    expect(told).toMatchObject({ tenant: 'tenant-0', state: 'running', metrics: { calls: 1 } });
    expect(told.hosts?.[0]?.isolations).toContain('worker');
    expect(told.limits?.hook).toBeGreaterThan(0);
    expect(told.plugins).toMatchObject([
      {
        id: 'test.base',
        version: '1.0.0',
        state: 'active',
        enabled: true,
        isolation: 'worker',
        waiting: 0,
        guest: { pending: 0, refused: 0 },
      },
      { id: 'test.lost', state: 'failed', next: 'install test.none@^1.0.0' },
    ]);
    expect(told.plugins[0]?.guest?.phases.spawn).toBeGreaterThan(0);
    expect(told.log?.some(({ message }) => message.includes('test.none'))).toBe(true);
    await kernel.stop();
    expect(kernel.diagnostics().state).toBe('stopped');
  });

  it('is there before the start and while it is in progress', async () => {
    const kernel = keep(
      await createKernel({ host: createHost(), telemetry: { log: false }, sources: [] }),
    );
    expect(kernel.diagnostics()).toMatchObject({ state: 'new', plugins: [] });
    const starting = kernel.start();
    expect(kernel.diagnostics().state).toBe('starting');
    await starting;
  });

  it('tells no secret, in any of its outputs', async () => {
    const talking = pluginOf(
      'test.talking',
      `const secret = await ctx.secrets.get('token');
       ctx.logger.warn('the token is ' + secret, { secret });
       ctx.commands.handle('tell', () => { throw new Error('bad token ' + secret); });
       ctx.commands.handle('code', () => { throw Object.assign(new Error('bad'), { code: secret }); });
       ctx.commands.handle('call', () => ctx.commands.execute('test.talking:' + secret));
       ctx.commands.handle('emit', () => ctx.events.emit(secret, 1));
       ctx.commands.handle('touch', () => ctx.storage.get(secret));
       ctx.metrics.counter('seen').add(1, { label: secret });
       ${CRASH.replace("'gone'", "'gone with ' + secret")}`,
      { permissions: { secrets: { read: ['token'] } } },
    );
    const options: KernelOptions = {
      host: createHost(),
      telemetry: { log: false },
      supervision: { backoff: 60_000 },
      sources: [
        packageSource([talking]),
        {
          origin: `https://admin:${encodeURIComponent('p4ss-w0rd')}@plugins.example/list.json`,
          // biome-ignore lint/correctness/useYield: the source fails before it finds anything.
          async *discover() {
            throw new Error('no route to https://admin:p4ss@p4ss-w0rd@plugins.example/list.json');
          },
        },
      ],
    };
    const kernel = keep(await createKernel(options));
    await kernel.secrets.set('test.talking', 'token', SECRET);
    await kernel.start();
    await rejection(kernel.commands.execute('test.talking:tell'));
    await rejection(kernel.commands.execute('test.talking:touch'));
    for (const command of ['code', 'call', 'emit'])
      await kernel.commands.execute(`test.talking:${command}`).catch(() => {});
    // What it measures is sent a moment later.
    await expect.poll(() => kernel.metrics.series()).toMatchObject([{ name: 'seen' }]);
    const crashed = nextEvent(kernel, 'plugin:crashed');
    kernel.commands.execute('test.talking:crash').catch(() => {});
    await crashed;
    const explained = kernel.plugins.explain('test.talking');
    expect(explained.failures?.length).toBeGreaterThan(0);
    const outputs = {
      diagnostics: JSON.stringify(kernel.diagnostics()),
      explain: JSON.stringify(explained),
      text: explanationText(explained),
      health: JSON.stringify(await kernel.health()),
      usage: JSON.stringify(await kernel.plugins.usage()),
      report: JSON.stringify(await kernel.report()),
      lines: await kernel.report({ format: 'text' }),
      csv: await kernel.report({ format: 'csv' }),
      prometheus: await kernel.metrics.prometheus(),
      series: JSON.stringify(kernel.metrics.series()),
    };
    for (const [name, text] of Object.entries(outputs))
      for (const secret of ['hunter2', encodeURIComponent(SECRET)])
        expect(text, name).not.toContain(secret);
    expect(outputs.diagnostics).not.toContain('p4ss-w0rd');
    expect(outputs.diagnostics).toContain('https://plugins.example/list.json');
  });
});

describe(`${runtime}: the parts of health`, () => {
  it('are healthy in a kernel that runs well', async () => {
    const kernel = await startKernel(setting, [pluginOf('test.base', '')]);
    const { status, parts } = await kernel.health();
    expect(status).toBe('healthy');
    expect(Object.values(parts).map((part) => part.status)).toEqual(Array(7).fill('healthy'));
  });

  it('name what is missing, and whose guest has ended', async () => {
    const kernel = await startKernel(
      setting,
      [
        pluginOf('test.base', CRASH),
        pluginOf('test.lost', '', { dependencies: { 'test.none': '^1.0.0' } }),
      ],
      { supervision: { backoff: 60_000 } },
    );
    const crashed = nextEvent(kernel, 'plugin:crashed');
    kernel.commands.execute('test.base:crash').catch(() => {});
    await crashed;
    const { parts } = await kernel.health();
    expect(parts.guests).toMatchObject({
      status: 'unhealthy',
      reasons: [expect.stringMatching(/^test\.base is failed: /)],
    });
    expect(parts.dependencies).toMatchObject({
      status: 'degraded',
      reasons: [expect.stringMatching(/^test\.lost is failed: .*test\.none/)],
    });
    expect(parts.storage.status).toBe('healthy');
  });

  it('ask a plugin once for all that ask at the same time', async () => {
    const kernel = await startKernel(setting, [
      pluginOf(
        'test.asked',
        `ctx.commands.handle('count', () => globalThis.count ?? 0);`,
        {},
        `healthCheck() { globalThis.count = (globalThis.count ?? 0) + 1; return { status: 'healthy' }; },`,
      ),
    ]);
    await Promise.all(Array.from({ length: 50 }, () => kernel.health()));
    expect(await kernel.commands.execute('test.asked:count')).toBe(1);
  });
});
