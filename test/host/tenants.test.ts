/** Tenants of one kernel: the same plugins, with nothing else shared that they could observe. */

import {
  createKernel,
  type Kernel,
  type KernelOptions,
  memoryStorage,
  type PackageInput,
  type PluginPackage,
  packageOf,
  type StorageAdapter,
} from '@plinth/kernel';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createHost, persistentStorage, runtime, storageName } from '#host';
import { nextEvent, rejection, startKernel } from '../support/kernels.ts';
import { CRASH, pluginOf } from '../support/plugins.ts';
import { outliving } from '../support/storages.ts';

type Tenant = ReturnType<Kernel['tenant']>;
const setting = { isolation: 'worker', createHost } as const;
const ID = 'test.p';

/** Uses every feature of a plugin, and returns its identity. */
const busy = (version = '1.0.0', more = '') =>
  pluginOf(
    ID,
    `const heard = [];
     ctx.events.on('*', ({ topic, payload, tenant }) => { heard.push([topic, payload, tenant]); });
     ctx.commands.handle('heard', () => heard.filter(([topic]) => /^(host|test)/.test(topic)));
     ctx.commands.handle('strangers', () => heard.filter(([, , tenant]) => tenant !== ctx.tenant));
     ctx.commands.handle('version', () => '${version}');
     ctx.commands.handle('who', (_, call) => [ctx.tenant, call.tenant]);
     ctx.commands.handle('set', ({ key, value }) => ctx.storage.set(key, value));
     ctx.commands.handle('get', (key) => ctx.storage.get(key));
     ctx.commands.handle('keys', (prefix) => ctx.storage.keys(prefix));
     ctx.commands.handle('clear', () => ctx.storage.clear());
     ctx.commands.handle('config', () => this.settings);
     ctx.commands.handle('log', (text) => { ctx.logger.warn(text); });
     ctx.commands.handle('emit', (payload) => ctx.events.emit('said', payload));
     ctx.commands.handle('fail', () => { throw new Error('failed for ' + ctx.tenant); });
     ctx.hooks.handle('test.p:ask', () => ctx.tenant);
     ctx.commands.handle('call', ({ id, input }) => ctx.commands.execute(id, input).catch((error) => error.code));
     ${more}`,
    {
      version,
      config: { type: 'object', properties: { colour: { type: 'string', default: 'grey' } } },
      permissions: {
        storage: { read: true, write: true },
        events: { subscribe: ['*'], emit: ['*'] },
        commands: { execute: ['*'] },
        hooks: { call: ['*'], handle: ['*'] },
      },
    },
    'configure(settings) { this.settings = settings; },',
  );

/** A host that knows which guests live, and can hold the end of each. */
function watched() {
  const live: string[] = [];
  let reached = () => {};
  let opened: Promise<void> | undefined;
  return {
    live,
    hold() {
      const [comes, opens] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      reached = comes.resolve;
      opened = opens.promise;
      return { reached: comes.promise, open: opens.resolve };
    },
    createHost() {
      const host = createHost();
      return {
        ...host,
        async launch(request: Parameters<typeof host.launch>[0]) {
          const guest = await host.launch(request);
          const name = request.plugin.id;
          live.push(name);
          void guest.exited.then(() => live.splice(live.indexOf(name), 1));
          const terminate = async (whole?: boolean) => {
            reached();
            await opened;
            await guest.terminate(whole);
          };
          return { ...guest, terminate };
        },
      };
    },
  };
}

/** A kernel with two tenants beside the default one, all started. */
async function three(packages: readonly PackageInput[] = [busy()], options: KernelOptions = {}) {
  const kernel = await startKernel(setting, packages, options);
  const [a, b] = ['a', 'b'].map((id) => kernel.tenant(id)) as [Tenant, Tenant];
  await Promise.all([a.start(), b.start()]);
  return { kernel, a, b, all: [kernel, a, b] as readonly Tenant[] };
}
const each = <T>(all: readonly Tenant[], work: (tenant: Tenant) => Promise<T>) =>
  Promise.all(all.map(work));
const execute = (tenant: Tenant, name: string, input?: unknown) =>
  tenant.commands.execute(`${ID}:${name}`, input);

