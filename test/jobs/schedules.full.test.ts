/** Jobs of plugins: when they run, what is missed, and what an operator does with them. */
import type { JobRun } from '@plinth/jobs';
import { jobs } from '@plinth/jobs/host';
import { memoryStorage, type StorageAdapter } from '@plinth/kernel';
import type { ManifestInput } from '@plinth/sdk/contract';
import { createTestKernel, type TestKernel } from '@plinth/sdk/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { runtime } from '#host';
import { nextEvent, rejection } from '../support/kernels.ts';
import { outliving } from '../support/storages.ts';
import { Heard, startJobs, withJobs } from './start.ts';

const MINUTE = 60_000;
const NOON = Date.parse('2026-03-10T12:00:00Z');

const open: TestKernel[] = [];
afterEach(async () => {
  for (const kernel of open.splice(0)) await kernel.stop();
});

/** A kernel whose clock stands at a time. */
async function at(
  now: number | string,
  plugin: ReturnType<typeof withJobs>,
  { storage, ...options }: { storage?: StorageAdapter } & Parameters<typeof jobs>[0] = {},
) {
  const kernel = await createTestKernel({
    plugins: [plugin as never],
    extensions: [jobs(options)],
    clock: { now: new Date(now) },
    telemetry: { log: false },
    ...(storage && { adapter: outliving(storage) }),
  });
  open.push(kernel);
  return { kernel, api: kernel.extension(jobs), clock: kernel.clock };
}

/** A time of a clock that is wrong, and work after it was set to noon. */
const AHEAD = '2099-01-01T00:00:00Z';
async function setBack(work: () => Promise<unknown>): Promise<void> {
  const { Date: before } = globalThis;
  const back = Date.parse(AHEAD) - NOON;
  globalThis.Date = class extends before {
    static override now = () => before.now() - back;
  } as DateConstructor;
  try {
    await work();
  } finally {
    globalThis.Date = before;
  }
}

const times = (runs: readonly Pick<JobRun, 'at'>[]) =>
  runs.map((run) => new Date(run.at).toISOString().slice(5, 16));

