/** Plugins that fail half-way: nothing runs that was stopped, and nothing waits for ever. */
import {
  createKernel,
  type KernelOptions,
  memoryStorage,
  packageOf,
  packageSource,
} from '@plinth/kernel';
import { createKernel as createCore } from '@plinth/kernel/core';
import { defineExtension, type PluginView } from '@plinth/kernel/extension';
import { disposable } from '@plinth/sdk/contract';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { keep, nextEvent, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { CRASH, pluginOf } from '../support/plugins.ts';

const setting: Setting = { isolation: 'worker', createHost };
const quick = { backoff: 50, maxBackoff: 60, heartbeat: 1_000, timeout: 10_000 };
const HEARS = { permissions: { events: { subscribe: ['test:*'] } } };
const LISTENS = `${CRASH} const heard = [];
  ctx.events.on('test:tick', ({ payload }) => { heard.push(payload); });
  ctx.commands.handle('heard', () => heard);`;

/** A package whose bundle changes with each load. */
const changing = (id: string, codes: readonly string[], manifest = {}) => {
  const input = pluginOf(id, codes[0] as string, manifest);
  let loads = 0;
  return {
    ...packageOf(input),
    code: async () => {
      const text = codes[Math.min(loads, codes.length - 1)] as string;
      loads += 1;
      return pluginOf(id, text, manifest).code;
    },
  };
};

/** Crashes while it starts, from the given start on, and up to another one. */
const dyingFrom = (from: number, to = Number.MAX_SAFE_INTEGER) =>
  packageOf(
    pluginOf(
      'test.p',
      `${LISTENS}
       const nth = (await ctx.storage.get('starts')) ?? 0;
       await ctx.storage.set('starts', nth + 1);
       if (nth >= ${from} && nth < ${to}) {
         setTimeout(() => { throw new Error('again'); }, 0);
         await new Promise(() => {});
       }`,
      { permissions: { ...HEARS.permissions, storage: { read: true, write: true } } },
    ),
  );

const startPackages = async (
  packages: readonly ReturnType<typeof packageOf>[],
  options: KernelOptions = {},
) => {
  const kernel = keep(
    await createKernel({
      host: createHost(),
      isolation: 'worker',
      telemetry: { log: false },
      sources: [
        {
          async *discover() {
            yield* packages;
          },
        },
      ],
      supervision: { ...quick, crashes: 5 },
      ...options,
    }),
  );
  await kernel.start();
  return kernel;
};

describe(`${runtime}: a restart that fails`, () => {
  const emitAtCrash = (kernel: Awaited<ReturnType<typeof startPackages>>) =>
    new Promise<void>((resolve, reject) => {
      kernel.events.once('plugin:crashed', () => {
        kernel.events.emit('test:tick', 1).then(() => resolve(), reject);
      });
    });

  it('keeps the events that wait for it, until one succeeds', async () => {
    const kernel = await startPackages([
      changing('test.p', [LISTENS, 'no javascript at all (', 'neither (', LISTENS], HEARS),
    ]);
    const told = emitAtCrash(kernel);
    const restarted = nextEvent(kernel, 'plugin:restarted');
    await rejection(kernel.commands.execute('test.p:crash'));
    await told;
    await restarted;
    expect(await kernel.commands.execute('test.p:heard')).toEqual([1]);
  });

  it('because its guest crashes while it starts: what waits is kept, and refused in the end', async () => {
    const kernel = await startPackages([dyingFrom(1)], { supervision: { ...quick, crashes: 3 } });
    const told = emitAtCrash(kernel);
    const quarantined = nextEvent(kernel, 'plugin:quarantined');
    await rejection(kernel.commands.execute('test.p:crash'));
    await told;
    await quarantined;
    await expect.poll(() => kernel.metrics.snapshot().droppedDeliveries).toBe(1);
    await kernel.events.emit('test:tick', 2);
    expect(kernel.metrics.snapshot().droppedDeliveries).toBe(1);
  });

  it('while it was suspended, too', async () => {
    const kernel = await startPackages([dyingFrom(1, 2)]);
    const crash = rejection(
      kernel.commands.execute('test.p:crash', undefined, { timeout: 20_000 }),
    );
    await kernel.plugins.suspend('test.p').catch(() => {});
    const restarted = nextEvent(kernel, 'plugin:restarted');
    await crash;
    await restarted;
    await kernel.plugins.resume('test.p').catch(() => {});
    expect(await kernel.commands.execute('test.p:heard')).toEqual([]);
  });
});

describe(`${runtime}: what was stopped by name`, () => {
  it('is not started when what it lacked comes back', async () => {
    const kernel = await startKernel(setting, [
      pluginOf('test.needed', "if (!globalThis.ok) throw new Error('not yet');"),
      pluginOf('test.needy', '', { dependencies: { 'test.needed': '^1.0.0' } }),
    ]);
    expect(kernel.plugins.get('test.needy')?.state).toBe('failed');
    await kernel.plugins.deactivate('test.needy');
    expect(kernel.plugins.get('test.needy')?.state).toBe('unloaded');
    const next = packageOf(pluginOf('test.needed', '', { version: '1.0.1' }));
    await kernel.plugins.update('test.needed', next);
    await kernel.plugins.activate('test.needed');
    expect(kernel.plugins.get('test.needed')?.state).toBe('active');
    await kernel.plugins.explain('test.needy');
    expect(kernel.plugins.get('test.needy')?.state).toBe('unloaded');
    await kernel.plugins.activate('test.needy');
    expect(kernel.plugins.get('test.needy')?.state).toBe('active');
  });

  it('is not started by the end of a pause for which it had been stopped', async () => {
    const pauser = defineExtension({ name: 'pauser', uses: ['steer'] }, () => ({
      install: (port) => port,
    }));
    const kernel = await startKernel(setting, [pluginOf('test.p', ''), pluginOf('test.q', '')], {
      extensions: [pauser()],
    });
    const { steer, plugins } = kernel.extension(pauser);
    const pause = (id: string) =>
      steer.pause(plugins.get(id) as PluginView, {
        name: 'shut',
        calls: 'refuse',
        guest: 'release',
        because: () => 'it is moved',
      });
    const [one, other] = [pause('test.p'), pause('test.q')];
    expect([await one.settled, await other.settled]).toEqual([true, true]);
    await kernel.plugins.deactivate('test.p');
    one.dispose();
    const back = nextEvent(kernel, 'plugin:activated');
    other.dispose();
    await back;
    expect(kernel.plugins.get('test.q')?.state).toBe('active');
    expect(kernel.plugins.get('test.p')?.state).toBe('unloaded');
  });

  it('and enabled again starts, also without the installer', async () => {
    const kernel = keep(
      (await createCore({
        host: createHost(),
        telemetry: { log: false },
        sources: [packageSource([pluginOf('test.p', '', { activation: ['startup'] })])],
      })) as never as Awaited<ReturnType<typeof createKernel>>,
    );
    await kernel.start();
    expect(kernel.plugins.get('test.p')?.state).toBe('active');
    await kernel.plugins.disable('test.p');
    expect(kernel.plugins.get('test.p')?.state).not.toBe('active');
    await kernel.plugins.enable('test.p');
    expect(kernel.plugins.get('test.p')?.state).toBe('active');
  });
});

describe(`${runtime}: a pause that ends badly`, () => {
  it('ends a plugin that can’t resume: it fails, and doesn’t stay suspended for ever', async () => {
    const pauser = defineExtension({ name: 'pauser', uses: ['steer'] }, () => ({
      install: (port) => port,
    }));
    const plugin = pluginOf('test.p', '', {}, "resume() { throw new Error('stuck'); },");
    const kernel = await startKernel(setting, [plugin], { extensions: [pauser()] });
    const { steer, plugins } = kernel.extension(pauser);
    const pause = steer.pause(plugins.get('test.p') as PluginView, {
      name: 'p',
      calls: 'queue',
      guest: 'keep',
      because: () => 'for a test',
    });
    expect(await pause.settled).toBe(true);
    const failed = nextEvent(kernel, 'plugin:failed');
    pause.dispose();
    await failed;
    expect(kernel.plugins.get('test.p')?.state).toBe('failed');
  });
});

describe(`${runtime}: stop()`, () => {
  it('ends everything when a settings source can’t end or never answers', async () => {
    for (const source of [
      {
        name: 'broken',
        load: async () => ({}),
        watch: () =>
          disposable(() => {
            throw new Error('cannot end');
          }),
      },
    ]) {
      let closed = false;
      const memory = memoryStorage();
      const kernel = await createKernel({
        host: createHost(),
        telemetry: { log: false },
        isolation: 'worker',
        config: { user: source },
        limits: { open: 200 },
        storage: {
          ...memory,
          close: async () => {
            closed = true;
            await memory.close();
          },
        },
        sources: [packageSource([pluginOf('test.p', "ctx.commands.handle('here', () => 1);")])],
      });
      await kernel.start();
      expect(await kernel.commands.execute('test.p:here')).toBe(1);
      expect((await rejection(kernel.stop())).message).toMatch(/cannot end/);
      expect(kernel.plugins.get('test.p')?.state).not.toBe('active');
      expect(closed).toBe(true);
    }
  });
});

describe(`${runtime}: hooks of plugins that wake slowly`, () => {
  it('wait no longer than their caller says', async () => {
    const kernel = await startKernel(
      setting,
      [
        pluginOf(
          'test.slow',
          "ctx.hooks.handle('test.slow:ask', () => 1); await new Promise(() => {});",
          { activation: ['hook:test.slow:ask'] },
        ),
      ],
      { limits: { activate: 4_000 } },
    );
    const began = performance.now();
    await kernel.hooks.collect('test.slow:ask', undefined, { timeout: 200 });
    expect(performance.now() - began).toBeLessThan(3_500);
  });
});