describe(`${runtime}: tenants`, () => {
  it('tenant(id) returns one object per tenant; the default one is the kernel itself', async () => {
    const { kernel, a, b } = await three([]);
    expect(kernel.tenant('a')).toBe(a);
    expect(b).not.toBe(a);
    expect([kernel.id, a.id, b.id]).toEqual(['tenant-0', 'a', 'b']);
    expect(kernel.tenant(kernel.id)).toBe(kernel);
    expect(kernel.tenant('A')).not.toBe(a);
    expect(kernel.tenant('x'.repeat(128)).id).toHaveLength(128);
  });

  it.each([
    '',
    ' ',
    'a b',
    'a/b',
    '../a',
    '..',
    '.a',
    '-a',
    '_a',
    'a\0b',
    'a\0plinth',
    'a\n',
    'ä',
    '🦊',
    'x'.repeat(129),
    7,
    null,
    undefined,
    {},
    ['a'],
    { toString: () => 'a' },
  ])('%j is not a tenant id', async (id) => {
    const kernel = await startKernel(setting, []);
    const wrong = () => kernel.tenant(id as string);
    expect(wrong).toThrow(expect.objectContaining({ code: 'kernel/invalid-option' }));
  });

  it('can be used at once: requests wait until its plugins are known', async () => {
    const lazy = pluginOf('test.lazy', `ctx.commands.handle('x', () => ctx.tenant);`, {
      activation: ['command:test.lazy:x'],
    });
    const kernel = await startKernel(setting, [pluginOf('test.first', ''), busy(), lazy], {
      limits: { parallel: 1 },
    });
    const at = (id: string) => kernel.tenant(id);
    expect(
      await Promise.all([
        at('a').commands.execute('test.lazy:x'),
        execute(at('b'), 'who'),
        at('c')
          .plugins.activate('test.lazy')
          .then(() => at('c').plugins.get('test.lazy')?.state),
        at('d')
          .config.set(ID, { colour: 'red' })
          .then(() => at('d').config.get(ID).colour),
        at('e')
          .permissions.grant('test.lazy', 'storage.read')
          .then(() => at('e').permissions.check('test.lazy', 'storage.read')),
      ]),
    ).toEqual(['a', ['b', 'b'], 'active', 'red', true]);
    // A tenant that starts again waits until the former one has ended.
    const stopped = at('a').stop();
    expect(await at('a').commands.execute('test.lazy:x')).toBe('a');
    await stopped;
    expect(await rejection(at('f').commands.execute('test.unknown:x'))).toMatchObject({
      code: 'call/unknown-command',
    });
  });

  it('plugins know their tenant: in ctx, in each call, in each event', async () => {
    const { all } = await three();
    const names = all.map(({ id }) => id);
    expect(await each(all, (tenant) => execute(tenant, 'who'))).toEqual(
      names.map((name) => [name, name]),
    );
    for (const tenant of all) await tenant.events.emit('greeting', 'hello');
    expect(await each(all, (tenant) => execute(tenant, 'strangers'))).toEqual([[], [], []]);
    expect(await each(all, (tenant) => execute(tenant, 'heard'))).toEqual(
      names.map((name) => [['host:greeting', 'hello', name]]),
    );
  });

  it('enablement, versions and installs are separate', async () => {
    const { kernel, a, b, all } = await three();
    await a.plugins.disable(ID);
    await b.plugins.update(ID, packageOf(busy('2.0.0')));
    await b.plugins.install(
      packageOf(pluginOf('test.extra', `ctx.commands.handle('x', () => 1);`)),
    );
    expect(
      all.map((tenant) =>
        tenant.plugins.list().map((one) => [one.id, one.version, one.enabled, one.state].join(' ')),
      ),
    ).toEqual([
      [`${ID} 1.0.0 true active`],
      [`${ID} 1.0.0 false unloaded`],
      [`${ID} 2.0.0 true active`, 'test.extra 1.0.0 true resolved'],
    ]);
    expect([
      await execute(kernel, 'version'),
      (await rejection(execute(a, 'version'))).code,
      await execute(b, 'version'),
    ]).toEqual(['1.0.0', 'plugin/unavailable', '2.0.0']);
    await a.plugins.enable(ID);
    await b.plugins.rollback(ID);
    await kernel.plugins.uninstall(ID);
    expect([
      (await rejection(execute(kernel, 'version'))).code,
      await execute(a, 'version'),
      await execute(b, 'version'),
    ]).toEqual(['call/unknown-command', '1.0.0', '1.0.0']);
    expect((await rejection(a.plugins.rollback(ID))).code).toBe('plugin/no-previous-version');
  });

  it('settings are separate', async () => {
    const { kernel, a, b, all } = await three([busy()], {
      config: { global: { [ID]: { colour: 'green' } } },
    });
    await a.config.set(ID, { colour: 'red' });
    await b.config.set(ID, { colour: 'blue' }, 'runtime');
    expect(all.map((tenant) => tenant.config.get(ID).colour)).toEqual(['green', 'red', 'blue']);
    expect(await each(all, (tenant) => execute(tenant, 'config'))).toEqual([
      { colour: 'green' },
      { colour: 'red' },
      { colour: 'blue' },
    ]);
    const watcher = vi.fn();
    kernel.config.watch(ID, watcher);
    await a.config.set(ID, { colour: 'pink' });
    expect([watcher.mock.calls, kernel.tenant('late').config.layers]).toEqual([
      [],
      expect.any(Function),
    ]);
    const late = kernel.tenant('late');
    await late.start();
    expect(late.config.get(ID).colour).toBe('green');
  });

  it('events, hooks, commands and middleware are separate', async () => {
    const { kernel, a, b, all } = await three();
    const heard: string[] = [];
    for (const tenant of all)
      tenant.events.on('*', ({ topic, tenant: of }) =>
        heard.push(`${tenant.id} heard ${topic} of ${of}`),
      );
    await a.events.emit('greeting', 'for a');
    await execute(b, 'emit', 'for b');
    const topics = async (tenant: Tenant) =>
      ((await execute(tenant, 'heard')) as [string, unknown, string][]).map(
        ([topic, payload, of]) => `${topic} ${payload} ${of}`,
      );
    expect(await each(all, topics)).toEqual([
      [],
      ['host:greeting for a a'],
      [`${ID}:said for b b`],
    ]);
    expect(heard.filter((line) => /greeting|said/.test(line))).toEqual([
      'a heard host:greeting of a',
      `b heard ${ID}:said of b`,
    ]);
    for (const line of heard) expect(line).toMatch(/^(\S+) heard .* of \1$/);

    expect(await each(all, (tenant) => tenant.hooks.collect(`${ID}:ask`))).toEqual([
      ['tenant-0'],
      ['a'],
      ['b'],
    ]);
    a.hooks.handle(`${ID}:ask`, () => 'the host of a');
    expect(
      (await each(all, (tenant) => tenant.hooks.collect(`${ID}:ask`))).map(
        (answers) => answers.length,
      ),
    ).toEqual([1, 2, 1]);

    a.commands.handle('secret', () => 'of a');
    expect(await a.commands.execute('host:secret')).toBe('of a');
    expect(
      await each([kernel, b], (tenant) =>
        rejection(tenant.commands.execute('host:secret')).then(({ code }) => code),
      ),
    ).toEqual(['call/unknown-command', 'call/unknown-command']);
    expect(await execute(b, 'call', { id: 'host:secret' })).toBe('call/unknown-command');
    expect([
      kernel.commands.has('host:secret'),
      b.commands.list().some(({ id }) => id === 'host:secret'),
    ]).toEqual([false, false]);
    b.commands.handle('secret', () => 'of b');
    expect([
      await execute(a, 'call', { id: 'host:secret' }),
      await execute(b, 'call', { id: 'host:secret' }),
    ]).toEqual(['of a', 'of b']);

    const around: string[] = [];
    b.middleware.use('command:*', async (call, next) => {
      around.push(`${call.tenant} ${call.id}`);
      return next();
    });
    await each(all, (tenant) => execute(tenant, 'version'));
    expect(around).toEqual([`b ${ID}:version`]);
  });

  it("the kernel's own events are delivered only in their tenant", async () => {
    const { kernel, a, b, all } = await three();
    const heard: string[] = [];
    for (const tenant of all)
      tenant.events.on('plugin:*', ({ topic, tenant: of }) =>
        heard.push(`${tenant.id}: ${topic} of ${of}`),
      );
    await a.plugins.deactivate(ID);
    expect(heard.length).toBeGreaterThan(0);
    expect(heard.filter((line) => !/^a: .* of a$/.test(line))).toEqual([]);
    expect([kernel, b].map((tenant) => tenant.plugins.get(ID)?.state)).toEqual([
      'active',
      'active',
    ]);
  });

  it('logs and metrics are separate; the sink of the application gets every entry with its tenant', async () => {
    const sink = vi.fn();
    const { kernel, a, b, all } = await three([busy()], { telemetry: { log: sink } });
    await execute(a, 'log', 'a secret of a');
    await rejection(execute(b, 'fail'));
    a.logger.warn('said by the host of a');
    const messages = (tenant: Tenant) => tenant.logger.recent().map(({ message }) => message);
    await vi.waitFor(
      () =>
        expect(messages(a)).toEqual(
          expect.arrayContaining(['a secret of a', 'said by the host of a']),
        ),
      10_000,
    );
    for (const tenant of all) {
      expect(tenant.logger.recent().filter((entry) => entry.tenant !== tenant.id)).toEqual([]);
      if (tenant !== a) expect(messages(tenant).join()).not.toContain('of a');
    }
    expect(sink.mock.calls.map(([entry]) => `${entry.tenant}: ${entry.message}`)).toContain(
      'a: a secret of a',
    );
    const counts = all
      .map((tenant) => tenant.metrics.snapshot())
      .map(({ calls, failures, commands }) => [
        calls,
        failures,
        Object.keys(commands).filter((id) => (commands[id]?.calls ?? 0) > 0),
      ]);
    expect(counts).toEqual([
      [0, 0, []],
      [1, 0, [`${ID}:log`]],
      [1, 1, [`${ID}:fail`]],
    ]);
    expect((await kernel.health()).plugins).toHaveLength(1);
  });

  it('a crash affects one tenant', async () => {
    const { a, b, kernel } = await three([busy('1.0.0', CRASH)], { supervision: false });
    const crashed = vi.fn();
    kernel.events.on('plugin:crashed', crashed);
    b.events.on('plugin:crashed', crashed);
    expect((await rejection(execute(a, 'crash'))).code).toBe('guest/crashed');
    expect([
      await execute(kernel, 'version'),
      await execute(b, 'version'),
      a.plugins.get(ID)?.state,
      crashed.mock.calls,
    ]).toEqual(['1.0.0', '1.0.0', 'failed', []]);
  });
});