describe(`${runtime}: every()`, () => {
  it('runs again and again, first after one period', async () => {
    const runs: JobRun[] = [];
    const { api, clock } = await at(
      NOON,
      withJobs('test.feed', ({ every }) =>
        every('1m', { name: 'sync' }, (run) => void runs.push(run)),
      ),
    );
    expect(await api.list()).toEqual([
      {
        plugin: 'test.feed',
        name: 'sync',
        schedule: { every: MINUTE },
        declared: false,
        missed: 'skip',
        overlap: false,
        timeout: 30_000,
        paused: false,
        running: 0,
        next: NOON + MINUTE,
      },
    ]);
    await clock.advance(MINUTE - 1);
    expect(runs).toEqual([]);
    await clock.advance(2 * MINUTE + 1);
    expect(times(runs)).toEqual(['03-10T12:01', '03-10T12:02', '03-10T12:03']);
    expect(runs[0]).toMatchObject({ name: 'sync', missed: false, by: 'schedule' });
    const [job] = await api.list('test.feed');
    expect(job).toMatchObject({
      next: NOON + 4 * MINUTE,
      last: { at: NOON + 3 * MINUTE, ok: true },
    });
  });

  it('begins no run while one is in progress, unless it may', async () => {
    const gate = Promise.withResolvers<void>();
    const counts = { one: 0, many: 0 };
    const { clock, api } = await at(
      NOON,
      withJobs('test.feed', async ({ every }) => {
        await every('10s', { name: 'one', timeout: '10m' }, async () => {
          counts.one += 1;
          await gate.promise;
        });
        await every('10s', { name: 'many', overlap: true, timeout: '10m' }, async () => {
          counts.many += 1;
          await gate.promise;
        });
      }),
    );
    await clock.advance(38_000);
    expect(counts).toEqual({ one: 1, many: 3 });
    expect((await api.list()).map(({ running }) => running)).toEqual([1, 3]);
    gate.resolve();
    await clock.advance(5_000);
    expect(counts).toEqual({ one: 2, many: 4 });
  });

  it('ends with the plugin, and when it is disposed of', async () => {
    const { kernel, api } = await startJobs([
      withJobs('test.feed', async ({ every, cron }, ctx) => {
        await cron('0 3 * * *', { name: 'stays' }, () => {});
        const job = await every('1h', { name: 'ends' }, () => {});
        ctx.commands.handle('end', () => job.dispose());
      }),
    ]);
    const names = async () => (await api.list()).map(({ name }) => name);
    expect(await names()).toEqual(['stays', 'ends']);
    await kernel.commands.execute('test.feed:end');
    await expect.poll(names).toEqual(['stays']);
    await kernel.plugins.deactivate('test.feed');
    expect(await names()).toEqual([]);
    await kernel.plugins.activate('test.feed');
    expect(await names()).toEqual(['stays', 'ends']);
    await kernel.plugins.reload('test.feed');
    expect(await names()).toEqual(['stays', 'ends']);
  });

  it('tells how runs fail, and ends one after its time', async () => {
    const { kernel, api, clock } = await at(
      NOON,
      withJobs('test.feed', async ({ every }) => {
        await every('1m', { name: 'bad' }, () => {
          throw new Error('no feed');
        });
        await every('1m', { name: 'slow', timeout: '5s' }, () => new Promise(() => {}));
      }),
    );
    const heard: unknown[] = [];
    kernel.events.on('jobs:failed', ({ payload }) => heard.push(payload));
    await clock.advance(70_000);
    expect(heard).toEqual([
      { plugin: 'test.feed', job: 'bad', code: expect.any(String), message: 'no feed' },
      { plugin: 'test.feed', job: 'slow', code: 'call/timeout', message: expect.any(String) },
    ]);
    const [bad, slow] = await api.list();
    expect(bad?.last).toMatchObject({ ok: false, error: { message: 'no feed' } });
    expect(slow).toMatchObject({ running: 0, last: { ok: false, took: 5_000 } });
  });
});

describe(`${runtime}: cron()`, () => {
  it('runs at the times of a pattern in its time zone, over the change of the clocks', async () => {
    const runs: JobRun[] = [];
    const zone = { timeZone: 'Europe/Berlin' };
    const plugin = withJobs('test.digest', ({ cron }) =>
      cron('0 3 * * *', { name: 'digest', ...zone }, (run) => void runs.push(run)),
    );
    const storage = memoryStorage();
    const first = await at('2026-03-28T01:59:30Z', plugin, { storage });
    await first.clock.advance(MINUTE);
    expect(times(runs)).toEqual(['03-28T02:00']);
    const next = '2026-03-29T01:00:00.000Z';
    expect(new Date((await first.api.list())[0]?.next as number).toISOString()).toBe(next);
    await first.kernel.stop();
    const second = await at('2026-03-29T00:59:30Z', plugin, { storage });
    await second.clock.advance(MINUTE);
    expect(times(runs)).toEqual(['03-28T02:00', '03-29T01:00']);
  });

  it.each([
    ['* * * *', 'five fields'],
    ['60 * * * *', 'minute'],
    ['0 0 30 2 *', 'never comes'],
    ['2026-01-01T00:00:00', 'five fields'],
    [`${'1,'.repeat(40)}1 * * * *`, 'five fields'],
  ])('refuses %s', async (pattern, why) => {
    const { kernel } = await startJobs([
      withJobs('test.digest', ({ cron }, ctx) => {
        ctx.commands.handle('cron', () => cron(pattern, { name: 'digest' }, () => {}));
      }),
    ]);
    const error = await rejection(kernel.commands.execute('test.digest:cron'));
    expect(error.code).toBe('call/invalid-input');
    expect(error.message).toContain(why);
  });

  it('refuses a time zone that is none', async () => {
    const { kernel } = await startJobs([
      withJobs('test.digest', ({ cron }, ctx) => {
        const options = { name: 'digest', timeZone: 'Europe/Atlantis' };
        ctx.commands.handle('cron', () => cron('0 3 * * *', options, () => {}));
      }),
    ]);
    const error = await rejection(kernel.commands.execute('test.digest:cron'));
    expect(error.message).toContain('Europe/Atlantis');
  });
});

