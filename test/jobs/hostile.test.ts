/** What plugins may not do to jobs: to the host's, to others', and to the storage. */
import { jobs } from '@plinth/jobs/host';
import { memoryStorage } from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { rejection, startKernel } from '../support/kernels.ts';
import { CRASH, pluginOf } from '../support/plugins.ts';
import { outliving } from '../support/storages.ts';
import { RIGHTS, startJobs, withJobs } from './start.ts';

const asker = (id = 'test.evil') =>
  withJobs(id, (_jobs, ctx) => {
    ctx.commands.handle('ask', async (input) => {
      const [member, request] = input as [string, unknown];
      await ctx.commands.execute('plinth.jobs:attach', { token: 'a'.repeat(32) });
      return ctx.commands.execute(`plinth.jobs:${member}`, request);
    });
  });

describe(`${runtime}: a plugin`, () => {
  it.each<[string, unknown, string]>([
    ['attach', { token: 'secret' }, 'token'],
    ['attach', null, 'request'],
    ['schedule', 'every day', 'job'],
    ['schedule', { name: 'a', every: 999 }, 'every'],
    ['schedule', { name: 'a', every: Number.NaN }, 'every'],
    ['schedule', { name: 'a', every: '9999999d' }, 'every'],
    ['schedule', { name: 'a', every: '1h', cron: '* * * * *' }, 'job'],
    ['schedule', { name: 'a', every: '1h', timeZone: 'UTC' }, 'timeZone'],
    ['schedule', { name: 'a', every: '1h', missed: 'never' }, 'missed'],
    ['schedule', { name: 'a', every: '1h', overlap: 1 }, 'overlap'],
    ['schedule', { name: 'a', every: '1h', timeout: '16m' }, 'timeout'],
    ['schedule', { name: '__proto__', every: '1h' }, 'name'],
    ['schedule', { name: 'a\0b', every: '1h' }, 'name'],
    ['schedule', { name: 'a', cron: ['* * * * *'] }, 'cron'],
    ['schedule', { name: 'a', cron: '* * * * *', timeZone: 'x'.repeat(65) }, 'timeZone'],
    ['work', { queue: 'a', concurrency: 17 }, 'concurrency'],
    ['work', { queue: 'a', timeout: 0 }, 'timeout'],
    ['push', { queue: 'A', task: 1 }, 'queue'],
    ['push', { queue: 'a', task: 1, delay: -1 }, 'delay'],
    ['push', { queue: 'a', task: 1, delay: '31d' }, 'delay'],
    ['push', { queue: 'a', task: 1, key: '' }, 'key'],
    ['push', { queue: 'a', task: 1, key: 'x'.repeat(257) }, 'key'],
    ['push', { queue: 'a', task: 1, key: 'a\0test.other' }, 'key'],
    ['push', { queue: 'a', task: 1, retries: 26 }, 'retries'],
    ['push', { queue: 'a', task: 1, backOff: { factor: 0.5 } }, 'backOff.factor'],
    [
      'push',
      { queue: 'a', task: 1, backOff: { first: Number.POSITIVE_INFINITY } },
      'backOff.first',
    ],
    ['push', { queue: 'a', task: 1, due: 0 }, 'due'],
    ['retry', { queue: 'a', id: 1 }, 'id'],
    ['drop', { queue: 'a', id: 'a\0b' }, 'id'],
  ])('is told what is wrong with %s %j', async (member, request, part) => {
    const { kernel, api } = await startJobs([asker()]);
    const error = await rejection(kernel.commands.execute('test.evil:ask', [member, request]));
    expect(error).toMatchObject({ code: 'call/invalid-input', details: { part } });
    expect(error.message).toContain('test.evil');
    expect([await api.list(), await api.queues()]).toEqual([[], []]);
  });

  it('can not do without the right, and no other caller can ask in its place', async () => {
    const { kernel } = await startJobs([
      withJobs(
        'test.poor',
        ({ queue }, ctx) => {
          ctx.commands.handle('push', () => queue('mail').push(1));
        },
        { permissions: {} },
      ),
    ]);
    const error = await rejection(kernel.commands.execute('test.poor:push'));
    expect(error.code).toBe('permission/denied');
    const host = await rejection(
      kernel.commands.execute('plinth.jobs:push', { queue: 'mail', task: 1 }),
    );
    expect(host.code).toBe('permission/denied');
  });

  it('can not start the runs of another one, nor can a caller of its commands', async () => {
    let runs = 0;
    const { kernel } = await startJobs([
      withJobs('test.victim', ({ every }) =>
        every('1h', { name: 'sync' }, () => {
          runs += 1;
        }),
      ),
      withJobs(
        'test.evil',
        (_jobs, ctx) => {
          ctx.commands.handle('run', () =>
            ctx.commands.execute('test.victim:plinthJobs', {
              tokens: ['a'.repeat(32)],
              job: 'sync',
              at: 0,
            }),
          );
        },
        { permissions: { commands: { execute: ['test.victim:*', 'plinth.jobs:*'] } } },
      ),
    ]);
    await kernel.commands.execute('test.evil:run').catch(() => {});
    for (const input of [undefined, {}, { tokens: 'all' }, { tokens: [], job: 'sync', at: 0 }])
      await kernel.commands.execute('test.victim:plinthJobs', input);
    expect(runs).toBe(0);
    await kernel.extension(jobs).run('test.victim', 'sync');
    expect(runs).toBe(1);
  });

  it('sees only its own queue of a name', async () => {
    const counted = (id: string) =>
      withJobs(id, ({ queue }, ctx) => {
        ctx.commands.handle('counts', () => queue('mail').counts());
      });
    const { kernel, api } = await startJobs([counted('test.one'), counted('test.two')]);
    await api.queue('test.one', 'mail').push('secret');
    expect(await kernel.commands.execute('test.one:counts')).toMatchObject({ waiting: 1 });
    expect(await kernel.commands.execute('test.two:counts')).toMatchObject({ waiting: 0 });
  });

  it('has no more jobs, queues, tasks and bytes than it may, however many it asks for at once', async () => {
    const { kernel, api } = await startJobs(
      [
        withJobs('test.evil', ({ every, queue }, ctx) => {
          ctx.commands.handle('jobs', () =>
            Promise.allSettled(
              Array.from({ length: 9 }, (_, n) => every('1h', { name: `job-${n}` }, () => {})),
            ).then((all) => all.map(({ status }) => status)),
          );
          ctx.commands.handle('tasks', (input) => {
            const [name, count, task] = input as [string, number, unknown];
            return Promise.allSettled(
              Array.from({ length: count }, () => queue(name).push(task)),
            ).then((all) => all.flatMap((one) => (one.status === 'rejected' ? [one.reason] : [])));
          });
        }),
        asker('test.other'),
      ],
      { limits: { jobs: 4, queues: 2, tasks: 5, allTasks: 7, task: 100, bytes: 300 } },
    );
    const states = (await kernel.commands.execute('test.evil:jobs')) as string[];
    expect(states.filter((state) => state === 'fulfilled')).toHaveLength(4);
    expect(await api.list()).toHaveLength(4);
    const ask = async (name: string, count: number, task: unknown = 1) =>
      (await kernel.commands.execute('test.evil:tasks', [name, count, task])) as {
        code: string;
        details: object;
        retryable: boolean;
      }[];
    expect(await ask('a', 1, 'x'.repeat(200))).toMatchObject([
      { code: 'storage/quota', details: { limit: 'task', max: 100 }, retryable: true },
    ]);
    expect(await ask('a', 5, 'x'.repeat(40))).toMatchObject(
      Array.from({ length: 2 }, () => ({ details: { limit: 'bytes' } })),
    );
    expect(await ask('b', 9)).toMatchObject(
      Array.from({ length: 7 }, () => ({ details: { limit: 'tasks', max: 5 } })),
    );
    expect(await ask('c', 1)).toMatchObject([{ details: { limit: 'queues' } }]);
    const other = (task: unknown) =>
      kernel.commands.execute('test.other:ask', ['push', { queue: 'a', task }]);
    await other(1);
    await other(2);
    expect((await rejection(other(3))).details).toMatchObject({ limit: 'allTasks' });
    expect(await api.queues()).toMatchObject([{ waiting: 3 }, { waiting: 2 }, { waiting: 2 }]);
  });

  it('changes its schedule only so often', async () => {
    const { kernel } = await startJobs([asker()]);
    const ask = () =>
      kernel.commands.execute('test.evil:ask', ['schedule', { name: 'a', every: '1h' }]);
    for (let time = 0; time < 128; time += 1) await ask();
    expect((await rejection(ask())).code).toBe('call/rate-limited');
  });

  it('has the host look for days that never come only so often, and for rare ones', async () => {
    const { kernel } = await startJobs([asker()]);
    const ask = (cron: string) =>
      kernel.commands.execute('test.evil:ask', ['schedule', { name: 'a', cron }]);
    // A Monday on the 29th of February comes every 28 years, or 40.
    await ask('0 0 29 2 +1');
    const codes = [];
    for (let time = 0; time < 17; time += 1)
      codes.push((await rejection(ask(`${time} 2 1W * +5#5`))).code);
    expect(codes.slice(0, 15)).toEqual(Array(15).fill('call/invalid-input'));
    expect(codes.at(-1)).toBe('call/rate-limited');
  });

  it('keeps a bounded number of dead tasks, the latest', async () => {
    const { kernel, api } = await startJobs(
      [
        withJobs('test.evil', ({ queue }) =>
          queue('mail').work(() => {
            throw new Error('x'.repeat(5_000));
          }),
        ),
      ],
      { limits: { dead: 2 } },
    );
    let ended = 0;
    kernel.events.on('jobs:dead', () => {
      ended += 1;
    });
    const mail = api.queue('test.evil', 'mail');
    for (let task = 0; task < 5; task += 1) await mail.push(task, { retries: 0 });
    await expect.poll(() => ended).toBe(5);
    await expect.poll(async () => (await mail.dead()).length).toBe(2);
    const dead = await mail.dead();
    expect(dead.map(({ task }) => task)).toEqual([3, 4]);
    expect(dead[0]?.error.message).toHaveLength(1_000);
  });
});

