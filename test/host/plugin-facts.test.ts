/**
 * What the kernel reports about plugins: why they stop, their capabilities, and when they were
 * installed.
 */

import { memoryStorage, packageOf } from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { createHost } from '#host';
import { nextEvent, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';
import { outliving } from '../support/storages.ts';

const setting: Setting = { isolation: 'worker', createHost };

describe('events of the lifecycle', () => {
  it('plugin:activated names what the plugin answers', async () => {
    const log: unknown[] = [];
    const kernel = await startKernel(setting, [
      pluginOf('test.idle', '', { activation: ['command:test.idle:hi'] }),
    ]);
    kernel.events.on('plugin:activated', ({ payload }) => log.push(payload));
    await kernel.plugins.install(
      packageOf(
        pluginOf(
          'test.able',
          `ctx.commands.handle('greet', () => 'hi'); ctx.hooks.handle('test.able:menu', () => 1); ctx.events.on('test.able:done', () => {});`,
          { provides: ['test.able@1'] },
          `provides: [{ $id: 'test.able@1' }],`,
        ),
      ),
    );
    await kernel.plugins.activate('test.able');
    expect(log).toMatchObject([
      { id: 'test.able', capabilities: ['test.able@1', 'test.able:greet', 'test.able:menu'] },
    ]);
  });

  it.each([
    ['deactivate', 'request'],
    ['disable', 'disable'],
    ['uninstall', 'uninstall'],
  ] as const)(
    "plugin:deactivated after %s has the reason, and the plugin's own hook gets it too",
    async (verb, reason) => {
      const kernel = await startKernel(setting, [
        pluginOf(
          'test.stops',
          `this.log = ctx.logger;`,
          {},
          `deactivate(reason) { this.log.info('told ' + reason); },`,
        ),
      ]);
      const told = new Promise<string>((resolve) =>
        kernel.events.on(
          'log:written',
          ({ payload }) => payload.message.startsWith('told') && resolve(payload.message),
        ),
      );
      const deactivated = nextEvent(kernel, 'plugin:deactivated');
      await kernel.plugins[verb]('test.stops');
      expect(await deactivated).toEqual({ id: 'test.stops', version: '1.0.0', reason });
      expect(await told).toBe(`told ${reason}`);
    },
  );

  it('plugin:deactivated of a stopping kernel, and of a restarted plugin, has its reason', async () => {
    const seen: unknown[] = [];
    const kernel = await startKernel(setting, [
      pluginOf('test.one', ''),
      {
        manifest: {
          id: 'test.two',
          version: '1.0.0',
          main: 'plugin.js',
          engines: { plinth: '^1.0.0' },
        },
        plugin: { activate() {} },
      },
    ]);
    kernel.events.on('plugin:deactivated', ({ payload }) =>
      seen.push([payload.id, payload.reason]),
    );
    await kernel.plugins.reload('test.two');
    await kernel.stop();
    expect(seen).toEqual([
      ['test.two', 'replace'],
      ['test.two', 'stop'],
      ['test.one', 'stop'],
    ]);
  });
});

describe('createdAt and updatedAt', () => {
  const times = (kernel: Awaited<ReturnType<typeof startKernel>>, id: string) => {
    const { createdAt = Number.NaN, updatedAt = Number.NaN } = kernel.plugins.get(id) ?? {};
    return { createdAt, updatedAt };
  };
  /** Two different readings of the clock. */
  const tick = async () => {
    for (const before = Date.now(); Date.now() === before; )
      await new Promise((resolve) => setTimeout(resolve, 1));
  };

  it('are when a plugin was first found, and when it was changed', async () => {
    const before = Date.now();
    const kernel = await startKernel(setting, [pluginOf('test.found', '')]);
    const found = times(kernel, 'test.found');
    expect(found.createdAt).toBeGreaterThanOrEqual(before);
    expect(found.updatedAt).toBe(found.createdAt);
    for (const change of [
      () => kernel.plugins.disable('test.found'),
      () => kernel.plugins.enable('test.found'),
      () => kernel.config.set('test.found', { depth: 1 }),
      () =>
        kernel.plugins.update(
          'test.found',
          packageOf(pluginOf('test.found', '', { version: '1.1.0' })),
        ),
    ]) {
      const { updatedAt } = times(kernel, 'test.found');
      await tick();
      await change();
      expect(times(kernel, 'test.found').updatedAt).toBeGreaterThan(updatedAt);
    }
    expect(times(kernel, 'test.found').createdAt).toBe(found.createdAt);
    expect(kernel.plugins.list()[0]).toEqual(kernel.plugins.get('test.found'));
  });

  it('are the same in the next kernel over the storage, and start again for an uninstalled plugin', async () => {
    const storage = outliving(memoryStorage());
    const first = await startKernel(setting, [pluginOf('test.found', '')], { storage });
    await first.plugins.install(packageOf(pluginOf('test.added', '')));
    await first.plugins.disable('test.found');
    const [found, added] = [times(first, 'test.found'), times(first, 'test.added')];
    await first.stop();
    await tick();
    const second = await startKernel(setting, [pluginOf('test.found', '')], { storage });
    expect([times(second, 'test.found'), times(second, 'test.added')]).toEqual([found, added]);
    await second.plugins.uninstall('test.added');
    await second.plugins.install(packageOf(pluginOf('test.added', '')));
    expect(times(second, 'test.added').createdAt).toBeGreaterThan(added.createdAt);
    await second.stop();
    await tick();
    // Another version in its place counts as a change.
    const third = await startKernel(setting, [pluginOf('test.found', '', { version: '1.0.1' })], {
      storage,
    });
    expect(times(third, 'test.found').createdAt).toBe(found.createdAt);
    expect(times(third, 'test.found').updatedAt).toBeGreaterThan(found.updatedAt);
  });
});

describe('kernel.plugins.capabilities()', () => {
  const schema = { type: 'object', properties: { text: { type: 'string' } } };
  const able = pluginOf(
    'test.able',
    `ctx.commands.handle('add', () => 1); ctx.commands.handle('secret', () => 2); ctx.hooks.handle('test.able:menu', () => []);
     ctx.events.on('test:*', () => {}); ctx.middleware.use('command:test.able:*', (call, next) => next());`,
    {
      name: 'Able',
      tags: ['notes'],
      activation: ['event:user:*'],
      provides: ['test.able@1'],
      permissions: {
        events: { subscribe: ['test:*', 'user:*'] },
        middleware: { use: ['command:test.able:*'] },
      },
      contributes: {
        commands: [
          {
            id: 'add',
            title: 'Add',
            description: 'Adds',
            tags: ['write'],
            input: schema,
            output: { type: 'integer' },
            requiresAuth: true,
            rateLimit: 10,
          },
          { id: 'later', tags: ['write'] },
        ],
        events: [{ id: 'added', title: 'Added', tags: ['fact'], payload: schema }],
        hooks: [{ id: 'menu', input: schema, output: { type: 'array' } }],
        messages: [{ type: 'note' }],
      },
    },
    `provides: [{ $id: 'test.able@1' }],`,
  );
  const add = {
    id: 'test.able:add',
    title: 'Add',
    description: 'Adds',
    tags: ['write'],
    input: schema,
    output: { type: 'integer' },
    requiresAuth: true,
    rateLimit: 10,
  };
  const declared = {
    id: 'test.able',
    version: '1.0.0',
    name: 'Able',
    tags: ['notes'],
    events: [{ id: 'test.able:added', title: 'Added', tags: ['fact'], payload: schema }],
    messages: ['note'],
  };

  it('lists commands, events, hooks and contracts of a plugin that does not run', async () => {
    const kernel = await startKernel(setting, [able]);
    expect(kernel.plugins.get('test.able')?.state).toBe('resolved');
    expect(kernel.plugins.capabilities('test.able')).toEqual({
      ...declared,
      contracts: [
        {
          id: 'test.able@1',
          members: ['test.able:add', 'test.able:later', 'test.able:added', 'test.able:menu'],
        },
      ],
      commands: [
        { ...add, active: false },
        { id: 'test.able:later', tags: ['write'], active: false },
      ],
      hooks: [{ id: 'test.able:menu', input: schema, output: { type: 'array' }, active: false }],
      listens: ['user:*'],
      middleware: [],
    });
    expect(() => kernel.plugins.capabilities('test.none')).toThrow(
      expect.objectContaining({ code: 'plugin/not-found' }),
    );
  });

  it('also lists what a running or hibernated plugin has registered', async () => {
    const kernel = await startKernel(setting, [able]);
    await kernel.plugins.activate('test.able');
    const expected = {
      ...declared,
      commands: [
        { ...add, active: true },
        { id: 'test.able:later', tags: ['write'], active: false },
        { id: 'test.able:secret', active: true },
      ],
      hooks: [{ id: 'test.able:menu', input: schema, output: { type: 'array' }, active: true }],
      listens: ['test:*', 'user:*'],
      middleware: ['command:test.able:*'],
    };
    expect(kernel.plugins.capabilities('test.able')).toMatchObject(expected);
    await kernel.plugins.hibernate('test.able');
    expect(kernel.plugins.capabilities('test.able')).toMatchObject(expected);
  });
});
