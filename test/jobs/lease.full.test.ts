/** Several kernels over one storage, and plugins that sleep. */
import type { JobRun } from '@plinth/jobs';
import { jobs } from '@plinth/jobs/host';
import {
  createKernel,
  type Kernel,
  memoryStorage,
  packageSource,
  type StorageAdapter,
} from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { createHost, persistentStorage, runtime, storageName } from '#host';
import { keep } from '../support/kernels.ts';
import { pluginOf, type TextPackage } from '../support/plugins.ts';
import { outliving } from '../support/storages.ts';
import { Heard, RIGHTS, startJobs, withJobs } from './start.ts';

/** The storage of a kernel that can be cut off from it, as if its process had been killed. */
function cuttable(storage: StorageAdapter): StorageAdapter & { cut: boolean } {
  const kept = outliving(storage);
  const live = () => {
    if (own.cut) throw new Error('cut off');
  };
  const own = {
    ...kept,
    cut: false,
    set: async (key: string, value: unknown) => {
      live();
      await kept.set(key, value);
    },
    update: async (key: string, change: (value: unknown) => unknown) => {
      live();
      await kept.update(key, change);
    },
  };
  return own;
}

describe(`${runtime}: two kernels over one storage`, () => {
  it('handle each task once', async () => {
    const name = await storageName();
    const [storage, other] = [await persistentStorage(name), await persistentStorage(name)];
    const seen = new Heard<readonly [number, unknown]>();
    const worker = (kernel: number) =>
      withJobs('test.work', ({ queue }) =>
        queue('work').work(
          async (task) => {
            await new Promise((resolve) => {
              setTimeout(resolve, 2);
            });
            seen.add([kernel, task]);
          },
          { concurrency: 4 },
        ),
      );
    const one = await startJobs([worker(1)], {}, { storage: outliving(storage) });
    const queue = one.api.queue('test.work', 'work');
    for (let task = 0; task < 20; task += 1) await queue.push(task, { delay: 300 });
    const two = await startJobs([worker(2)], {}, { storage: outliving(other) });
    expect(await two.api.queue('test.work', 'work').counts()).toMatchObject({ dead: 0 });
    await seen.length(20);
    await expect.poll(() => storage.keys('tenant-0\0plinth\0extension\0jobs\0tasks')).toEqual([]);
    expect(seen.all.map(([, task]) => task).sort()).toEqual(
      Array.from({ length: 20 }, (_, task) => task).sort(),
    );
    await Promise.all([one.kernel.stop(), two.kernel.stop()]);
    await Promise.all([storage.close(), other.close()]);
  });

  it('run a job for each time in one of them', async () => {
    const storage = memoryStorage();
    const runs = new Heard<readonly [number, JobRun]>();
    const worker = (kernel: number) =>
      withJobs('test.work', ({ every }) =>
        every('1s', { name: 'tick' }, (run) => runs.add([kernel, run])),
      );
    const one = await startJobs([worker(1)], {}, { storage: outliving(storage) });
    const two = await startJobs([worker(2)], {}, { storage: outliving(storage) });
    await runs.length(3);
    await Promise.all([one.kernel.stop(), two.kernel.stop()]);
    const times = runs.all.map(([, { at }]) => at);
    expect(new Set(times).size).toBe(times.length);
  });

  it('notice that the other has paused and resumed a queue', async () => {
    const storage = memoryStorage();
    const seen = new Heard<unknown>();
    const start = (activate: Parameters<typeof withJobs>[1]) =>
      startJobs(
        [withJobs('test.work', activate)],
        { poll: 1_000 },
        { storage: outliving(storage) },
      );
    const one = await start(() => {});
    const two = await start(({ queue }) => queue('work').work(seen.add));
    const [here, there] = [one, two].map(({ api }) => api.queue('test.work', 'work'));
    await here?.pause();
    const paused = async () => (await two.api.queues())[0]?.paused;
    await expect.poll(paused, { timeout: 10_000 }).toBe(true);
    await there?.push('task');
    expect(await there?.counts()).toMatchObject({ waiting: 1 });
    await here?.resume();
    expect(await seen.length(1)).toEqual(['task']);
  });

  it('handle a dead task that the other has let be tried again', async () => {
    const storage = memoryStorage();
    const attempts = new Heard<number>();
    const two = await startJobs(
      [
        withJobs('test.work', ({ queue }) =>
          queue('work').work((_task, { attempt }) => {
            attempts.add(attempt);
            if (attempts.all.length === 1) throw new Error('not yet');
          }),
        ),
      ],
      { poll: 1_000 },
      { storage: outliving(storage) },
    );
    const queue = two.api.queue('test.work', 'work');
    const { id } = await queue.push('task', { retries: 0 });
    await expect.poll(() => queue.counts()).toMatchObject({ dead: 1 });
    const other = [withJobs('test.work', () => {})];
    const one = await startJobs(other, {}, { storage: outliving(storage) });
    expect(await one.api.queue('test.work', 'work').retry(id)).toBe(true);
    expect(await attempts.length(2)).toEqual([1, 1]);
  });

  it('notice that the other has paused and resumed a job', async () => {
    const storage = memoryStorage();
    const runs = new Heard<number>();
    const start = (kernel: number) =>
      startJobs(
        [
          withJobs('test.work', ({ every }) =>
            every('1s', { name: 'tick' }, () => runs.add(kernel)),
          ),
        ],
        { poll: 1_000 },
        { storage: outliving(storage) },
      );
    const [one, two] = [await start(1), await start(2)];
    await one.api.pause('test.work', 'tick');
    const paused = async () => (await two.api.list())[0]?.paused;
    await expect.poll(paused, { timeout: 10_000 }).toBe(true);
    await one.api.resume('test.work', 'tick');
    await one.kernel.stop();
    const before = runs.all.length;
    expect((await runs.length(before + 1)).at(-1)).toBe(2);
  });

  it('take over what the other has left, when its lease is over', async () => {
    const storage = memoryStorage();
    const first = cuttable(storage);
    const begun = Promise.withResolvers<void>();
    const one = await startJobs(
      [
        withJobs('test.work', async ({ queue, every }) => {
          await every('1s', { name: 'tick', missed: 'once' }, () => new Promise(() => {}));
          await queue('work').work(() => {
            begun.resolve();
            return new Promise(() => {});
          });
        }),
      ],
      { lease: 1_000 },
      { storage: first },
    );
    await one.api.queue('test.work', 'work').push('hello', { retries: 1 });
    await begun.promise;
    await expect.poll(async () => (await one.api.list())[0]?.running).toBe(1);
    first.cut = true;
    const attempts = new Heard<unknown>();
    const ticks = new Heard<JobRun>();
    await startJobs(
      [
        withJobs('test.work', async ({ queue, every }) => {
          await every('1s', { name: 'tick', missed: 'once' }, ticks.add);
          await queue('work').work((_task, { attempt }) => attempts.add(attempt));
        }),
      ],
      { lease: 1_000 },
      { storage: outliving(storage) },
    );
    expect(await attempts.length(1)).toEqual([2]);
    const [tick] = await ticks.length(1);
    // The run that was interrupted is the first that is made up for.
    expect(tick).toMatchObject({ missed: true });
    await one.kernel.stop({ drain: 0 });
  });
});

