/**
 * Operations on plugins while something else happens to them: requests keep their order, state is
 * kept, and failed operations change nothing.
 */

import {
  createKernel,
  type Kernel,
  memoryStorage,
  type PackageInput,
  type PluginPackage,
  packageOf,
  packageSource,
} from '@plinth/kernel';
import { definePlugin } from '@plinth/sdk';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { nextEvent, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { bundleOf, CRASH, pluginOf, type TextPackage } from '../support/plugins.ts';
import { outliving } from '../support/storages.ts';

const setting: Setting = { isolation: 'worker', createHost };
const ID = 'test.p';
const MAY = { permissions: { commands: { execute: ['*'] }, events: { subscribe: ['test:*'] } } };

/** Counts, records what it hears, crashes and hangs on request, and returns its version. */
function version(
  of: string,
  activate = '',
  manifest: Partial<TextPackage['manifest']> = {},
  members = '',
): TextPackage {
  return pluginOf(
    manifest.id ?? ID,
    `${activate}
     ctx.commands.handle('version', () => '${of}');
     ctx.commands.handle('count', () => ++this.n);
     ctx.commands.handle('note', (what) => { this.heard.push(what); });
     ctx.commands.handle('heard', () => this.heard);
     ${CRASH}
     ctx.commands.handle('hang', () => { for (;;); });
     ctx.events.on('test:*', ({ payload }) => { this.heard.push(payload); });`,
    { version: of, ...MAY, ...manifest },
    `n: 0, heard: [], ${members || 'getState() { return this.n; }, restoreState(n) { this.n = n; },'}`,
  );
}
const packed = (...args: Parameters<typeof version>): PluginPackage => packageOf(version(...args));
const ask = (kernel: Kernel, name: string, id = ID) =>
  kernel.commands.execute(`${id}:${name}`, undefined, { timeout: 10_000 });
const states = (kernel: Kernel, id = ID) =>
  kernel.plugins
    .list()
    .filter((one) => one.id === id)
    .map(({ version: of, state, enabled }) => `${of} ${state}${enabled ? '' : ' disabled'}`)
    .sort();
const settled = (promise: Promise<unknown>) =>
  promise.then(
    () => 'ok',
    (error: { code?: string }) => error.code,
  );

/** Blocks each caller that asks the host for it; reports when one does. */
function gateOf(kernel: Kernel) {
  let open!: () => void;
  let tell!: () => void;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const reached = new Promise<void>((resolve) => {
    tell = resolve;
  });
  kernel.commands.handle('gate', () => {
    tell();
    return opened;
  });
  return { open, reached };
}
const GATED = `await ctx.commands.execute('host:gate');`;

describe(`operations, ${runtime}`, () => {
  it.each([
    ['deactivate', '1.1.0 unloaded'],
    ['suspend', '1.1.0 suspended'],
    ['hibernate', '1.1.0 suspended'],
    ['reload', '1.1.0 active'],
    ['activate', '1.1.0 active'],
  ] as const)(
    '%s while an update replaces the version applies to the new version, once it runs',
    async (operation, expected) => {
      const kernel = await startKernel(setting, [version('1.0.0')]);
      const gate = gateOf(kernel);
      const updating = kernel.plugins.update(ID, packed('1.1.0', GATED));
      await gate.reached;
      const steered = kernel.plugins[operation](ID);
      gate.open();
      await Promise.all([updating, steered]);
      expect(states(kernel)).toEqual([expected]);
    },
  );

  it('an activation waits for no other plugin that starts, stops or pauses', async () => {
    const kernel = await startKernel(setting, [
      pluginOf('test.slow', GATED, { activation: [], ...MAY }),
      pluginOf('test.quick', '', { activation: [] }),
    ]);
    const gate = gateOf(kernel);
    const slow = kernel.plugins.activate('test.slow');
    await gate.reached;
    await kernel.plugins.activate('test.quick');
    await kernel.plugins.deactivate('test.quick');
    expect(kernel.plugins.get('test.slow')?.state).not.toBe('active');
    gate.open();
    await slow;
  });

  it('resume() after suspend() in one tick leaves the plugin active', async () => {
    const kernel = await startKernel(setting, [version('1.0.0')]);
    await Promise.all([kernel.plugins.suspend(ID), kernel.plugins.resume(ID)]);
    expect(states(kernel)).toEqual(['1.0.0 active']);
  });

  it('activate, deactivate, activate: the last request counts', async () => {
    const kernel = await startKernel(setting, [version('1.0.0', '', { activation: [] })]);
    await Promise.all([
      kernel.plugins.activate(ID),
      kernel.plugins.deactivate(ID),
      kernel.plugins.activate(ID),
    ]);
    expect(states(kernel)).toEqual(['1.0.0 active']);
  });

  it.each(['update', 'reload'] as const)(
    '%s while it starts: the caller that woke it is answered, and it continues to run',
    async (operation) => {
      const kernel = await startKernel(setting, [
        version('1.0.0', GATED, { activation: [`command:${ID}:version`] }),
      ]);
      const gate = gateOf(kernel);
      const call = ask(kernel, 'version');
      await gate.reached;
      // It now also starts with the kernel.
      const steered =
        operation === 'update'
          ? kernel.plugins.update(ID, packed('1.1.0'), { consent: true })
          : kernel.plugins.reload(ID);
      gate.open();
      await steered;
      expect(await call).toBe('1.0.0');
      expect(await ask(kernel, 'version')).toBe(operation === 'update' ? '1.1.0' : '1.0.0');
    },
  );

  describe('suspended by request', () => {
    it.each(['reload', 'update'] as const)(
      '%s: it stays suspended, and what waits keeps waiting, in order',
      async (operation) => {
        const kernel = await startKernel(setting, [version('1.0.0')]);
        await ask(kernel, 'count');
        await kernel.plugins.suspend(ID);
        await kernel.events.emit('test:tick', 1);
        const noted = kernel.commands.execute(`${ID}:note`, 2);
        await kernel.events.emit('test:tick', 3);
        const call = ask(kernel, 'count');
        await (operation === 'update'
          ? kernel.plugins.update(ID, packed('1.1.0'))
          : kernel.plugins.reload(ID));
        expect(states(kernel)).toEqual([`${operation === 'update' ? '1.1.0' : '1.0.0'} suspended`]);
        await kernel.plugins.resume(ID);
        expect([await call, await noted, await ask(kernel, 'heard')]).toEqual([
          2,
          undefined,
          [1, 2, 3],
        ]);
      },
    );

    it('a reload that fails changes nothing', async () => {
      let bad = false;
      const good = packed('1.0.0');
      const kernel = await startKernel(setting, []);
      await kernel.plugins.install({
        ...good,
        code: async (main) =>
          bad ? 'export default { activate() { throw new Error("no"); } };' : good.code(main),
      });
      await kernel.plugins.activate(ID);
      await ask(kernel, 'count');
      await kernel.plugins.suspend(ID);
      const call = ask(kernel, 'count');
      bad = true;
      expect(await rejection(kernel.plugins.reload(ID))).toMatchObject({
        code: 'plugin/activation-failed',
      });
      expect(kernel.plugins.get(ID)).toMatchObject({ state: 'suspended', reason: 'request' });
      await kernel.plugins.resume(ID);
      expect(await call).toBe(2);
    });
  });

  it('paused for a missing dependency: an update that lacks it too changes nothing and starts nothing', async () => {
    const needy = (of: string) => version(of, '', { dependencies: { 'test.d': '^1.0.0' } });
    const kernel = await startKernel(setting, [
      needy('1.0.0'),
      version('1.0.0', '', { id: 'test.d' }),
    ]);
    await ask(kernel, 'count');
    await kernel.plugins.deactivate('test.d');
    await kernel.events.emit('test:tick', 1);
    expect(await rejection(kernel.plugins.update(ID, packageOf(needy('1.1.0'))))).toMatchObject({
      code: 'plugin/dependency-failed',
      details: { path: [ID, 'test.d'] },
    });
    expect([states(kernel), states(kernel, 'test.d')]).toEqual([
      ['1.0.0 suspended'],
      ['1.0.0 unloaded'],
    ]);
    await kernel.plugins.activate('test.d');
    expect([await ask(kernel, 'count'), await ask(kernel, 'heard')]).toEqual([2, [1]]);
  });

  it('events during hibernation are delivered in their order of arrival', async () => {
    const kernel = await startKernel(setting, [version('1.0.0')]);
    await kernel.plugins.hibernate(ID);
    const made = [0, 1, 2, 3, 4, 5].map((n) =>
      n % 2 === 0 ? kernel.events.emit('test:tick', n) : kernel.commands.execute(`${ID}:note`, n),
    );
    await Promise.all(made);
    expect(await ask(kernel, 'heard')).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('an emitter with a no-loss guarantee is told what no longer waits', async () => {
    const counting = `let seen = 0; ctx.events.on('test:tick', () => { seen += 1; }, { overflow: 'block' }); ctx.commands.handle('seen', () => seen);`;
    const kernel = await startKernel(setting, [pluginOf(ID, counting, MAY)]);
    await kernel.plugins.suspend(ID);
    const emitted = await Promise.all(
      Array.from({ length: 8_200 }, (_, n) => settled(kernel.events.emit('test:tick', n))),
    );
    expect([
      emitted.filter((one) => one === 'ok').length,
      emitted.filter((one) => one === 'call/overloaded').length,
    ]).toEqual([8_192, 8]);
    await kernel.plugins.resume(ID);
    await expect.poll(() => ask(kernel, 'seen')).toBe(8_192);
  });

  it('limits.parallel applies to dependencies of several plugins', async () => {
    const leaves = ['a', 'b', 'c', 'd'].map((name) => `leaf.${name}`);
    const packages = [
      ...leaves.map((id) =>
        pluginOf(id, `await ctx.commands.execute('host:start');`, { activation: [], ...MAY }),
      ),
      pluginOf('top.a', '', { dependencies: { 'leaf.a': '*', 'leaf.b': '*' } }),
      pluginOf('top.b', '', { dependencies: { 'leaf.c': '*', 'leaf.d': '*' } }),
    ];
    const kernel = await createKernel({
      host: createHost(),
      sources: [
        {
          origin: 'here',
          discover: async function* () {
            yield* packages.map((one) => packageOf(one));
          },
        },
      ],
      limits: { parallel: 2 },
    });
    let [now, most, came] = [0, 0, 0];
    const waiting: (() => void)[] = [];
    kernel.commands.handle('start', async () => {
      now += 1;
      came += 1;
      most = Math.max(most, now);
      // Each waits for one more to arrive; a third would be noticed.
      if (came % 2 === 1) await new Promise<void>((resolve) => void waiting.push(resolve));
      else waiting.shift()?.();
      now -= 1;
    });
    await kernel.start();
    expect([most, kernel.plugins.list().map(({ state }) => state)]).toEqual([
      2,
      packages.map(() => 'active'),
    ]);
    await kernel.stop();
  });

  /** A plugin whose activation ends when the gate is opened. */
  const gated = () => {
    const reached = Promise.withResolvers<void>();
    const opened = Promise.withResolvers<void>();
    const plugin = definePlugin({
      activate() {
        reached.resolve();
        return opened.promise;
      },
    });
    const { manifest } = pluginOf('test.slow', '');
    return { slow: { manifest, plugin }, reached: reached.promise, open: opened.resolve };
  };

  it.each(['at once', 'while a plugin starts'])(
    'start() that is overtaken by stop() %s rejects, and nothing was started',
    async (when) => {
      const { slow, reached, open } = gated();
      const kernel = await createKernel({
        isolation: 'inline',
        sources: [
          packageSource([slow, pluginOf('test.late', '', { dependencies: { 'test.slow': '*' } })]),
        ],
      });
      const told: string[] = [];
      kernel.events.on('kernel:started', () => told.push('started'));
      const started = rejection(kernel.start());
      if (when !== 'at once') await reached;
      const stopping = kernel.stop();
      open();
      await stopping;
      expect(await started).toMatchObject({
        code: 'kernel/stopped',
        message: expect.stringContaining('before it had started'),
      });
      expect(told).toEqual([]);
      expect(kernel.plugins.list().filter(({ state }) => state === 'active')).toEqual([]);
    },
  );

  it('start() of a tenant that is overtaken by stop() rejects', async () => {
    const { slow, open } = gated();
    const kernel = await createKernel({ isolation: 'inline', sources: [packageSource([slow])] });
    const tenant = kernel.tenant('blue');
    const [own, whole] = [rejection(tenant.start()), rejection(kernel.start())];
    const stopping = kernel.stop();
    open();
    await stopping;
    for (const started of [own, whole])
      expect(await started).toMatchObject({ code: 'kernel/stopped' });
  });

  it('after stop() nothing can be changed', async () => {
    const storage = outliving(memoryStorage());
    const kernel = await startKernel(setting, [version('1.0.0')], { storage });
    await kernel.stop();
    const before = await storage.keys('');
    const { plugins } = kernel;
    const asked = [
      plugins.install(packed('2.0.0')),
      plugins.disable(ID),
      plugins.enable(ID),
      plugins.update(ID, packed('1.1.0')),
      plugins.uninstall(ID),
    ];
    expect(await Promise.all(asked.map(settled))).toEqual(asked.map(() => 'kernel/stopped'));
    expect(await storage.keys('')).toEqual(before);
  });
});

describe(`state over crashes, ${runtime}`, () => {
  const patient = { supervision: { backoff: 60_000, maxBackoff: 60_000 } };
  const quick = { supervision: { backoff: 20, maxBackoff: 40 } };
  const crash = async (kernel: Kernel, id = ID) => {
    const crashed = nextEvent(kernel, 'plugin:crashed');
    await rejection(ask(kernel, 'crash', id));
    await crashed;
  };
  /** A plugin that has counted to two, and whose state is known. */
  async function counted(
    options: typeof quick,
    packages: readonly PackageInput[] = [version('1.0.0')],
  ): Promise<Kernel> {
    const kernel = await startKernel(setting, packages, options);
    await ask(kernel, 'count');
    await ask(kernel, 'count');
    await kernel.plugins.reload(ID);
    return kernel;
  }

  it('handed-over state survives a crash before the next snapshot', async () => {
    const kernel = await counted(quick);
    await crash(kernel);
    expect(await ask(kernel, 'count')).toBe(3);
    await kernel.plugins.hibernate(ID);
    expect(await ask(kernel, 'version')).toBe('1.0.0');
    await crash(kernel);
    expect(await ask(kernel, 'count')).toBe(4);
  });

  it.each(['activate', 'reload', 'update'] as const)(
    '%s during a pending restart: it starts with its last state',
    async (operation) => {
      const kernel = await counted(patient);
      await crash(kernel);
      await (operation === 'update'
        ? kernel.plugins.update(ID, packed('1.1.0'))
        : kernel.plugins[operation](ID));
      expect([await ask(kernel, 'count'), await ask(kernel, 'version')]).toEqual([
        3,
        operation === 'update' ? '1.1.0' : '1.0.0',
      ]);
    },
  );

  it('the version before gets back the state that it has handed over', async () => {
    const kernel = await counted(quick);
    await kernel.plugins.update(ID, packed('1.1.0'));
    const back = nextEvent(kernel, 'plugin:rolled-back');
    await crash(kernel);
    await back;
    expect([await ask(kernel, 'version'), await ask(kernel, 'count')]).toEqual(['1.0.0', 3]);
  });

  it('a state that it refuses is tried once', async () => {
    const picky = `getState() { this.asked(); return 'poison'; }, restoreState(state) { if (state === 'poison') throw new Error('bad state'); },`;
    const tells = `this.asked = () => void ctx.commands.execute('host:asked');`;
    const kernel = await startKernel(setting, [version('1.0.0', tells, {}, picky)], {
      supervision: { ...quick.supervision, snapshot: 10 },
    });
    // When the second request is answered, the first has been heard.
    await new Promise<void>((resolve) => {
      let asked = 0;
      kernel.commands.handle('asked', () => void (++asked === 2 && resolve()));
    });
    const back = nextEvent(kernel, 'plugin:restarted');
    await crash(kernel);
    await back;
    expect(states(kernel)).toEqual(['1.0.0 active']);
  });

  it.each(['reload', 'update'] as const)(
    '%s of a hanging plugin: it is replaced, with the known state',
    async (operation) => {
      const kernel = await startKernel(setting, [version('1.0.0')], { supervision: false });
      ask(kernel, 'hang').catch(() => {});
      await (operation === 'update'
        ? kernel.plugins.update(ID, packed('1.1.0'))
        : kernel.plugins.reload(ID));
      expect(await ask(kernel, 'version')).toBe(operation === 'update' ? '1.1.0' : '1.0.0');
    },
  );

  it('a plugin disabled during a pending restart is not started and no longer blamed, and runs again when enabled', async () => {
    const kernel = await startKernel(setting, [version('1.0.0')], {
      supervision: { ...patient.supervision, crashes: 2 },
    });
    const told: string[] = [];
    kernel.events.on('plugin:*', ({ topic }) => void told.push(topic));
    await crash(kernel);
    await kernel.plugins.disable(ID);
    expect(states(kernel)).toEqual(['1.0.0 failed disabled']);
    await kernel.plugins.enable(ID);
    expect(states(kernel)).toEqual(['1.0.0 active']);
    expect(told).not.toContain('plugin:quarantined');
  });

  it('crashes are counted across hibernation', async () => {
    const kernel = await startKernel(setting, [version('1.0.0')], {
      supervision: { ...quick.supervision, crashes: 2 },
    });
    const back = nextEvent(kernel, 'plugin:restarted');
    await crash(kernel);
    await back;
    expect(await kernel.plugins.hibernate(ID)).toBe(true);
    const quarantined = nextEvent(kernel, 'plugin:quarantined');
    await rejection(ask(kernel, 'crash'));
    expect(await quarantined).toMatchObject({ id: ID, crashes: 2 });
  });

  it('a plugin that crashed, or was first called, while its dependency was away runs when that is back', async () => {
    const needy = version('1.0.0', '', { id: 'test.d', dependencies: { [ID]: '^1.0.0' } });
    const lazy = version('1.0.0', '', {
      id: 'test.lazy',
      dependencies: { [ID]: '^1.0.0' },
      activation: ['command:test.lazy:version'],
    });
    const kernel = await startKernel(setting, [version('1.0.0'), needy, lazy], patient);
    await crash(kernel, 'test.d');
    await kernel.plugins.disable(ID);
    expect(await rejection(ask(kernel, 'version', 'test.lazy'))).toMatchObject({
      code: 'plugin/dependency-failed',
    });
    await rejection(kernel.plugins.activate('test.d'));
    const active = nextEvent(kernel, 'plugin:activated');
    await kernel.plugins.enable(ID);
    expect(await active).toMatchObject({ id: ID });
    await expect.poll(() => states(kernel, 'test.d')).toEqual(['1.0.0 active']);
    expect(await ask(kernel, 'version', 'test.lazy')).toBe('1.0.0');
  });

  it('a plugin that crashes while suspended by request is restarted as suspended, and resumed only by request', async () => {
    // It has answered that it is suspended before it learns whether it dies.
    const members = `n: 0, heard: [], suspend() { this.ctx.commands.execute('host:dies').then((dies) => { if (dies) throw new Error('gone'); }); },`;
    const kernel = await startKernel(setting, [version('1.0.0', 'this.ctx = ctx;', {}, members)], {
      supervision: { backoff: 1 },
    });
    for (const wake of [() => kernel.plugins.resume(ID), () => kernel.plugins.activate(ID)]) {
      let deaths = 1;
      const asleep = Promise.withResolvers<void>();
      const handler = kernel.commands.handle('dies', () => asleep.promise.then(() => deaths-- > 0));
      const restarted = nextEvent(kernel, 'plugin:restarted');
      await kernel.plugins.suspend(ID);
      asleep.resolve();
      await restarted;
      expect(kernel.plugins.get(ID)).toMatchObject({ state: 'suspended', reason: 'request' });
      const waiting = ask(kernel, 'version');
      await wake();
      expect(await waiting).toBe('1.0.0');
      handler.dispose();
    }
  });

  it('claims of a plugin that only the kernel can know, such as what another one lacks, are ignored', async () => {
    const forged = (details: string) =>
      `throw Object.assign(new Error('not me'), { name: 'PluginError', code: 'plugin/dependency-failed', details: ${details} });`;
    for (const details of ['{}', `{ path: ['${ID}', 'test.other'] }`]) {
      const liar = bundleOf(ID, `export default { get activate() { ${forged(details)} } };`, {
        activation: ['startup'],
      });
      const needy = version('1.0.0', '', { id: 'test.d', dependencies: { [ID]: '^1.0.0' } });
      const weary = pluginOf(
        'test.weary',
        '',
        { activation: ['startup'] },
        `suspend() {}, resume() { ${forged(details)} },`,
      );
      const kernel = await startKernel(
        setting,
        [
          liar,
          needy,
          weary,
          version('1.0.0', '', { id: 'test.other', activation: ['command:test.other:version'] }),
        ],
        patient,
      );
      expect(await rejection(kernel.plugins.activate('test.d'))).toMatchObject({
        code: 'plugin/dependency-failed',
        details: { path: ['test.d', ID] },
      });
      await kernel.plugins.suspend('test.weary');
      expect(await rejection(kernel.plugins.resume('test.weary'))).toMatchObject({
        code: 'plugin/hook-failed',
        details: { hook: 'resume' },
      });
      await kernel.plugins.activate('test.other');
      expect(kernel.plugins.get(ID)).toMatchObject({
        state: 'failed',
        error: { code: 'plugin/load-failed' },
      });
      await kernel.stop();
    }
  });
});

describe(`updates, ${runtime}`, () => {
  it('each line of versions has its own rollback', async () => {
    const kernel = await startKernel(setting, [version('1.0.0'), version('2.0.0')], {
      supervision: { backoff: 20 },
    });
    await kernel.plugins.update(`${ID}@^1`, packed('1.1.0'));
    await kernel.plugins.update(`${ID}@^2`, packed('2.1.0'));
    const back = nextEvent(kernel, 'plugin:rolled-back');
    await rejection(kernel.commands.execute(`${ID}:crash`, undefined, { version: '^1' }));
    expect(await back).toMatchObject({ version: '1.0.0', from: '1.1.0' });
    await expect.poll(() => states(kernel)).toEqual(['1.0.0 active', '2.1.0 active']);
    await kernel.plugins.rollback(`${ID}@^2`);
    expect(states(kernel)).toEqual(['1.0.0 active', '2.0.0 active']);
    expect(await rejection(kernel.plugins.rollback(ID))).toMatchObject({
      code: 'plugin/no-previous-version',
    });
  });

  it('what another kernel over the same storage has installed stays', async () => {
    const storage = outliving(memoryStorage());
    const one = await startKernel(setting, [], { storage });
    const other = await startKernel(setting, [], { storage });
    await one.plugins.install(packed('1.0.0'));
    await other.plugins.install(packed('2.0.0'));
    await one.plugins.update(ID, packed('1.5.0'));
    await Promise.all([one.stop(), other.stop()]);
    const next = await startKernel(setting, [], { storage });
    expect(states(next)).toEqual(['1.5.0 active', '2.0.0 active']);
    await next.plugins.rollback(`${ID}@^1`);
    expect(states(next)).toEqual(['1.0.0 active', '2.0.0 active']);
  });

  it.each([false, true])(
    'a version that cannot be activated is rolled back automatically, even before a call wakes it (in the next kernel: %s)',
    async (later) => {
      const storage = outliving(memoryStorage());
      const lazy = (of: string, activate = '') =>
        version(of, activate, { activation: [`command:${ID}:version`] });
      const first = await startKernel(setting, [lazy('1.0.0')], { storage });
      await first.plugins.update(ID, packageOf(lazy('1.1.0', `throw new Error('bad build');`)));
      if (later) await first.stop();
      const kernel = later ? await startKernel(setting, [lazy('1.0.0')], { storage }) : first;
      const back = nextEvent(kernel, 'plugin:rolled-back');
      await rejection(ask(kernel, 'version'));
      expect(await back).toMatchObject({ version: '1.0.0', from: '1.1.0' });
      expect(await ask(kernel, 'version')).toBe('1.0.0');
    },
  );

  it.each([
    ['uninstall', []],
    ['disable', ['1.0.0 resolved disabled']],
    ['update', ['1.2.0 active']],
  ] as const)(
    '%s of what reload() has put in place of another version: the next kernel does not restore that',
    async (operation, expected) => {
      const storage = outliving(memoryStorage());
      const kernel = await startKernel(setting, [version('1.0.0')], { storage });
      await kernel.plugins.reload(ID, packed('1.1.0-dev.1'));
      await kernel.plugins.reload(ID, packed('1.1.0-dev.2'));
      await (operation === 'update'
        ? kernel.plugins.update(ID, packed('1.2.0'))
        : kernel.plugins[operation](ID));
      await kernel.stop();
      const next = await startKernel(setting, [version('1.0.0')], { storage });
      expect(states(next)).toEqual(expected);
    },
  );

  it('reload() of what was disabled, updated and rolled back: the rollback works, now and in the next kernel', async () => {
    const storage = outliving(memoryStorage());
    const kernel = await startKernel(setting, [version('1.0.0')], { storage });
    await kernel.plugins.disable(ID);
    await kernel.plugins.update(ID, packed('1.1.0'));
    await kernel.plugins.enable(ID);
    await kernel.plugins.reload(ID, packed('1.0.0'));
    expect(states(kernel)).toEqual(['1.0.0 active']);
    await kernel.plugins.reload(ID, packed('1.1.0'));
    await kernel.plugins.reload(ID, packed('1.1.1'));
    await kernel.plugins.update(ID, packed('1.2.0'));
    await kernel.plugins.rollback(ID);
    expect(states(kernel)).toEqual(['1.1.1 active']);
    await kernel.stop();
    expect(states(await startKernel(setting, [version('1.0.0')], { storage }))).toEqual([
      '1.1.0 active',
    ]);
  });

  it('probation of a plugin that was suspended during its update begins when it is resumed, and ends', async () => {
    const storage = outliving(memoryStorage());
    const kernel = await startKernel(setting, [version('1.0.0')], {
      storage,
      limits: { trial: 200 },
      supervision: { backoff: 10 },
    });
    const trials = async () =>
      ((await storage.get(`tenant-0\0plinth\0entry\0${ID}`)) as { trials: unknown }).trials;
    await kernel.plugins.suspend(ID);
    await kernel.plugins.update(ID, packed('1.1.0'));
    expect(await trials()).toEqual(['1.1.0']);
    await kernel.plugins.resume(ID);
    await expect.poll(trials).toEqual([]);
    const back = nextEvent(kernel, 'plugin:restarted');
    await rejection(ask(kernel, 'crash'));
    await back;
    expect(states(kernel)).toEqual(['1.1.0 active']);
  });

  it('a version that its source has lost meanwhile can be restored, and stays', async () => {
    const storage = outliving(memoryStorage());
    const kernel = await startKernel(setting, [version('1.0.0')], { storage });
    await kernel.plugins.update(ID, packed('1.1.0'));
    await kernel.stop();
    const without = await startKernel(setting, [], { storage });
    await without.plugins.rollback(ID);
    expect(await ask(without, 'version')).toBe('1.0.0');
    await without.stop();
    expect(states(await startKernel(setting, [], { storage }))).toEqual(['1.0.0 active']);
  });

  it('the data of a kernel of the first format is read', async () => {
    const storage = outliving(memoryStorage());
    const kernel = await startKernel(setting, [version('1.0.0')], { storage });
    await kernel.plugins.update(ID, packed('1.1.0'));
    await kernel.stop();
    for (const key of await storage.keys('')) {
      if (!/(entry|copy)\0/.test(key)) continue;
      await storage.update(key, (entry) => {
        const { ready, trials, ...rest } = entry as {
          ready: object;
          trials: unknown;
          installed: object;
        };
        return {
          ...rest,
          format: 1,
          installed: { ...rest.installed, ...ready },
          previous: { version: '1.0.0', of: '1.1.0' },
        };
      });
    }
    const next = await startKernel(setting, [], { storage });
    expect(await ask(next, 'version')).toBe('1.1.0');
    await next.plugins.rollback(ID);
    expect([await ask(next, 'version'), (await next.health()).problems]).toEqual(['1.0.0', []]);
  });
});
