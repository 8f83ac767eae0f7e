/** Several processes over one SQL storage: who runs what, and what becomes of a killed one's work. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { SqlPlace } from '@plinth/sql/storage';
import { describe, expect, it, onTestFinished } from 'vitest';

const script = fileURLToPath(new URL('member.ts', import.meta.url));

/** What a member has told: words, each with a number. */
type Told = readonly [what: string, which: number];

/** A process, and what it has told. */
class Member {
  readonly told: Told[] = [];
  readonly #process: ChildProcess;
  readonly #closed: Promise<unknown>;
  readonly #listeners = new Set<() => void>();

  private constructor(place: SqlPlace, mode: 'stuck' | 'work') {
    this.#process = spawn(process.execPath, [script, JSON.stringify(place), mode], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#closed = once(this.#process, 'close');
    createInterface(this.#process.stdout as NodeJS.ReadableStream).on('line', (line) => {
      // The last line may be cut by a kill.
      const [, what, which] = /^(\w+) (\d*);$/.exec(line) ?? [];
      if (what !== undefined) this.told.push([what, Number(which)]);
      for (const listener of this.#listeners) listener();
    });
    onTestFinished(() => this.kill());
  }

  static async start(place: SqlPlace, mode: 'stuck' | 'work' = 'work'): Promise<Member> {
    const member = new Member(place, mode);
    await member.when((told) => told.some(([what]) => what === 'ready'));
    return member;
  }

  all(what: string): readonly number[] {
    return this.told.filter(([one]) => one === what).map(([, which]) => which);
  }

  say(line: number | string): void {
    this.#process.stdin?.write(`${line}\n`);
  }

  /** Resolves once what has been told so far is enough. */
  async when(enough: (told: readonly Told[]) => boolean): Promise<void> {
    if (enough(this.told)) return;
    await new Promise<void>((resolve, reject) => {
      const look = () => {
        if (!enough(this.told)) return;
        this.#listeners.delete(look);
        resolve();
      };
      this.#listeners.add(look);
      void this.#closed.then(() => reject(new Error('a member has ended')));
    });
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#closed;
  }

  async stop(): Promise<void> {
    this.say('stop');
    await this.#closed;
  }
}

const sorted = (numbers: readonly number[]) => [...numbers].sort((one, other) => one - other);

export function clusterSuite(name: string, newPlace: () => Promise<SqlPlace>): void {
  describe(`${name}: jobs of two processes over one storage`, () => {
    it('each task is handled once, by whichever comes first', async () => {
      const place = await newPlace();
      const [one, two] = await Promise.all([Member.start(place), Member.start(place)]);
      const tasks = Array.from({ length: 40 }, (_, index) => index);
      for (const task of tasks) (task % 2 === 0 ? one : two).say(task);
      await expect
        .poll(() => one.all('done').length + two.all('done').length, { timeout: 30_000 })
        .toBeGreaterThanOrEqual(tasks.length);
      // Two more looks of each would find what is left to be done twice.
      const ticks = one.all('ran').length + two.all('ran').length;
      await expect
        .poll(() => one.all('ran').length + two.all('ran').length)
        .toBeGreaterThan(ticks + 2);
      await Promise.all([one.stop(), two.stop()]);
      expect(sorted([...one.all('done'), ...two.all('done')])).toEqual(tasks);
      expect(sorted([...one.all('pushed'), ...two.all('pushed')])).toEqual(tasks);
    });

    it('a run of a schedule is one of them', async () => {
      const place = await newPlace();
      const [one, two] = await Promise.all([Member.start(place), Member.start(place)]);
      await expect
        .poll(() => one.all('ran').length + two.all('ran').length)
        .toBeGreaterThanOrEqual(4);
      await Promise.all([one.stop(), two.stop()]);
      const ran = [...one.all('ran'), ...two.all('ran')];
      expect(new Set(ran).size).toBe(ran.length);
    });

    it('what one had begun when it was killed is done by the other, after the lease', async () => {
      const place = await newPlace();
      const stuck = await Member.start(place, 'stuck');
      for (const task of [1, 2]) stuck.say(task);
      await stuck.when((told) => told.filter(([what]) => what === 'began').length === 2);
      const other = await Member.start(place);
      // It is not taken over while its process lives, which is for more than a lease.
      await other.when((told) => told.filter(([what]) => what === 'ran').length >= 4);
      expect(other.all('began')).toEqual([]);
      await stuck.kill();
      await expect.poll(() => sorted(other.all('done')), { timeout: 30_000 }).toEqual([1, 2]);
      other.say(3);
      await other.when((told) => told.some(([what, which]) => what === 'done' && which === 3));
      await other.stop();
    });

    it('a task that a process without work has never heard of is found by the next look', async () => {
      const place = await newPlace();
      const idle = await Member.start(place);
      const stuck = await Member.start(place, 'stuck');
      // Two that are stuck leave no room there.
      for (const task of [1, 2, 3]) stuck.say(task);
      await idle.when((told) => told.some(([what]) => what === 'done'));
      await Promise.all([idle.kill(), stuck.kill()]);
    });
  });
}