describe(`${runtime}: a plugin that sleeps`, () => {
  /** A plugin in a worker, which can be loaded again. It tells the host of its starts and runs. */
  const sleeper = (ask: string, contributes = {}) =>
    pluginOf(
      'test.sleeper',
      `
      const ask = (member, input) => ctx.commands.execute('plinth.jobs:' + member, input);
      ctx.commands.handle('plinthJobs', ({ job, task }) =>
        ctx.commands.execute('host:heard', job ?? task));
      await ctx.commands.execute('host:heard', 'start');
      await ask('attach', { token: 'c'.repeat(32) });
      ${ask}`,
      { permissions: RIGHTS, contributes },
    );
  const start = async (plugin: TextPackage) => {
    const heard = new Heard<unknown>();
    const kernel = keep(
      await createKernel({
        host: createHost(),
        sources: [packageSource([plugin])],
        extensions: [jobs()],
        hibernation: { idle: 100 },
        telemetry: { log: false },
      }),
    );
    kernel.commands.handle('heard', heard.add);
    await kernel.start();
    return { kernel, api: kernel.extension(jobs), heard };
  };
  const asleep = (kernel: Kernel) =>
    expect.poll(() => kernel.plugins.get('test.sleeper')?.state).toBe('suspended');

  it('is woken for jobs and queues of its manifest', async () => {
    const { kernel, api, heard } = await start(
      sleeper("await ask('work', { queue: 'work' });", {
        jobs: [{ name: 'tick', cron: '0 0 1 1 *' }],
        queues: [{ name: 'work', concurrency: 2 }],
      }),
    );
    await asleep(kernel);
    await api.queue('test.sleeper', 'work').push('task');
    expect(await heard.length(3)).toEqual(['start', 'start', 'task']);
    await asleep(kernel);
    await api.run('test.sleeper', 'tick');
    expect(heard.all).toEqual(['start', 'start', 'task', 'start', 'tick']);
  });

  it('is not woken for what it has only asked for in code', async () => {
    const { kernel, api, heard } = await start(
      sleeper(
        "await ask('schedule', { name: 'tick', every: '1h' }); await ask('work', { queue: 'work' });",
      ),
    );
    await asleep(kernel);
    await api.queue('test.sleeper', 'work').push('task');
    expect(await api.list()).toEqual([]);
    expect(await api.queues()).toMatchObject([{ waiting: 1, handled: false }]);
    expect(kernel.plugins.get('test.sleeper')?.state).toBe('suspended');
    await kernel.plugins.resume('test.sleeper');
    expect(await heard.length(3)).toEqual(['start', 'start', 'task']);
    expect(await api.list()).toHaveLength(1);
  });
});

