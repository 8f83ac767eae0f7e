/** Durable queues of plugins. */
import type { Queue, TaskRun } from '@plinth/jobs';
import { jobs } from '@plinth/jobs/host';
import { memoryStorage } from '@plinth/kernel';
import * as v from 'valibot';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { persistentStorage, runtime } from '#host';
import { nextEvent, rejection } from '../support/kernels.ts';
import { outliving } from '../support/storages.ts';
import { Heard, startJobs, withJobs } from './start.ts';

const mailer = (
  handle: (task: unknown, run: TaskRun) => unknown,
  settings: Parameters<Queue<unknown, unknown>['work']>[1] = {},
) =>
  withJobs('test.mail', async ({ queue }, ctx) => {
    const mail = queue('mail');
    await mail.work(handle, settings);
    ctx.commands.handle('push', (input) => {
      const [task, options] = input as [unknown, object];
      return mail.push(task, options);
    });
    ctx.commands.handle('counts', () => mail.counts());
    ctx.commands.handle('dead', () => mail.dead());
    ctx.commands.handle('retry', (id) => mail.retry(id as string));
    ctx.commands.handle('drop', (id) => mail.drop(id as string));
  });

const NONE = { waiting: 0, delayed: 0, running: 0, dead: 0 };

describe(`${runtime}: a queue`, () => {
  it('hands tasks to its handler with what they are, and forgets those that have succeeded', async () => {
    const runs = new Heard<readonly [unknown, Omit<TaskRun, 'call' | 'signal'>]>();
    const { kernel, api } = await startJobs([
      mailer((task, { call, signal, ...run }) => {
        expect(call.caller.kind).toBe('host');
        expect(signal.aborted).toBe(false);
        runs.add([task, run]);
      }),
    ]);
    const before = Date.now();
    const { id } = (await kernel.commands.execute('test.mail:push', [
      { to: 'ada', at: new Date(0) },
      {},
    ])) as { id: string };
    const [[task, run] = []] = await runs.length(1);
    expect(task).toEqual({ to: 'ada', at: new Date(0) });
    expect(run).toEqual({ queue: 'mail', id, attempt: 1, last: false, pushed: expect.any(Number) });
    expect(run?.pushed).toBeGreaterThanOrEqual(before);
    await expect.poll(() => api.queue('test.mail', 'mail').counts()).toEqual(NONE);
    expect(await api.queues()).toEqual([
      { plugin: 'test.mail', queue: 'mail', ...NONE, paused: false, handled: true },
    ]);
  });

  it('types its tasks by their schema, checks them when they are pushed, and parses them for the handler', async () => {
    const got = new Heard<unknown>();
    const { kernel } = await startJobs([
      withJobs('test.mail', async ({ queue }, ctx) => {
        const mail = queue('mail', v.object({ to: v.string(), copies: v.optional(v.number(), 1) }));
        await mail.work((task) => {
          expectTypeOf(task).toEqualTypeOf<{ to: string; copies: number }>();
          got.add(task);
        });
        ctx.commands.handle('push', (task) => mail.push(task as { to: string }));
      }),
    ]);
    await kernel.commands.execute('test.mail:push', { to: 'ada' });
    expect(await got.length(1)).toEqual([{ to: 'ada', copies: 1 }]);
    const error = await rejection(kernel.commands.execute('test.mail:push', { to: 1 }));
    expect(error.code).toBe('call/invalid-input');
    expect(error.message).toContain("the queue 'mail'");
  });

  it('handles as many tasks at the same time as it is told to', async () => {
    let running = 0;
    let most = 0;
    const gate = Promise.withResolvers<void>();
    const seen = new Heard<unknown>();
    const { kernel } = await startJobs([
      mailer(
        async (task) => {
          running += 1;
          most = Math.max(most, running);
          await gate.promise;
          running -= 1;
          seen.add(task);
        },
        { concurrency: 3 },
      ),
    ]);
    for (let task = 0; task < 10; task += 1)
      await kernel.commands.execute('test.mail:push', [task, {}]);
    await expect
      .poll(() => kernel.commands.execute('test.mail:counts'))
      .toMatchObject({ running: 3, waiting: 7 });
    gate.resolve();
    expect([...(await seen.length(10))].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(most).toBe(3);
  });

  it('adds a task with a key once while it is in the queue', async () => {
    const gate = Promise.withResolvers<void>();
    const seen = new Heard<unknown>();
    const { kernel } = await startJobs([
      mailer(async (task) => {
        seen.add(task);
        await gate.promise;
      }),
    ]);
    const push = (task: unknown) =>
      kernel.commands.execute('test.mail:push', [task, { key: 'welcome ada' }]);
    const pushed = await Promise.all([push(1), push(2), push(3)]);
    expect(pushed).toEqual([
      { id: 'k:welcome ada', added: true },
      { id: 'k:welcome ada', added: false },
      { id: 'k:welcome ada', added: false },
    ]);
    await seen.length(1);
    expect(await push(4)).toMatchObject({ added: false });
    gate.resolve();
    await expect.poll(() => kernel.commands.execute('test.mail:counts')).toEqual(NONE);
    expect(await push(5)).toMatchObject({ added: true });
    expect(await seen.length(2)).toEqual([1, 5]);
  });

  it('tries a task again after waits that grow, then keeps it among the dead', async () => {
    const attempts = new Heard<readonly [number, boolean]>();
    const { kernel, api } = await startJobs([
      mailer((_task, { attempt, last }) => {
        attempts.add([attempt, last]);
        throw new TypeError('no route to ada');
      }),
    ]);
    const dead = nextEvent(kernel, 'jobs:dead');
    const { id } = (await kernel.commands.execute('test.mail:push', [
      'hello',
      { retries: 2, backOff: { first: 1, factor: 2 } },
    ])) as { id: string };
    expect(await dead).toEqual({ plugin: 'test.mail', queue: 'mail', id });
    expect(attempts.all).toEqual([
      [1, false],
      [2, false],
      [3, true],
    ]);
    const letter = {
      id,
      task: 'hello',
      attempts: 3,
      pushed: expect.any(Number),
      died: expect.any(Number),
      error: { code: expect.any(String), message: 'no route to ada' },
    };
    expect(await api.queue('test.mail', 'mail').dead()).toEqual([letter]);
    expect(await kernel.commands.execute('test.mail:dead')).toEqual([letter]);
    expect(await kernel.commands.execute('test.mail:counts')).toEqual({ ...NONE, dead: 1 });
    const again = nextEvent(kernel, 'jobs:dead');
    expect(await kernel.commands.execute('test.mail:retry', id)).toBe(true);
    await again;
    expect(attempts.all).toHaveLength(6);
    expect(await kernel.commands.execute('test.mail:drop', id)).toBe(true);
    expect(await kernel.commands.execute('test.mail:drop', id)).toBe(false);
    expect(await kernel.commands.execute('test.mail:retry', 'nothing')).toBe(false);
    expect(await kernel.commands.execute('test.mail:counts')).toEqual(NONE);
  });

  it('ends a task after its time, which is a failed attempt', async () => {
    const aborted = new Heard<unknown>();
    const { kernel, api } = await startJobs([
      mailer(
        (_task, { signal }) =>
          new Promise((_, reject) => {
            signal.addEventListener('abort', () => {
              aborted.add(signal.reason);
              reject(signal.reason as Error);
            });
          }),
        { timeout: 20 },
      ),
    ]);
    const dead = nextEvent(kernel, 'jobs:dead');
    await kernel.commands.execute('test.mail:push', ['hello', { retries: 0 }]);
    await dead;
    await aborted.length(1);
    const [letter] = await api.queue('test.mail', 'mail').dead();
    expect(letter?.error.code).toBe('call/timeout');
  });

  it('keeps its tasks and its pause over a restart', async () => {
    const storage = await persistentStorage();
    const first = await startJobs([mailer(() => {})], {}, { storage: outliving(storage) });
    await first.api.queue('test.mail', 'mail').pause();
    const { api } = first;
    await api.queue('test.mail', 'mail').push({ n: 1 });
    await api.queue('test.mail', 'mail').push({ n: 2 }, { delay: '1h' });
    await first.kernel.stop();
    const seen = new Heard<unknown>();
    const second = await startJobs([mailer(seen.add)], {}, { storage: outliving(storage) });
    const mail = second.api.queue('test.mail', 'mail');
    expect(await mail.counts()).toEqual({ ...NONE, waiting: 1, delayed: 1 });
    expect(await second.api.queues()).toMatchObject([{ paused: true }]);
    await mail.resume();
    expect(await seen.length(1)).toEqual([{ n: 1 }]);
    await second.kernel.stop();
    await storage.close?.();
  });

  it('is known as it is now where no queue is handled, while another kernel works', async () => {
    const storage = memoryStorage();
    const idle = await startJobs([], {}, { storage: outliving(storage) });
    const mail = idle.api.queue('test.mail', 'mail');
    expect(await mail.counts()).toEqual(NONE);
    const failing = mailer(() => {
      throw new Error('no');
    });
    const { kernel, api } = await startJobs([failing], {}, { storage: outliving(storage) });
    const dead = nextEvent(kernel, 'jobs:dead');
    const { id } = await api.queue('test.mail', 'mail').push('hello', { retries: 0 });
    await dead;
    expect(await mail.dead()).toMatchObject([{ id, task: 'hello' }]);
    expect(await idle.api.queues()).toMatchObject([{ ...NONE, dead: 1, handled: false }]);
    expect(await mail.drop(id)).toBe(true);
    await api.queue('test.mail', 'mail').push('later', { delay: '1h' });
    expect(await mail.counts()).toEqual({ ...NONE, delayed: 1 });
  });

  it('deletes its tasks when its plugin is purged, in its tenant alone', async () => {
    const storage = memoryStorage();
    const { kernel, api } = await startJobs(
      [mailer(() => {})],
      {},
      { storage: outliving(storage) },
    );
    const acme = kernel.tenant('acme');
    await acme.start();
    for (const tenant of [api, acme.extension(jobs)]) {
      await tenant.queue('test.mail', 'mail').pause();
      await tenant.queue('test.mail', 'mail').push('hello');
    }
    expect(await acme.extension(jobs).queues()).toMatchObject([{ waiting: 1 }]);
    await kernel.plugins.uninstall('test.mail', { purge: true });
    expect(await api.queues()).toEqual([]);
    const keys = await storage.keys('');
    expect(keys.filter((key) => key.includes('jobs')).map((key) => key.split('\0')[0])).toEqual([
      'acme',
      'acme',
    ]);
    expect(await acme.extension(jobs).queues()).toMatchObject([{ waiting: 1 }]);
  });
});
