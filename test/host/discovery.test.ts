/**
 * Slow, silent or broken sources don't delay the plugins of other sources. Plugins that they find
 * late are added when they arrive.
 */

import {
  createKernel,
  type Kernel,
  type KernelOptions,
  type LogEntry,
  type PluginPackage,
  type PluginSource,
  packageOf,
} from '@plinth/kernel';
import { afterEach, describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { nextEvent, rejection } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const open: Kernel[] = [];
const letGo: (() => void)[] = [];
afterEach(async () => {
  for (const go of letGo.splice(0)) go();
  await Promise.all(open.splice(0).map((kernel) => kernel.stop()));
});

const plugin = (id: string, manifest: Parameters<typeof pluginOf>[2] = {}) =>
  packageOf(pluginOf(id, `ctx.commands.handle('ping', () => ctx.plugin.id);`, manifest));

/** A source that yields some plugins, and the others when it is told to. */
function slowSource(
  first: readonly PluginPackage[],
  later: readonly PluginPackage[],
  origin = 'a slow server',
): PluginSource & { go(): void } {
  let go!: () => void;
  const told = new Promise<void>((resolve) => {
    go = resolve;
  });
  letGo.push(go);
  return {
    origin,
    go,
    async *discover() {
      yield* first;
      await told;
      yield* later;
    },
  };
}

const sourceOf = (...packages: readonly PluginPackage[]): PluginSource => ({
  async *discover() {
    yield* packages;
  },
});

const needy = (id: string, need: string) => plugin(id, { dependencies: { [need]: '^1.0.0' } });

/** The failures that a log and the listeners of a kernel are told. */
function complaints() {
  const failures: string[] = [];
  return {
    failures,
    telemetry: {
      log: ({ level, fields }: LogEntry) => {
        if (level === 'error') failures.push(`log: ${fields?.plugin}`);
      },
    },
    hear: (kernel: Kernel) =>
      kernel.events.on('plugin:failed', ({ payload }) => failures.push(`event: ${payload.id}`)),
  };
}

async function start(
  sources: readonly PluginSource[],
  options: KernelOptions = {},
): Promise<Kernel> {
  const kernel = await createKernel({
    host: createHost(),
    isolation: 'inline',
    limits: { discover: 50 },
    ...options,
    sources,
  });
  open.push(kernel);
  await kernel.start();
  return kernel;
}

describe(`${runtime}: sources that delay others`, () => {
  it('start() continues without a silent source, health names it, and plugins it finds later are started', async () => {
    const slow = slowSource([plugin('test.early')], [plugin('test.late')]);
    const kernel = await start([
      slow,
      {
        discover: async function* () {
          yield plugin('test.other');
        },
      },
    ]);
    for (const id of ['test.early', 'test.other'])
      expect(await kernel.commands.execute(`${id}:ping`)).toBe(id);
    const { status, problems } = await kernel.health();
    expect([status, problems]).toEqual([
      'degraded',
      [
        {
          code: 'plugin/source-failed',
          message: expect.stringMatching(
            /^a slow server has not told all its plugins, and nothing for \d+ ms: they are taken in when they come$/,
          ),
        },
      ],
    ]);
    const activated = nextEvent(kernel, 'plugin:activated');
    slow.go();
    expect(await activated).toMatchObject({ id: 'test.late', activatedBy: 'startup' });
    expect(await kernel.commands.execute('test.late:ping')).toBe('test.late');
    expect((await kernel.health()).status).toBe('healthy');
  });

  it('calls and operations for a plugin that is still to come wait for it; for one that never comes they fail when discovery ends', async () => {
    const slow = slowSource([], [plugin('test.late'), plugin('test.lazy', { activation: [] })]);
    const kernel = await start([slow]);
    const call = kernel.commands.execute('test.late:ping');
    const activation = kernel.plugins.activate('test.lazy');
    const unknown = rejection(kernel.commands.execute('test.unknown:ping'));
    const absent = rejection(kernel.plugins.activate('test.unknown'));
    slow.go();
    expect(await call).toBe('test.late');
    await activation;
    expect(kernel.plugins.get('test.lazy')?.state).toBe('active');
    expect((await unknown).code).toBe('call/unknown-command');
    expect((await absent).code).toBe('plugin/not-found');
  });

  it('a plugin that depends on a late one starts then', async () => {
    const slow = slowSource([], [plugin('test.base')]);
    const { failures, telemetry, hear } = complaints();
    const kernel = await start([slow, sourceOf(needy('test.top', 'test.base'))], { telemetry });
    hear(kernel);
    expect(kernel.plugins.explain('test.top').error?.code).toBe('plugin/unsatisfied');
    expect(failures).toEqual([]);
    const top = new Promise<void>((resolve) => {
      kernel.events.on('plugin:activated', ({ payload }) => {
        if (payload.id === 'test.top') resolve();
      });
    });
    slow.go();
    await top;
    expect((await kernel.health()).status).toBe('healthy');
    expect(failures).toEqual([]);
  });

  it('a plugin whose need may still come is reported as failed when no source may find it', async () => {
    const slow = slowSource([], [plugin('test.other')]);
    const failing = slowSource([], [], 'a broken server');
    const { failures, telemetry, hear } = complaints();
    const kernel = await start([slow, failing, sourceOf(needy('test.top', 'test.base'))], {
      telemetry,
    });
    hear(kernel);
    const other = nextEvent(kernel, 'plugin:activated');
    slow.go();
    await other;
    expect(failures).toEqual([]);
    const told = nextEvent(kernel, 'plugin:failed');
    failing.go();
    expect(await told).toMatchObject({ id: 'test.top', code: 'plugin/unsatisfied' });
    expect(failures).toEqual(['log: test.top', 'event: test.top']);
  });

  it('a missing need is reported, too, when what a source finds last can not be taken in', async () => {
    const slow = slowSource([], [undefined as unknown as PluginPackage]);
    const { failures, telemetry, hear } = complaints();
    const kernel = await start([slow, sourceOf(needy('test.top', 'test.base'))], { telemetry });
    hear(kernel);
    const told = nextEvent(kernel, 'plugin:failed');
    slow.go();
    expect(await told).toMatchObject({ id: 'test.top', code: 'plugin/unsatisfied' });
    expect(failures).toContain('event: test.top');
  });

  it('decisions about a plugin apply when it comes late, in every tenant', async () => {
    const slow = slowSource([], [plugin('test.late')]);
    const kernel = await start([slow]);
    const disabling = kernel.plugins.disable('test.late');
    const tenant = kernel.tenant('a');
    await tenant.start();
    slow.go();
    await disabling;
    expect(await tenant.commands.execute('test.late:ping')).toBe('test.late');
    expect(kernel.plugins.get('test.late')?.enabled).toBe(false);
    expect(kernel.plugins.list({ state: 'active' })).toEqual([]);
    expect(await kernel.tenant('b').commands.execute('test.late:ping')).toBe('test.late');
  });

  it('a source that keeps finding plugins is waited for, one that fails late is reported, and stop() waits for none', async () => {
    const diligent: PluginSource = {
      async *discover() {
        for (let n = 0; n < 5; n++) {
          await new Promise((resolve) => setTimeout(resolve, 60));
          yield plugin(`test.p${n}`);
        }
      },
    };
    const kernel = await start([diligent], { limits: { discover: 1_000 } });
    expect(kernel.plugins.list({ state: 'active' })).toHaveLength(5);
    let fail!: () => void;
    const failing: PluginSource = {
      origin: 'the moon',
      async *discover() {
        await new Promise<void>((resolve) => {
          fail = resolve;
        });
        yield plugin('test.x');
        throw new Error('too far away');
      },
    };
    const other = await start([failing]);
    const activated = nextEvent(other, 'plugin:activated');
    fail();
    await activated;
    expect((await other.health()).problems).toEqual([
      {
        code: 'plugin/source-failed',
        message: 'cannot look for plugins in the moon: too far away',
      },
    ]);
    const never = await start([
      {
        discover: async function* () {
          await new Promise(() => {});
          yield plugin('test.y');
        },
      },
    ]);
    await never.stop();
  });

  it('a kernel stops while its start waits for a source that is silent', async () => {
    const asked = Promise.withResolvers<void>();
    const kernel = await createKernel({
      host: createHost(),
      telemetry: { log: false },
      limits: { discover: 600_000 },
      sources: [
        {
          discover: async function* () {
            asked.resolve();
            await new Promise(() => {});
            yield plugin('test.y');
          },
        },
      ],
    });
    const failed = rejection(kernel.start());
    await asked.promise;
    await kernel.stop();
    expect((await failed).code).toBe('kernel/stopped');
  });
});

describe('what is no package', () => {
  const unreadable = {
    get origin(): string {
      throw new Error('not today');
    },
  };
  it.each([
    ['nothing', undefined, 'undefined'],
    ['null', null, 'null'],
    ['a number', 7, '7'],
    ['an object without parts', {}, 'an object without an origin'],
    ['a list', [], 'an object without an origin'],
    ['a package without code', { origin: 'plugins/one', manifest: {} }, 'something in plugins/one'],
    ['an object that throws', unreadable, 'an object that cannot be read'],
  ])('%s does not keep the other plugins from running', async (_, found, named) => {
    const kernel = await createKernel({
      host: createHost(),
      sources: [sourceOf(found as unknown as PluginPackage, plugin('found.good'))],
    });
    open.push(kernel);
    await kernel.start();
    expect(await kernel.commands.execute('found.good:ping')).toBe('found.good');
    const { problems } = await kernel.health();
    expect(problems).toMatchObject([{ code: 'plugin/source-failed' }]);
    expect(problems[0]?.message).toContain(`a source has found ${named}, which is no package`);
  });

  it('is refused by an installation', async () => {
    const kernel = await createKernel({ host: createHost() });
    open.push(kernel);
    await kernel.start();
    const nothing = sourceOf(undefined as unknown as PluginPackage);
    expect(await rejection(kernel.plugins.install(nothing))).toMatchObject({
      code: 'plugin/source-failed',
      message: expect.stringContaining('a source has found undefined, which is no package'),
    });
    expect(kernel.plugins.list()).toEqual([]);
  });

  it('that comes late is reported, too', async () => {
    const slow = slowSource([], [undefined as unknown as PluginPackage, plugin('found.late')]);
    const kernel = await createKernel({
      host: createHost(),
      sources: [slow],
      limits: { discover: 1 },
    });
    open.push(kernel);
    await kernel.start();
    slow.go();
    expect(await kernel.commands.execute('found.late:ping')).toBe('found.late');
    expect((await kernel.health()).problems).toMatchObject([{ code: 'plugin/source-failed' }]);
  });
});