describe(`${runtime}: times that are missed`, () => {
  const missedBy = async (missed: 'skip' | 'once' | 'all', limits = {}) => {
    const storage = memoryStorage();
    const runs: JobRun[] = [];
    const plugin = withJobs('test.feed', ({ every }) =>
      every('10m', { name: 'sync', missed }, (run) => void runs.push(run)),
    );
    const first = await at(NOON, plugin, { storage });
    await first.kernel.stop();
    const second = await at(NOON + 45 * MINUTE, plugin, { storage, limits });
    await second.clock.advance(5 * MINUTE);
    await second.kernel.stop();
    return runs.map((run) => [new Date(run.at).getUTCMinutes(), run.missed]);
  };

  it('are dropped, run for once, or run for each', async () => {
    expect(await missedBy('skip')).toEqual([[50, false]]);
    expect(await missedBy('once')).toEqual([
      [40, true],
      [50, false],
    ]);
    expect(await missedBy('all')).toEqual([
      [10, true],
      [20, true],
      [30, true],
      [40, true],
      [50, false],
    ]);
  });

  it('are bounded', async () => {
    expect(await missedBy('all', { missed: 2 })).toEqual([
      [30, true],
      [40, true],
      [50, false],
    ]);
  });
});

describe(`${runtime}: a clock that was wrong`, () => {
  it('keeps no job from running when it is right again', async () => {
    const storage = memoryStorage();
    const runs: JobRun[] = [];
    const plugin = withJobs('test.feed', ({ every }) =>
      every('1m', { name: 'sync' }, (run) => void runs.push(run)),
    );
    const wrong = await at(AHEAD, plugin, { storage });
    await wrong.clock.advance(MINUTE);
    await wrong.kernel.stop();
    const { clock } = await at(NOON, plugin, { storage });
    await clock.advance(MINUTE);
    expect(runs.map((run) => new Date(run.at).getUTCFullYear())).toEqual([2099, 2026]);
  });

  it('holds no run that it had cut off', async () => {
    const storage = memoryStorage();
    const runs: JobRun[] = [];
    const plugin = withJobs('test.feed', ({ every }) =>
      every('1m', { name: 'sync', timeout: '15m' }, (run) => {
        runs.push(run);
        return runs.length === 1 ? new Promise(() => {}) : undefined;
      }),
    );
    let cut = false;
    const kept = outliving(storage);
    const dying: StorageAdapter = {
      ...kept,
      update: async (key, change) => {
        if (!cut) await kept.update(key, change);
      },
    };
    const wrong = await at(AHEAD, plugin, { storage: dying });
    await wrong.clock.advance(MINUTE);
    cut = true;
    await wrong.kernel.stop();
    const { clock } = await at(NOON, plugin, { storage });
    await clock.advance(2 * MINUTE);
    expect(new Date(runs.at(-1)?.at as number).getUTCFullYear()).toBe(2026);
  });

  it('holds no task that it had cut off', async () => {
    const storage = memoryStorage();
    const worker = (handle: (task: unknown) => unknown) =>
      withJobs('test.feed', ({ queue }) => queue('work').work(handle));
    const first = await at(
      NOON,
      withJobs('test.feed', () => {}),
      { storage },
    );
    await first.api.queue('test.feed', 'work').push('task');
    await first.kernel.stop();
    const begun = new Heard<unknown>();
    const stuck = worker((task) => {
      begun.add(task);
      return new Promise(() => {});
    });
    let cut = false;
    const kept = outliving(storage);
    const dying: StorageAdapter = {
      ...kept,
      update: async (key, change) => {
        if (!cut) await kept.update(key, change);
      },
    };
    const wrong = await at(AHEAD, stuck, { storage: dying });
    await begun.length(1);
    cut = true;
    await wrong.kernel.stop();
    await at(NOON + MINUTE, worker(begun.add), { storage });
    expect(await begun.length(2)).toEqual(['task', 'task']);
  });

  it('is noticed while the kernel runs, when it is set back', async () => {
    const runs: JobRun[] = [];
    const plugin = withJobs('test.feed', ({ every }) =>
      every('1m', { name: 'sync' }, (run) => void runs.push(run)),
    );
    const { clock } = await at(AHEAD, plugin);
    await clock.advance(MINUTE);
    await setBack(() => clock.advance(4 * MINUTE));
    expect(runs.length).toBeGreaterThan(2);
    expect(new Date(runs.at(-1)?.at as number).getUTCFullYear()).toBe(2026);
  });

  it('lets no task wait longer than its delay once it is right again', async () => {
    const storage = memoryStorage();
    const seen = new Heard<unknown>();
    const plugin = withJobs('test.feed', ({ queue }) => queue('work').work(seen.add));
    const wrong = await at(AHEAD, plugin, { storage });
    await wrong.api.queue('test.feed', 'work').push('task', { delay: '5m' });
    await wrong.kernel.stop();
    const { api, clock } = await at(NOON, plugin, { storage });
    await clock.advance(4 * MINUTE);
    expect(await api.queue('test.feed', 'work').counts()).toMatchObject({ delayed: 1 });
    await clock.advance(2 * MINUTE);
    expect(await seen.length(1)).toEqual(['task']);
  });

  it('lets tasks wait for their delay and their back-off when it is set back meanwhile', async () => {
    const seen = new Heard<unknown>();
    const plugin = withJobs('test.feed', ({ queue }) =>
      queue('work').work((task, { attempt }) => {
        seen.add([task, attempt]);
        if (attempt === 1) throw new Error('not yet');
      }),
    );
    const { api, clock } = await at(AHEAD, plugin);
    const { push } = api.queue('test.feed', 'work');
    await push('failed', { backOff: { first: '5m' } });
    await push('delayed', { delay: '5m' });
    await seen.length(1);
    // It is noticed within a minute.
    await setBack(() => clock.advance(7 * MINUTE));
    expect(await seen.length(3)).toEqual(
      expect.arrayContaining([
        ['failed', 1],
        ['failed', 2],
        ['delayed', 1],
      ]),
    );
  });
});