describe(`${runtime}: tenants and storage`, () => {
  it('each has its own, whatever keys a plugin tries', async () => {
    const storage = memoryStorage();
    const kernel = await startKernel(setting, [busy()], { storage });
    // Ids that are prefixes of each other, and the name of the default tenant.
    const tenants = ['a', 'a.b', 'a-b', 'a.b.c', 'A', 'tenant-00', 'plinth'].map((id) =>
      kernel.tenant(id),
    );
    await each(tenants, (tenant) => tenant.start());
    const all = [kernel as Tenant, ...tenants];
    for (const tenant of all) await execute(tenant, 'set', { key: 'mine', value: tenant.id });
    expect(await each(all, (tenant) => execute(tenant, 'get', 'mine'))).toEqual(
      all.map(({ id }) => id),
    );
    await kernel.tenant('A').plugins.disable(ID);

    const attemptsAt = ({ id }: Tenant) => [
      `${id}\0${ID}\0mine`,
      `\0${id}\0${ID}\0mine`,
      `../${id}/${ID}/mine`,
      `../../${id}\0${ID}\0mine`,
      `..\\${id}\\${ID}\\mine`,
      `.b\0${ID}\0mine`,
      `\0plinth\0entry\0${ID}`,
      `${id}\0plinth\0entry\0${ID}`,
    ];
    const attempts = [...new Set(all.flatMap(attemptsAt))];
    const running = all.filter(({ id }) => id !== 'A');
    await each(running, async (tenant) => {
      for (const key of attempts) {
        expect(await execute(tenant, 'get', key), JSON.stringify(key)).toBeUndefined();
        await execute(tenant, 'set', { key, value: `forged by ${tenant.id}` });
      }
    });
    expect(await each(running, (tenant) => execute(tenant, 'get', 'mine'))).toEqual(
      running.map(({ id }) => id),
    );
    expect(
      await each(running, async (tenant) => (await execute(tenant, 'keys')) as string[]),
    ).toEqual(running.map(() => ['mine', ...attempts].sort()));
    for (const prefix of ['', '\0', '..', 'a', 'a\0'])
      expect(
        ((await execute(kernel, 'keys', prefix)) as string[]).every(
          (key) => key === 'mine' || attempts.includes(key),
        ),
      ).toBe(true);
    await execute(kernel.tenant('a'), 'clear');
    expect(await execute(kernel.tenant('a'), 'keys')).toEqual([]);
    const others = running.filter(({ id }) => id !== 'a');
    expect(await each(others, (tenant) => execute(tenant, 'get', 'mine'))).toEqual(
      others.map(({ id }) => id),
    );
    expect(await storage.get(`A\0${ID}\0mine`)).toMatchObject({ value: expect.anything() });
    expect(await storage.get(`A\0plinth\0entry\0${ID}`)).toMatchObject({ disabled: ['1.0.0'] });
  });

  it.each<[string, () => Promise<() => Promise<StorageAdapter>>]>([
    [
      'memory',
      async () => {
        const kept = outliving(memoryStorage());
        return async () => kept;
      },
    ],
    [
      'persistent storage',
      async () => {
        const name = await storageName();
        return () => persistentStorage(name);
      },
    ],
  ])('what is installed, disabled and updated is stored per tenant: %s', async (_, make) => {
    const open = await make();
    const first = await three([busy()], { storage: await open() });
    await first.kernel.plugins.uninstall(ID);
    await first.a.plugins.disable(ID);
    await first.b.plugins.update(ID, packageOf(busy('2.0.0')));
    await first.a.plugins.install(packageOf(pluginOf('test.extra', '')));
    await first.kernel.stop();
    const second = await three([busy()], { storage: await open() });
    expect(
      second.all.map((tenant) =>
        tenant.plugins.list().map((one) => [one.id, one.version, one.enabled, one.state].join(' ')),
      ),
    ).toEqual([
      [],
      [`${ID} 1.0.0 false resolved`, 'test.extra 1.0.0 true active'],
      [`${ID} 2.0.0 true active`],
    ]);
    await second.b.plugins.rollback(ID);
    await second.b.stop();
    const again = second.kernel.tenant('b');
    await again.start();
    expect(await execute(again, 'version')).toBe('1.0.0');
  });
});