describe(`${runtime}: a plugin in a worker`, () => {
  const worker = (handle: string) =>
    pluginOf(
      'test.work',
      `
      const own = 'b'.repeat(32);
      const ask = (member, input) => ctx.commands.execute('plinth.jobs:' + member, input);
      ctx.commands.handle('plinthJobs', (run) => { ${handle} });
      await ask('attach', { token: own });
      await ask('work', { queue: 'mail' });
      ${CRASH}`,
      { permissions: RIGHTS },
    );
  const setting = { isolation: 'worker', createHost } as const;

  it('that is ended by a task gets it again, as often as it may be tried', async () => {
    const storage = memoryStorage();
    const kernel = await startKernel(
      setting,
      [worker(`setTimeout(() => { throw new Error('gone'); }, 0); return new Promise(() => {});`)],
      {
        storage: outliving(storage),
        extensions: [jobs()],
        supervision: { backoff: 1 },
      },
    );
    const mail = kernel.extension(jobs).queue('test.work', 'mail');
    await mail.push('poison', { retries: 1, backOff: { first: 1 } });
    await expect.poll(async () => (await mail.dead()).length, { timeout: 30_000 }).toBe(1);
    const [poison] = await mail.dead();
    expect([poison?.attempts, poison?.error.code]).toEqual([2, 'guest/crashed']);
  });

  it('that claims not to know the host is asked twice, then its attempt has failed', async () => {
    const kernel = await startKernel(setting, [worker(`return 'plinth.jobs:stranger';`)], {
      extensions: [jobs()],
    });
    const mail = kernel.extension(jobs).queue('test.work', 'mail');
    await mail.push('hello', { retries: 0 });
    await expect.poll(async () => (await mail.dead()).length).toBe(1);
    expect((await mail.dead())[0]?.error.code).toBe('call/failed');
  });
});

