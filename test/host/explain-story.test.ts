/** explain(): who is involved, what happened, and the next step, for each kind of trouble. */
import {
  explanationText,
  type Kernel,
  type KernelOptions,
  type PackageInput,
} from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { nextEvent, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { CRASH, pluginOf } from '../support/plugins.ts';

const setting: Setting = { isolation: 'worker', createHost };
const start = (packages: readonly PackageInput[], options: KernelOptions = {}): Promise<Kernel> =>
  startKernel(setting, packages, options);
const base = pluginOf('test.base', `ctx.commands.handle('ping', () => 'pong'); ${CRASH}`);
const top = pluginOf(
  'test.top',
  `ctx.commands.handle('go', () => ctx.commands.execute('test.base:ping'));`,
  {
    dependencies: { 'test.base': '^1.0.0' },
    permissions: { commands: { execute: ['test.base:ping'] } },
  },
);
const next = (kernel: Kernel, id: string) => kernel.plugins.explain(id).next;

describe(`${runtime}: the story of a plugin`, () => {
  it('tells of a running plugin who needs and calls it, its rights, and what happened', async () => {
    const kernel = await start([base, top]);
    await kernel.commands.execute('test.top:go');
    await kernel.commands.execute('test.base:ping');
    const told = kernel.plugins.explain('test.base');
    expect(told).toMatchObject({
      running: true,
      neededBy: [{ id: 'test.top', state: 'active', version: '1.0.0' }],
      calledBy: expect.arrayContaining([
        { id: 'test.top', calls: 1 },
        { id: 'host', calls: 1 },
      ]),
      history: [{ what: 'activated', version: '1.0.0' }],
    });
    expect(told.next).toBeUndefined();
    expect(told.history?.[0]?.because).toMatch(/^activated by /);
    expect(kernel.plugins.explain('test.top').rights?.commands?.execute).toContain(
      'test.base:ping',
    );
    const text = explanationText(told);
    expect(text).toContain('needed by: test.top (active)');
    expect(text).toMatch(/activated: activated by /);
  });

  it('tells crashes with their stacks, the planned restart, and that to wait for it is the step', async () => {
    const kernel = await start([base], { supervision: { backoff: 60_000 } });
    const crashed = nextEvent(kernel, 'plugin:crashed');
    kernel.commands.execute('test.base:crash').catch(() => {});
    await crashed;
    const told = kernel.plugins.explain('test.base');
    expect(told.failures).toMatchObject([{ code: 'guest/crashed', command: 'test.base:crash' }]);
    expect(told.history?.map(({ what }) => what)).toEqual(
      expect.arrayContaining(['activated', 'crashed']),
    );
    expect(told.next).toMatch(/^wait until \d{4}-/);
  });

  it('names the chain to the plugin at fault, and its next step', async () => {
    const kernel = await start([
      pluginOf('test.base', `throw new TypeError('no disk');`),
      top,
      pluginOf('test.roof', '', { dependencies: { 'test.top': '^1.0.0' } }),
    ]);
    const told = kernel.plugins.explain('test.roof');
    expect(told.chain?.map(({ id }) => id)).toEqual(['test.roof', 'test.top', 'test.base']);
    expect(told.next).toMatch(/^mend what it says \(.*no disk.*kernel\.plugins\.activate/);
    expect(told.next).toContain("'test.base'");
    expect(kernel.plugins.explain('test.base').failures?.[0]?.stack).toContain('no disk');
  });

  it('suggests the id that was meant, and the version that is missing', async () => {
    const kernel = await start([
      base,
      pluginOf('test.typo', '', { dependencies: { 'test.bsae': '^1.0.0' } }),
      pluginOf('test.late', '', { dependencies: { 'test.base': '^2.0.0' } }),
    ]);
    expect(next(kernel, 'test.typo')).toBe("install test.bsae@^1.0.0 (did you mean 'test.base'?)");
    expect(next(kernel, 'test.late')).toBe('install a version of test.base in ^2.0.0: found 1.0.0');
    expect(next(kernel, 'test.baes')).toContain("did you mean 'test.base'?");
  });

  it('tells what was denied, how often, and what would allow it', async () => {
    const kernel = await start([
      pluginOf(
        'test.curious',
        `ctx.commands.handle('read', () => ctx.storage.get('key'));
         ctx.commands.handle('fetch', () => ctx.fetch('https://a.example/'));`,
        { permissions: { network: { fetch: ['https://a.example'] } } },
      ),
    ]);
    for (let index = 0; index < 3; index++)
      await rejection(kernel.commands.execute('test.curious:read'));
    expect(kernel.plugins.explain('test.curious').denials).toMatchObject([
      {
        ...{ permission: 'storage.read', reason: 'manifest', count: 3 },
        add: '"permissions":{"storage":{"read":true}}',
      },
    ]);
    expect(explanationText(kernel.plugins.explain('test.curious'))).toContain(
      '3 times (manifest), add "permissions":{"storage":{"read":true}}',
    );
    expect(next(kernel, 'test.curious')).toContain('ask for storage.read');
    await kernel.permissions.revoke('test.curious', 'network.fetch', 'https://a.example');
    await rejection(kernel.commands.execute('test.curious:fetch'));
    expect(kernel.plugins.explain('test.curious').denials?.at(-1)).toMatchObject({
      reason: 'revoked',
      add: `kernel.permissions.grant('test.curious', 'network.fetch', "https://a.example")`,
    });
    expect(next(kernel, 'test.curious')).toMatch(
      /^kernel\.permissions\.grant\('test\.curious', 'network\.fetch'/,
    );
  });

  it('keeps the latest denials, and asks for no right that the plugin has got since', async () => {
    const kernel = await start([
      base,
      pluginOf(
        'test.curious',
        `ctx.commands.handle('call', (id) => ctx.commands.execute(id).catch(({ code }) => code));`,
      ),
    ]);
    const call = (id: string) => kernel.commands.execute('test.curious:call', id);
    for (let at = 0; at < 25; at++) await call(`test.other:no${at}`);
    await call('test.base:ping');
    const scopes = kernel.plugins.explain('test.curious').denials?.map(({ scope }) => scope);
    expect(scopes).toHaveLength(20);
    expect(scopes?.at(-1)).toBe('test.base:ping');
    expect(next(kernel, 'test.curious')).toContain("'test.base:ping'");
    await kernel.permissions.grant('test.curious', 'commands.execute', 'test.*');
    expect(await call('test.base:ping')).toBe('pong');
    expect(next(kernel, 'test.curious')).toBeUndefined();
  });

  it('says how to bring back what an operator has stopped, paused or disabled', async () => {
    const kernel = await start([base]);
    await kernel.plugins.suspend('test.base');
    const waiting = kernel.commands.execute('test.base:ping');
    expect(kernel.plugins.explain('test.base').waits).toEqual({ holds: ['pause'], messages: 1 });
    expect(next(kernel, 'test.base')).toBe("kernel.plugins.resume('test.base')");
    await kernel.plugins.resume('test.base');
    await waiting;
    await kernel.plugins.deactivate('test.base');
    expect(next(kernel, 'test.base')).toBe("kernel.plugins.activate('test.base')");
    await kernel.plugins.disable('test.base');
    expect(next(kernel, 'test.base')).toBe("kernel.plugins.enable('test.base')");
    expect(kernel.plugins.explain('test.base').history?.map(({ what }) => what)).toEqual([
      'activated',
      'suspended',
      'resumed',
      'deactivated',
      'disabled',
    ]);
  });

  it('names the open breaker of a plugin that runs', async () => {
    const kernel = await start(
      [pluginOf('test.flaky', `ctx.commands.handle('go', () => { throw new Error('down'); });`)],
      { resilience: { 'test.flaky:*': { breaker: { halfOpenAfter: 60_000 } } } },
    );
    for (let index = 0; index < 30; index++)
      await rejection(kernel.commands.execute('test.flaky:go'));
    expect(kernel.plugins.explain('test.flaky').breakers).toMatchObject([
      { command: 'test.flaky:go', state: 'open' },
    ]);
    expect(next(kernel, 'test.flaky')).toContain('test.flaky:go fails: its circuit is open');
  });
});