describe(`${runtime}: the life of a tenant`, () => {
  it('a tenant requested before start() starts with the kernel, one requested later by itself', async () => {
    const kernel = await createKernel({
      host: createHost(),
      sources: [
        {
          async *discover() {
            yield packageOf(busy());
          },
        },
      ],
    });
    onTestFinished(() => kernel.stop());
    const early = kernel.tenant('early');
    expect(early.plugins.list()).toEqual([]);
    await kernel.start();
    expect(await execute(early, 'who')).toEqual(['early', 'early']);
    const late = kernel.tenant('late');
    await late.start();
    expect(await execute(late, 'who')).toEqual(['late', 'late']);
  });

  it('stop() of a tenant ends only its own guests; requested again it starts again', async () => {
    const { live, createHost: counted } = watched();
    const kernel = await startKernel({ isolation: 'worker', createHost: counted }, [busy()]);
    const a = kernel.tenant('a');
    await Promise.all([a.start(), kernel.tenant('b').start()]);
    expect(live).toHaveLength(3);
    await execute(a, 'set', { key: 'k', value: 1 });
    await Promise.all([a.stop(), a.stop()]);
    await vi.waitFor(() => expect(live).toHaveLength(2), 10_000);
    expect([
      await execute(kernel, 'version'),
      await execute(kernel.tenant('b'), 'version'),
    ]).toEqual(['1.0.0', '1.0.0']);
    const again = kernel.tenant('a');
    expect(again).not.toBe(a);
    await again.start();
    expect(await execute(again, 'get', 'k')).toBe(1);
    await a.stop();
    expect(kernel.tenant('a')).toBe(again);
    await kernel.stop();
    expect(live).toEqual([]);
    expect(() => kernel.tenant('c')).toThrow(expect.objectContaining({ code: 'kernel/stopped' }));
  });

  it('a tenant and a kernel that have stopped refuse to start again', async () => {
    const kernel = await startKernel(setting, [busy()]);
    const a = kernel.tenant('a');
    await a.start();
    await a.stop();
    const codes = [
      await a.start().then(
        () => 'started',
        ({ code }) => code,
      ),
    ];
    await kernel.stop();
    codes.push(
      await kernel.start().then(
        () => 'started',
        ({ code }) => code,
      ),
    );
    expect(codes).toEqual(['kernel/stopped', 'kernel/stopped']);
  });

  it('kernel.stop() ends every guest of every tenant, also during their start', async () => {
    const { live, createHost: counted } = watched();
    const kernel = await startKernel({ isolation: 'worker', createHost: counted }, [
      busy(),
      pluginOf('test.q', ''),
    ]);
    for (const id of ['a', 'b', 'c']) kernel.tenant(id);
    const activated = nextEvent(kernel.tenant('a') as Kernel, 'plugin:activated');
    await activated;
    await kernel.stop();
    expect(live).toEqual([]);
  });

  it('kernel.stop() waits for a tenant that is already stopping', async () => {
    const { live, hold, createHost: counted } = watched();
    const kernel = await startKernel({ isolation: 'worker', createHost: counted }, []);
    const a = kernel.tenant('a');
    await a.start();
    await a.plugins.install(packageOf(pluginOf('test.slow', '')));
    await a.plugins.activate('test.slow');
    const end = hold();
    const stopping = a.stop();
    const left = kernel.stop().then(() => [...live]);
    await end.reached;
    end.open();
    expect(await left).toEqual([]);
    await stopping;
  });

  it('a tenant requested while the former one stops does not run beside it', async () => {
    const { live, hold, createHost: counted } = watched();
    const kernel = await startKernel({ isolation: 'worker', createHost: counted }, []);
    const a = kernel.tenant('a');
    await a.start();
    await a.plugins.install(packageOf(pluginOf('test.slow', '')));
    await a.plugins.activate('test.slow');
    const end = hold();
    const stopping = a.stop();
    const again = kernel.tenant('a');
    const together = again.start().then(() => live.length);
    await end.reached;
    end.open();
    expect(await together).toBe(1);
    await stopping;
    expect(again.plugins.get('test.slow')?.state).toBe('active');
  });

  it('a bad plugin and a bad source are reported in every tenant', async () => {
    const source = {
      origin: 'the moon',
      async *discover(): AsyncGenerator<PluginPackage> {
        yield packageOf({ manifest: '{' });
        throw new Error('too far away');
      },
    };
    const kernel = await createKernel({ host: createHost(), sources: [source] });
    onTestFinished(() => kernel.stop());
    await kernel.start();
    const a = kernel.tenant('a');
    await a.start();
    for (const tenant of [kernel, a])
      expect(tenant.plugins.list(), tenant.id).toMatchObject([
        { state: 'failed', error: { code: 'manifest/not-json' } },
      ]);
    expect((await kernel.health()).problems.map(({ code }) => code)).toEqual([
      'plugin/source-failed',
    ]);
    expect((await a.health()).problems.map(({ code }) => code)).toEqual(['plugin/source-failed']);
  });

  it("a package's code is read once while guests of several tenants run, and again when none is left", async () => {
    let reads = 0;
    const found = packageOf(busy());
    const counted: PluginPackage = {
      ...found,
      async code(main) {
        reads += 1;
        return found.code(main);
      },
    };
    const kernel = await createKernel({
      host: createHost(),
      sources: [
        {
          async *discover() {
            yield counted;
          },
        },
      ],
    });
    onTestFinished(() => kernel.stop());
    const tenants = ['a', 'b', 'c'].map((id) => kernel.tenant(id));
    await kernel.start();
    await each(tenants, (tenant) => tenant.start());
    expect([reads, await each(tenants, (tenant) => execute(tenant, 'version'))]).toEqual([
      1,
      ['1.0.0', '1.0.0', '1.0.0'],
    ]);
    await each(tenants, (tenant) => tenant.stop());
    const late = kernel.tenant('late');
    await late.start();
    expect(reads).toBe(1);
    await Promise.all([late.stop(), kernel.plugins.deactivate(ID)]);
    await kernel.plugins.activate(ID);
    expect(reads).toBe(2);
  });
});