describe(`${runtime}: jobs()`, () => {
  it.each<[object | undefined, string]>([
    [{ lease: 999 }, 'lease'],
    [{ lease: 1_000.5 }, 'lease'],
    [{ limits: null }, 'limits'],
    [{ limits: [] }, 'limits'],
    [[], 'options'],
    [Promise.resolve({}), 'options'],
    [{ limits: { jobs: 0 } }, 'limits.jobs'],
    [{ limits: { job: 1 } }, 'limits.job'],
    [{ tenants: 'all' }, 'tenants'],
    [{ leases: 1 }, 'leases'],
    [null as never, 'options'],
  ])('refuses the options %j', (options, option) => {
    expect(() => jobs(options as never)).toThrow(
      expect.objectContaining({ code: 'kernel/invalid-option', details: { option } }),
    );
  });

  it('refuses a plugin or a queue that can be none', async () => {
    const { api } = await startJobs([]);
    for (const [plugin, queue] of [
      ['', 'mail'],
      ['Test.Mail', 'mail'],
      ['a\0b', 'mail'],
      ['test.mail', 'Mail'],
      ['test.mail', undefined as never],
      [Symbol('plugin') as never, 'mail'],
    ] as const)
      expect(() => api.queue(plugin, queue)).toThrow(
        expect.objectContaining({ code: 'call/invalid-input' }),
      );
    for (const options of [5, 'soon', null])
      expect(
        await rejection(api.queue('test.mail', 'mail').push(1, options as never)),
      ).toMatchObject({ code: 'call/invalid-input' });
    for (const name of [Symbol('job'), null, {}])
      expect(await rejection(api.run('test.mail', name as never))).toMatchObject({
        code: 'plugin/not-found',
      });
  });
});