describe(`${runtime}: jobs of manifests`, () => {
  const manifest = (jobs: unknown, more: Partial<ManifestInput> = {}): Partial<ManifestInput> => ({
    activation: ['command:test.digest:none'],
    contributes: { jobs },
    ...more,
  });

  it('start a plugin that does not run yet', async () => {
    const runs: JobRun[] = [];
    let activated = 0;
    const { kernel, api, clock } = await at(
      NOON,
      withJobs(
        'test.digest',
        ({ on }) => {
          activated += 1;
          on('digest', (run) => void runs.push(run));
        },
        manifest([{ name: 'digest', cron: '2 12 * * *', missed: 'once' }]),
      ),
    );
    expect(await api.list()).toMatchObject([
      { name: 'digest', declared: true, missed: 'once', next: NOON + 2 * MINUTE },
    ]);
    expect(kernel.plugins.get('test.digest')?.state).toBe('resolved');
    await clock.advance(3 * MINUTE);
    expect(times(runs)).toEqual(['03-10T12:02']);
    expect(activated).toBe(1);
  });

  it('wake one that sleeps, but not one that was stopped by name or disabled', async () => {
    const runs = new Heard<JobRun>();
    const { kernel, api } = await startJobs([
      withJobs(
        'test.digest',
        ({ on }) => {
          on('digest', runs.add);
        },
        { contributes: { jobs: [{ name: 'digest', every: '1s' }] } },
      ),
    ]);
    await runs.length(1);
    const slept = nextEvent(kernel, 'plugin:suspended');
    await kernel.plugins.suspend('test.digest');
    await slept;
    const [job] = await api.list();
    const count = runs.all.length;
    const error = await rejection(api.run('test.digest', 'digest'));
    expect(error.code).toBe('plugin/unavailable');
    await kernel.plugins.resume('test.digest');
    await runs.length(count + 1);
    expect(job).toMatchObject({ declared: true });
    await kernel.plugins.disable('test.digest');
    expect(kernel.plugins.get('test.digest')?.state).not.toBe('active');
    expect((await rejection(api.run('test.digest', 'digest'))).code).toMatch(/^plugin\//);
  });

  it('have no other schedule in code', async () => {
    const { kernel } = await startJobs([
      withJobs(
        'test.digest',
        ({ every }, ctx) => {
          ctx.commands.handle('every', () => every('1h', { name: 'digest' }, () => {}));
        },
        { contributes: { jobs: [{ name: 'digest', every: '1h' }] } },
      ),
    ]);
    const error = await rejection(kernel.commands.execute('test.digest:every'));
    expect(error.message).toContain("on('digest', …)");
  });

  it.each([
    [{}, 'are a list'],
    [[{ name: 'Digest', every: '1h' }], "'name'"],
    [[{ name: 'digest' }], "either 'every' or 'cron'"],
    [[{ name: 'digest', every: '1ms' }], "'every'"],
    [[{ name: 'digest', every: '1h', when: 'now' }], "'when' is unknown"],
    [
      [
        { name: 'digest', every: '1h' },
        { name: 'digest', every: '2h' },
      ],
      'is there twice',
    ],
  ])('are checked with the manifest: %j', async (declared, why) => {
    const { kernel } = await startJobs([
      withJobs('test.digest', () => {}, { contributes: { jobs: declared } }),
    ]);
    const [plugin] = kernel.plugins.list();
    expect(plugin?.error).toMatchObject({ code: 'manifest/invalid' });
    expect(plugin?.error?.message).toContain(why);
  });

  it('with a pattern that is none are listed with the problem', async () => {
    const { api } = await startJobs([
      withJobs('test.digest', () => {}, {
        contributes: { jobs: [{ name: 'digest', cron: '99 * * * *' }] },
      }),
    ]);
    expect(await api.list()).toMatchObject([
      { name: 'digest', declared: true, problem: expect.stringContaining('minute') },
    ]);
  });
});

describe(`${runtime}: an operator`, () => {
  it('runs a job now, and hears how it ends', async () => {
    let fails = false;
    const runs: JobRun[] = [];
    const { api } = await startJobs([
      withJobs('test.feed', ({ every }) =>
        every('1h', { name: 'sync' }, (run) => {
          runs.push(run);
          if (fails) throw new Error('no feed');
        }),
      ),
    ]);
    await api.run('test.feed', 'sync');
    expect(runs).toMatchObject([{ by: 'operator', missed: false }]);
    fails = true;
    expect((await rejection(api.run('test.feed', 'sync'))).message).toContain('no feed');
    expect(await api.list()).toMatchObject([{ last: { ok: false } }]);
    expect((await rejection(api.run('test.feed', 'none'))).code).toBe('plugin/not-found');
  });

  it('pauses and resumes a job, over a restart', async () => {
    const storage = memoryStorage();
    const runs: JobRun[] = [];
    const plugin = withJobs('test.feed', ({ every }) =>
      every('1m', { name: 'sync', missed: 'all' }, (run) => void runs.push(run)),
    );
    const first = await at(NOON, plugin, { storage });
    await first.api.pause('test.feed', 'sync');
    await first.clock.advance(3 * MINUTE);
    expect(runs).toEqual([]);
    await first.kernel.stop();
    const { api, clock } = await at(NOON + 10 * MINUTE, plugin, { storage });
    const [paused] = await api.list();
    expect([paused?.paused, paused?.next]).toEqual([true, undefined]);
    await clock.advance(2 * MINUTE);
    await api.resume('test.feed', 'sync');
    await clock.advance(2 * MINUTE);
    expect(times(runs)).toEqual(['03-10T12:13', '03-10T12:14']);
  });
});
