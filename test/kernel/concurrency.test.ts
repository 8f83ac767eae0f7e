/** Tasks one after the other, a limited number at a time, and one for each item. */
import { describe, expect, it } from 'vitest';
import { KeyedQueue, Semaphore, settleEach } from '../../kernel/src/concurrency.ts';

/** Tasks that end when they are told to, and what has begun. */
const tasks = () => {
  const begun: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<string>>();
  const task = (name: string) => () => {
    begun.push(name);
    const end = Promise.withResolvers<string>();
    ends.set(name, end);
    return end.promise;
  };
  const end = (name: string) => ends.get(name)?.resolve(name);
  const fail = (name: string) => ends.get(name)?.reject(new Error(name));
  return { begun, task, end, fail };
};

describe('queues by key', () => {
  it('run tasks of one key one after the other, and of others at the same time', async () => {
    const { begun, task, end } = tasks();
    const queues = new KeyedQueue();
    const [first, second] = [queues.run('a', task('a1')), queues.run('a', task('a2'))];
    const other = queues.run('b', task('b1'));
    await Promise.resolve();
    expect(begun).toEqual(['a1', 'b1']);
    end('a1');
    expect(await first).toBe('a1');
    await expect.poll(() => begun).toEqual(['a1', 'b1', 'a2']);
    end('a2');
    end('b1');
    expect(await Promise.all([second, other])).toEqual(['a2', 'b1']);
  });

  it('go on after a task that fails or throws, which only its own caller hears of', async () => {
    const queues = new KeyedQueue();
    const failed = queues.run('a', () => Promise.reject(new Error('no')));
    const thrown = queues.run('a', () => {
      throw new Error('at once');
    });
    const last = queues.run('a', async () => 'fine');
    await expect(failed).rejects.toThrow('no');
    await expect(thrown).rejects.toThrow('at once');
    expect(await last).toBe('fine');
  });

  it('are busy from the first task until the last has ended, also badly', async () => {
    const queues = new KeyedQueue();
    expect(queues.busy('a')).toBe(false);
    const failed = queues.run('a', () => Promise.reject(new Error('no')));
    expect([queues.busy('a'), queues.busy('b')]).toEqual([true, false]);
    await expect(failed).rejects.toThrow('no');
    await queues.idle('a');
    expect(queues.busy('a')).toBe(false);
  });

  it('are idle after the tasks that were added meanwhile, too', async () => {
    const queues = new KeyedQueue();
    const done: string[] = [];
    const adding = (key: string, left: number): Promise<unknown> =>
      queues.run(key, async () => {
        done.push(`${key}${left}`);
        if (left > 0) adding(key, left - 1);
      });
    adding('a', 2);
    await queues.idle('a');
    expect(done).toEqual(['a2', 'a1', 'a0']);
    adding('b', 1);
    adding('c', 1);
    await queues.idle();
    expect(done.slice(3).sort()).toEqual(['b0', 'b1', 'c0', 'c1']);
    await queues.idle('unknown');
  });
});

describe('a semaphore', () => {
  it('runs as many tasks at a time as it was made for, in the order of arrival', async () => {
    const { begun, task, end, fail } = tasks();
    const semaphore = new Semaphore(2);
    const all = ['a', 'b', 'c', 'd'].map((name) => semaphore.run(task(name)));
    const outcomes = Promise.allSettled(all);
    expect(begun).toEqual(['a', 'b']);
    fail('b');
    await expect.poll(() => begun).toEqual(['a', 'b', 'c']);
    end('a');
    await expect.poll(() => begun).toEqual(['a', 'b', 'c', 'd']);
    end('c');
    end('d');
    const bad = (await outcomes).filter(({ status }) => status === 'rejected');
    expect(bad).toMatchObject([{ reason: { message: 'b' } }]);
    expect(await semaphore.run(async () => 'again')).toBe('again');
  });

  it('admits a waiting task beside its limit, whose place no other one gets', async () => {
    const { begun, task, end } = tasks();
    const semaphore = new Semaphore(1);
    const ticket = {};
    const first = semaphore.run(task('first'));
    const second = semaphore.run(task('second'));
    const third = semaphore.run(task('third'), ticket);
    semaphore.admit(ticket);
    semaphore.admit(ticket);
    await expect.poll(() => begun).toEqual(['first', 'third']);
    end('third');
    await third;
    expect(begun).toEqual(['first', 'third']);
    end('first');
    await first;
    await expect.poll(() => begun).toEqual(['first', 'third', 'second']);
    end('second');
    await second;
  });
});

describe('settleEach()', () => {
  it('returns the outcomes in the order of the items, and goes on after a failure', async () => {
    let [running, most] = [0, 0];
    const outcomes = await settleEach([3, 1, 0, 2], 2, async (turns) => {
      most = Math.max(most, ++running);
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      running -= 1;
      if (turns === 0) throw new Error('none');
      return turns;
    });
    expect(outcomes).toMatchObject([
      { value: 3 },
      { value: 1 },
      { status: 'rejected', reason: { message: 'none' } },
      { value: 2 },
    ]);
    expect(most).toBe(2);
  });

  it('settles without items, and where there is nothing to wait for', async () => {
    expect(await settleEach([], 3, () => undefined)).toEqual([]);
    expect(await settleEach(['a'], 3, () => undefined)).toMatchObject([{ status: 'fulfilled' }]);
  });
});
