/**
 * External causes that keep a crashed plugin from restarting are retried and don't count against
 * it. Rejecting callbacks of the application end nothing.
 */

import {
  createKernel,
  type Kernel,
  type KernelOptions,
  type LogEntry,
  memoryStorage,
  type PluginPackage,
  packageOf,
} from '@plinth/kernel';
import { afterEach, describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { nextEvent, rejection, startKernel } from '../support/kernels.ts';
import { CRASH, pluginOf } from '../support/plugins.ts';

const quick = { backoff: 100, maxBackoff: 120, heartbeat: 50, timeout: 10_000, crashes: 5 };
const FRAGILE = `${CRASH}
  ctx.commands.handle('ping', () => 'pong');`;

const open: Kernel[] = [];
afterEach(() => Promise.all(open.splice(0).map((kernel) => kernel.stop())));

async function start(
  packages: readonly PluginPackage[],
  options: KernelOptions = {},
): Promise<Kernel> {
  const source = {
    async *discover() {
      yield* packages;
    },
  };
  const kernel = await createKernel({
    host: createHost(),
    supervision: quick,
    ...options,
    sources: [source],
  });
  open.push(kernel);
  await kernel.start();
  return kernel;
}

/** A package whose bundle is what `read` returns from its second reading on. */
function unreliable(read: (text: string, nth: number) => string | Promise<string>): PluginPackage {
  const input = pluginOf('test.fragile', FRAGILE);
  let times = 0;
  return {
    ...packageOf(input),
    code: async () => {
      times += 1;
      return times === 1 ? input.code : read(input.code, times - 1);
    },
  };
}

const crash = (kernel: Kernel) => rejection(kernel.commands.execute('test.fragile:crash'));

/**
 * Counts the failures of a plugin until it is back, and reports whether it was quarantined
 * meanwhile.
 */
async function comeback(
  kernel: Kernel,
): Promise<{ readonly failures: readonly string[]; readonly quarantined: boolean }> {
  const failures: string[] = [];
  let quarantined = false;
  kernel.events.on('plugin:failed', ({ payload }) =>
    failures.push(`${payload.stage} ${payload.code}`),
  );
  kernel.events.on('plugin:quarantined', () => {
    quarantined = true;
  });
  // While a guest ends slowly it still holds its bundle, and the next one needn't read it: then
  // crash it again.
  for (let crashes = 1; ; crashes++) {
    const restarted = nextEvent(kernel, 'plugin:restarted');
    await crash(kernel);
    await restarted;
    if (failures.length > crashes || crashes === quick.crashes - 1)
      return { failures: failures.slice(crashes), quarantined };
  }
}

/** Crashes a plugin until that was once too often. */
async function quarantine(kernel: Kernel): Promise<void> {
  let gone: unknown;
  kernel.events.once('plugin:quarantined', ({ payload }) => {
    gone = payload;
  });
  while (gone === undefined) {
    await crash(kernel);
    await kernel.commands.execute('test.fragile:ping').catch(() => {});
  }
  expect(gone).toMatchObject({ crashes: quick.crashes });
}

describe(`${runtime}: restarts that fail for external reasons`, () => {
  it("retries a temporarily unreadable bundle, and counts only the plugin's own crash", async () => {
    const kernel = await start([
      unreliable((text, nth) => {
        if (nth <= 8) throw new Error('503 Service Unavailable');
        return text;
      }),
    ]);
    const { failures, quarantined } = await comeback(kernel);
    expect(failures).toEqual(Array(8).fill('load plugin/load-failed'));
    expect(quarantined).toBe(false);
    expect(await kernel.commands.execute('test.fragile:ping')).toBe('pong');
    await quarantine(kernel);
  });

  it('retries a bundle that is being copied while it is read', async () => {
    const kernel = await start([
      unreliable((text, nth) => (nth <= 5 ? text.slice(0, 10 * nth) : text)),
    ]);
    const { failures, quarantined } = await comeback(kernel);
    expect([failures.length, quarantined]).toEqual([5, false]);
    expect(await kernel.commands.execute('test.fragile:ping')).toBe('pong');
  });

  it('retries a guest that the host temporarily cannot launch', async () => {
    const real = createHost();
    let launches = 0;
    const host = {
      ...real,
      launch: (request: Parameters<typeof real.launch>[0]) => {
        launches += 1;
        if (launches > 1 && launches < 7) throw new Error('not enough memory for a worker');
        return real.launch(request);
      },
    };
    const kernel = await start([packageOf(pluginOf('test.fragile', FRAGILE))], { host });
    const { failures, quarantined } = await comeback(kernel);
    expect(failures).toEqual(Array(5).fill('load plugin/launch-failed'));
    expect(quarantined).toBe(false);
  });

  it('retries a start during which the storage fails', async () => {
    const memory = memoryStorage();
    let broken = 0;
    const storage = {
      ...memory,
      set: async (key: string, value: unknown) => {
        if (key.endsWith('first start') && broken > 0) {
          broken -= 1;
          throw new Error('ENOSPC');
        }
        return memory.set(key, value);
      },
      update: async (key: string, change: (current: unknown) => unknown) => {
        if (key.endsWith('first start') && broken > 0) {
          broken -= 1;
          throw new Error('ENOSPC');
        }
        return memory.update(key, change);
      },
    };
    const kernel = await start(
      [
        packageOf(
          pluginOf('test.fragile', `await ctx.storage.set('first start', 1); ${FRAGILE}`, {
            permissions: { storage: { read: true, write: true } },
          }),
        ),
      ],
      {
        storage: storage as never,
      },
    );
    broken = 5;
    const { failures, quarantined } = await comeback(kernel);
    expect(failures).toEqual(Array(5).fill('activate plugin/activation-failed'));
    expect(quarantined).toBe(false);
  });

  it('counts a plugin that crashes while it loads', async () => {
    const kernel = await start([
      unreliable(
        () =>
          `setTimeout(() => { throw new Error('again'); }, 0); await new Promise(() => {}); export default {};`,
      ),
    ]);
    await quarantine(kernel);
  });

  it('reports that a restart is due, when, and what has delayed it', async () => {
    const kernel = await start(
      [
        unreliable(() => {
          throw new Error('503');
        }),
      ],
      { supervision: { ...quick, backoff: 60_000, maxBackoff: 60_000 } },
    );
    const failed = nextEvent(kernel, 'plugin:failed');
    await crash(kernel);
    await failed;
    const { because, restart } = kernel.plugins.explain('test.fragile');
    expect(because).toMatch(
      /failed to run: test\.fragile crashed: gone; it is started again at \d{4}-\d\d-\d\dT/,
    );
    expect(restart?.attempt).toBe(1);
    expect(restart?.due).toBeGreaterThan(Date.now() + 20_000);
  });
});

describe(`${runtime}: events while a restart is pending`, () => {
  const LISTENER = `${FRAGILE}
    const heard = [];
    ctx.events.on('test:tick', ({ payload }) => { heard.push(payload); });
    ctx.commands.handle('heard', () => heard);`;
  const may = { permissions: { events: { subscribe: ['test:*'] } } };
  const listening = async (options: KernelOptions = {}) => {
    const kernel = await start([packageOf(pluginOf('test.fragile', LISTENER, may))], options);
    /** Emits three events as soon as the guest has crashed. */
    const crashed = new Promise<void>((resolve, reject) => {
      kernel.events.once('plugin:crashed', () => {
        Promise.all([1, 2, 3].map((n) => kernel.events.emit('test:tick', n))).then(
          () => resolve(),
          reject,
        );
      });
    });
    return { kernel, crashed };
  };

  it('reach the next guest, in their order, before later ones', async () => {
    const { kernel, crashed } = await listening();
    const restarted = nextEvent(kernel, 'plugin:restarted');
    await crash(kernel);
    await crashed;
    await restarted;
    await kernel.events.emit('test:tick', 4);
    expect(await kernel.commands.execute('test.fragile:heard')).toEqual([1, 2, 3, 4]);
    expect(kernel.metrics.snapshot().droppedDeliveries).toBe(0);
  });

  it('are dropped, which the log says, when the plugin is stopped by name', async () => {
    const lines: string[] = [];
    const { kernel, crashed } = await listening({
      supervision: { ...quick, backoff: 20_000, maxBackoff: 20_000 },
      telemetry: { log: ({ message }) => void lines.push(message) },
    });
    await crash(kernel);
    await crashed;
    await kernel.plugins.deactivate('test.fragile');
    expect(lines.join('\n')).toMatch(/dropped 3 events for test\.fragile: /);
    expect(kernel.metrics.snapshot().droppedDeliveries).toBe(3);
    await kernel.plugins.activate('test.fragile');
    expect(await kernel.commands.execute('test.fragile:heard')).toEqual([]);
  });
});

describe(`${runtime}: callbacks of the application that reject`, () => {
  it('a rejecting log sink, progress listener or watcher ends nothing', async () => {
    const entries: LogEntry[] = [];
    const unhandled: unknown[] = [];
    const note = (event: unknown) => {
      unhandled.push(event);
    };
    const target = globalThis as unknown as {
      process?: { on(n: string, f: unknown): void; off(n: string, f: unknown): void };
    } & EventTarget;
    if (runtime === 'node') target.process?.on('unhandledRejection', note);
    else target.addEventListener('unhandledrejection', note);
    const kernel = await startKernel(
      { isolation: 'inline' },
      [
        pluginOf(
          'test.a',
          `ctx.logger.info('hello'); ctx.commands.handle('work', (_, call) => { call.progress(1); return 'done'; });`,
        ),
      ],
      {
        telemetry: {
          log: async (entry) => {
            entries.push(entry);
            throw new Error('the log server is down');
          },
        },
      },
    );
    kernel.config.watch('test.a', async () => {
      throw new Error('watcher');
    });
    await kernel.config.set('test.a', { x: 1 });
    const onProgress = async () => {
      throw new Error('progress');
    };
    expect(await kernel.commands.execute('test.a:work', undefined, { onProgress })).toBe('done');
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (runtime === 'node') target.process?.off('unhandledRejection', note);
    else target.removeEventListener('unhandledrejection', note);
    expect(unhandled).toEqual([]);
    expect(entries.map(({ message }) => message)).toContain('hello');
    expect(entries.map(({ message }) => message).join('\n')).toMatch(
      /a watcher of the configuration of test\.a threw: watcher/,
    );
    expect(entries.map(({ message }) => message).join('\n')).toMatch(
      /a progress listener of test\.a:work threw/,
    );
  });
});
