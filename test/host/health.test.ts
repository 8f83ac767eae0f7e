/**
 * Health reports are true: for a kernel that failed to start or has stopped, its storage, denied or
 * missing plugins, and its tenants.
 */

import {
  createKernel,
  type Kernel,
  type KernelOptions,
  memoryStorage,
  type PackageInput,
  packageSource,
} from '@plinth/kernel';
import { afterEach, describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { rejection } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const open: Kernel[] = [];
afterEach(() => Promise.all(open.splice(0).map((kernel) => kernel.stop())));

async function make(
  packages: readonly PackageInput[] = [],
  options: KernelOptions = {},
): Promise<Kernel> {
  const kernel = await createKernel({
    host: createHost(),
    isolation: 'inline',
    ...options,
    ...(packages.length > 0 && { sources: [packageSource(packages)] }),
  });
  open.push(kernel);
  return kernel;
}
async function started(
  packages: readonly PackageInput[] = [],
  options: KernelOptions = {},
): Promise<Kernel> {
  const kernel = await make(packages, options);
  await kernel.start();
  return kernel;
}

/** A storage that can be made to fail. */
function fragileStorage() {
  const memory = memoryStorage();
  const broken = { writes: false, reads: false };
  const check = (kind: 'writes' | 'reads') => {
    if (broken[kind]) throw new Error('EIO: the disk is gone');
  };
  const storage: NonNullable<KernelOptions['storage']> = {
    get: async (key) => {
      check('reads');
      return memory.get(key);
    },
    keys: async (prefix) => {
      check('reads');
      return memory.keys(prefix);
    },
    set: async (key, value) => {
      check('writes');
      return memory.set(key, value);
    },
    delete: async (key) => {
      check('writes');
      return memory.delete(key);
    },
    clear: async (prefix) => {
      check('writes');
      return memory.clear(prefix);
    },
    update: async (key, change) => {
      check('writes');
      return memory.update(key, change);
    },
    close: () => memory.close(),
  };
  return { storage, broken };
}

const keeper = pluginOf(
  'test.keeper',
  `ctx.commands.handle('keep', (value) => ctx.storage.set('k', value)); ctx.commands.handle('read', () => ctx.storage.get('k'));`,
  {
    permissions: { storage: { read: true, write: true, quota: '1kB' } },
  },
);

describe(`${runtime}: health of the kernel itself`, () => {
  it('is not healthy before start() and after stop()', async () => {
    const kernel = await make([pluginOf('test.a', '')]);
    expect(await kernel.health()).toMatchObject({
      status: 'unhealthy',
      state: 'new',
      problems: [{ code: 'kernel/stopped', message: expect.stringContaining('start()') }],
    });
    const starting = kernel.start();
    expect(await kernel.health()).toMatchObject({ status: 'degraded', state: 'starting' });
    await starting;
    expect(await kernel.health()).toMatchObject({
      status: 'healthy',
      state: 'running',
      problems: [],
    });
    await kernel.stop();
    expect(await kernel.health()).toMatchObject({
      status: 'unhealthy',
      state: 'stopped',
      problems: [{ code: 'kernel/stopped' }],
    });
  });

  it('is not healthy after a start() that was rejected, and says why', async () => {
    const { storage, broken } = fragileStorage();
    const kernel = await make([pluginOf('test.a', '')], { storage });
    broken.reads = true;
    const error = await rejection(kernel.start());
    broken.reads = false;
    await storage.get('x');
    const { status, state, problems } = await kernel.health();
    expect([status, state]).toEqual(['unhealthy', 'failed']);
    expect(problems[0]).toMatchObject({
      code: error.code,
      message: expect.stringContaining('EIO'),
    });
  });

  it('is not healthy while every write, or every read, of the storage fails, and healthy again afterwards', async () => {
    const { storage, broken } = fragileStorage();
    const kernel = await started([keeper], { storage });
    await kernel.tenant('a').start();
    await kernel.commands.execute('test.keeper:keep', 1);
    expect((await kernel.health()).status).toBe('healthy');
    broken.writes = true;
    for (const n of [1, 2]) await rejection(kernel.commands.execute('test.keeper:keep', n));
    expect(await kernel.health()).toMatchObject({
      status: 'unhealthy',
      problems: [
        {
          code: 'storage/failed',
          message: expect.stringMatching(
            /nothing can be kept: the last \d+ attempts failed with: EIO/,
          ),
        },
      ],
    });
    expect(await kernel.tenant('a').health()).toMatchObject({ status: 'unhealthy' });
    broken.writes = false;
    await kernel.commands.execute('test.keeper:keep', 3);
    expect((await kernel.health()).status).toBe('healthy');
    broken.reads = true;
    await rejection(kernel.commands.execute('test.keeper:read'));
    expect((await kernel.health()).problems).toMatchObject([{ code: 'storage/failed' }]);
  });

  it("does not take a plugin's refused write for a failing storage", async () => {
    const kernel = await started([keeper]);
    expect(
      (await rejection(kernel.commands.execute('test.keeper:keep', 'x'.repeat(10_000)))).code,
    ).toBe('storage/quota');
    expect(await kernel.health()).toMatchObject({ status: 'healthy', problems: [] });
  });

  it('reports what a storage says about itself, even if it says nothing', async () => {
    let answer: () => Promise<unknown> = async () => undefined;
    const kernel = await started([], {
      storage: { ...fragileStorage().storage, problem: () => answer() } as NonNullable<
        KernelOptions['storage']
      >,
    });
    expect((await kernel.health()).status).toBe('healthy');
    answer = async () => Object.assign(new Error('the folder is gone'), { code: 'storage/failed' });
    expect(await kernel.health()).toMatchObject({
      status: 'unhealthy',
      problems: [{ code: 'storage/failed', message: 'the folder is gone' }],
    });
    answer = () => new Promise(() => {});
    expect(await kernel.health()).toMatchObject({
      status: 'unhealthy',
      problems: [{ message: expect.stringContaining('no answer for 2000 ms') }],
    });
  });
});

describe(`${runtime}: health of plugins`, () => {
  it('is healthy without any plugin', async () => {
    const empty = {
      origin: 'a new folder',
      async *discover() {
        yield* [];
      },
    };
    expect(await (await started([], { sources: [empty] })).health()).toMatchObject({
      status: 'healthy',
      problems: [],
      plugins: [],
    });
  });

  it.each<[string, NonNullable<KernelOptions['policy']>, string]>([
    ['deny', { deny: ['evil.*'] }, "'policy.deny' has 'evil.*'"],
    ['allow', { allow: ['test.*'] }, "'policy.allow' doesn't name it"],
    ['revoked', { revoked: ['evil.one@<2.0.0'] }, "'policy.revoked' has 'evil.one@<2.0.0'"],
  ])(
    'is not affected by a plugin that policy refuses (%s): it is denied, not failed, with the reason',
    async (_, policy, why) => {
      const denied: unknown[] = [];
      const failed: unknown[] = [];
      const kernel = await make(
        [
          pluginOf('test.good', ''),
          pluginOf('evil.one', ''),
          pluginOf('test.needy', '', { dependencies: { 'evil.one': '^1.0.0' } }),
        ],
        { policy },
      );
      kernel.events.on('plugin:denied', ({ payload }) => denied.push(payload.id));
      kernel.events.on('plugin:failed', ({ payload }) => failed.push(payload.id));
      await kernel.start();
      expect([denied, failed]).toEqual([['evil.one'], ['test.needy']]);
      const health = await kernel.plugins.health('evil.one');
      expect(health).toMatchObject({
        state: 'denied',
        status: 'stopped',
        error: { code: 'plugin/disabled', message: expect.stringContaining(why) },
      });
      expect(kernel.plugins.explain('evil.one')).toMatchObject({
        state: 'denied',
        running: false,
        because: expect.stringContaining(why),
      });
      expect(kernel.plugins.list({ state: 'failed' }).map(({ id }) => id)).toEqual(['test.needy']);
      // A dependent plugin gets the reason.
      expect(kernel.plugins.explain('test.needy').because).toContain(why);
      expect(await rejection(kernel.plugins.activate('evil.one'))).toMatchObject({
        code: 'plugin/disabled',
      });
      expect(await rejection(kernel.commands.execute('evil.one:x'))).toMatchObject({
        code: 'plugin/unavailable',
        message: expect.stringContaining(why),
      });
      const calm = await started([pluginOf('test.good', ''), pluginOf('evil.one', '')], { policy });
      expect((await calm.health()).status).toBe('healthy');
    },
  );

  it('bounds what a check tells, and says that a guest is lost that does not answer', async () => {
    const check = (id: string, body: string) => pluginOf(id, '', {}, `healthCheck() { ${body} },`);
    const kernel = await started(
      [
        check('test.big', `return { status: 'healthy', details: 'x'.repeat(1e6) };`),
        check('test.busy', 'for (;;);'),
      ],
      {
        isolation: 'worker',
        supervision: { heartbeat: 100, timeout: 1_500, restart: false },
        limits: { hook: 60_000 },
      },
    );
    const { plugins, parts } = await kernel.health();
    expect(plugins[0]).toMatchObject({
      status: 'healthy',
      details: 'details larger than 65536 bytes',
    });
    expect(plugins[1]).toMatchObject({ status: 'unhealthy', details: expect.any(String) });
    expect(parts.guests).toMatchObject({
      status: 'unhealthy',
      reasons: [expect.stringContaining('test.busy')],
    });
  });

  it('ignores the failure of a plugin that an operator has disabled', async () => {
    const kernel = await started([
      pluginOf('test.broken', `throw new Error('x');`),
      pluginOf('test.good', ''),
    ]);
    expect((await kernel.health()).status).toBe('degraded');
    await kernel.plugins.disable('test.broken');
    expect((await kernel.health()).status).toBe('healthy');
  });

  it('gives a reason for a plugin whose check says no more than how it is, or says it in data', async () => {
    const bare = `healthCheck: () => ({ status: 'degraded' }),`;
    const data = `healthCheck: () => ({ status: 'unhealthy', details: { queue: 9 } }),`;
    const kernel = await started([
      pluginOf('test.bare', '', {}, bare),
      pluginOf('test.data', '', {}, data),
    ]);
    expect((await kernel.health()).parts.plugins.reasons).toEqual([
      'test.bare is active: its health check says degraded',
      'test.data is active: its health check says unhealthy',
    ]);
  });

  it('does not report a plugin as healthy while it is paused for a missing dependency', async () => {
    const kernel = await started([
      pluginOf('test.base', ''),
      pluginOf('test.top', '', { dependencies: { 'test.base': '^1.0.0' } }),
    ]);
    await kernel.plugins.deactivate('test.base');
    expect(await kernel.health()).toMatchObject({
      status: 'degraded',
      plugins: [
        { id: 'test.base', status: 'stopped' },
        { id: 'test.top', status: 'degraded', error: { code: 'plugin/dependency-failed' } },
      ],
    });
    await kernel.plugins.activate('test.base');
    expect((await kernel.health()).status).toBe('healthy');
    await kernel.plugins.suspend('test.top');
    expect(await kernel.plugins.health('test.top')).toMatchObject({ status: 'stopped' });
  });
});

describe(`${runtime}: health of tenants`, () => {
  it('is listed, and counts', async () => {
    const kernel = await started([
      pluginOf('test.a', `if (ctx.tenant === 'b') throw new Error('not here');`),
    ]);
    expect((await kernel.health()).tenants).toBeUndefined();
    for (const id of ['a', 'b']) await kernel.tenant(id).start();
    const health = await kernel.health();
    expect(health.status).toBe('degraded');
    expect(health.plugins.map(({ status }) => status)).toEqual(['healthy']);
    expect(health.tenants).toMatchObject([
      {
        id: 'a',
        status: 'healthy',
        state: 'running',
        plugins: [{ id: 'test.a', status: 'healthy' }],
        problems: [],
      },
      {
        id: 'b',
        status: 'degraded',
        plugins: [
          {
            id: 'test.a',
            status: 'unhealthy',
            error: { message: expect.stringContaining('not here') },
          },
        ],
      },
    ]);
    await kernel.tenant('b').stop();
    expect(await kernel.health()).toMatchObject({ status: 'healthy', tenants: [{ id: 'a' }] });
  });
});