describe(`${runtime}: a kernel that stops`, () => {
  it('ends runs and keeps their tasks', async () => {
    const storage = memoryStorage();
    const aborted = new Heard<string>();
    const begun = new Heard<string>();
    const { kernel, api } = await startJobs(
      [
        withJobs('test.work', async ({ every, queue }) => {
          await every('1h', { name: 'tick', missed: 'once' }, ({ signal }) => {
            begun.add('tick');
            signal.addEventListener('abort', () => aborted.add('tick'));
            return new Promise(() => {});
          });
          await queue('work').work((_task, { signal }) => {
            begun.add('task');
            signal.addEventListener('abort', () => aborted.add('task'));
            return new Promise(() => {});
          });
        }),
      ],
      {},
      { storage: outliving(storage), limits: { swap: 50 } },
    );
    await api.queue('test.work', 'work').push('hello', { retries: 0 });
    const run = api.run('test.work', 'tick').catch((error: { code: string }) => error.code);
    await begun.length(2);
    await kernel.stop();
    expect(await run).toBe('call/cancelled');
    expect([...aborted.all].sort()).toEqual(['task', 'tick']);
    const seen = new Heard<unknown>();
    await startJobs(
      [
        withJobs('test.work', ({ queue }) =>
          queue('work').work((task, { attempt }) => seen.add([task, attempt])),
        ),
      ],
      {},
      { storage: outliving(storage) },
    );
    // The attempt that the kernel has ended doesn't count.
    expect(await seen.length(1)).toEqual([['hello', 1]]);
  });

  it('leaves no timer', async () => {
    const timers = watchTimers();
    try {
      const { kernel, api } = await startJobs([
        withJobs('test.work', async ({ every, cron, queue }) => {
          await every('1h', { name: 'tick' }, () => {});
          await cron('0 3 * * *', { name: 'tock' }, () => {});
          await queue('work').work(() => {});
        }),
      ]);
      await api.queue('test.work', 'work').push('later', { delay: '1h' });
      await api.run('test.work', 'tick');
      expect(timers.pending).toBeGreaterThan(0);
      await kernel.stop();
      expect(timers.pending).toBe(0);
    } finally {
      timers.restore();
    }
  });
});

/** Counts the timers of this thread. One without a delay only ends a turn. */
function watchTimers() {
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const pending = new Set<unknown>();
  Object.assign(globalThis, {
    setTimeout: (run: (...values: unknown[]) => void, ms?: number, ...values: unknown[]) => {
      const timer: unknown = set(() => {
        pending.delete(timer);
        run(...values);
      }, ms);
      if (ms !== undefined && ms > 0) pending.add(timer);
      return timer;
    },
    clearTimeout: (timer: never) => {
      pending.delete(timer);
      clear(timer);
    },
  });
  return {
    get pending() {
      return pending.size;
    },
    restore: () => Object.assign(globalThis, { setTimeout: set, clearTimeout: clear }),
  };
}
