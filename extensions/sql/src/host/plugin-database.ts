/** One plugin's database on the host: what waits, what is open, and who may go on. */
import { createError, type PluginError } from '@plinth/sdk/contract';
import { type PluginData, type Terms, WorkError } from '../backend/backend.js';
import type { Most, Results, Rows, Work } from '../backend/work.js';
import type { SqlRows } from '../contract.js';
import { Admission } from './admission.js';
import { Changes } from './changes.js';
import { isWorkError, sqlError } from './errors.js';
import { Leases } from './leases.js';
import type { Limits } from './options.js';
import type { ReadEnd, ReadQuery } from './read-request.js';
import { type Give, Turns } from './turns.js';

/** What this needs. */
export interface DatabaseParts {
  readonly plugin: string;
  readonly data: PluginData;
  readonly limits: Limits;
  after(milliseconds: number, task: () => unknown): { dispose(): void };
}

/** Rows and bytes of one part of a stream. */
const PART = { rows: 1_000, bytes: 262_144 };
/** Milliseconds between two tries while another process writes. */
const AGAIN = 20;

/** Owns the order of work on one database. */
export class PluginDatabase {
  readonly #parts: DatabaseParts;
  readonly #leases: Leases;
  readonly #changes: Changes;
  /** Of those that write, where one can at a time. */
  readonly #writers: Turns;
  readonly #admission: Admission;

  constructor(parts: DatabaseParts) {
    this.#parts = parts;
    this.#changes = new Changes(parts.after);
    this.#writers = new Turns(parts.after);
    this.#admission = new Admission(parts, this.#changes);
    this.#leases = new Leases({
      plugin: parts.plugin,
      limits: parts.limits,
      after: parts.after,
      expire: (lease) => void this.#drop(lease).catch(() => {}),
    });
  }

  get plugin(): string {
    return this.#parts.plugin;
  }

  /** Transactions and streams that are open. */
  get open(): number {
    return this.#leases.size;
  }

  async query(query: ReadQuery, version: string): Promise<SqlRows> {
    const { limits } = this.#parts;
    const { sql, parameters, stream } = query;
    return this.#admission.enter(version, query.bytes, async () => {
      if (stream && query.lease === undefined) return this.#streamAlone(query, version);
      if (query.lease !== undefined) this.#leases.check(query.lease, version);
      const { lease } = query;
      const work = { op: 'run', lease, sql, parameters, stream, most: this.#most(stream) } as const;
      const reads = /^\s*select\b/i.test(sql);
      const rows = await this.#run(work, { time: limits.time, safe: reads && lease === undefined });
      return withMore(rows, lease);
    });
  }

  async next(lease: number, cursor: number, version: string): Promise<SqlRows> {
    return this.#admission.enter(version, 0, async () => {
      const { alone } = this.#leases.check(lease, version);
      const work = { op: 'next', lease, cursor, most: this.#most(true) } as const;
      const rows = await this.#run(work, { time: this.#parts.limits.time });
      if (alone && rows.cursor === undefined) await this.#drop(lease);
      return withMore(rows, lease);
    });
  }

  async begin(access: 'read' | 'write', version: string): Promise<{ readonly lease: number }> {
    return this.#admission.enter(version, 0, async () => ({
      lease: await this.#begin(access, version, false),
    }));
  }

  /** Ends a transaction or a stream. What is over already can be rolled back again. */
  async end(end: ReadEnd, version: string): Promise<void> {
    const { lease, how } = end;
    const { time } = this.#parts.limits;
    if (how === 'rollback') return this.#leases.has(lease, version) ? this.#drop(lease) : undefined;
    this.#leases.check(lease, version);
    if (how === 'close') {
      await this.#run({ op: 'leave', lease, cursor: end.cursor }, { time });
      return;
    }
    try {
      await this.#run({ op: 'end', lease, commit: true }, { time });
    } finally {
      this.#leases.remove(lease);
      this.#changes.tell();
    }
  }

  /** Rolls back what a version has open, or all versions. */
  async endOf(version?: string): Promise<void> {
    await Promise.allSettled(this.#leases.of(version).map((lease) => this.#drop(lease)));
  }

  /** The process has ended, and all transactions with it. */
  lost(): void {
    this.#leases.lost();
    this.#changes.tell();
  }

  /**
   * Gives the database to one version, after others that hold it: what is open is rolled back, and
   * others wait until {@link release}.
   *
   * @throws PluginOverloadedError `sql/locked` when others hold it for too long.
   */
  async hold(version: string): Promise<void> {
    await this.#admission.hold(version);
    // What was let in before may still begin a transaction.
    for (;;) {
      await this.endOf();
      if (this.#admission.active === 0 && this.#leases.size === 0) return;
      await this.#changes.next(AGAIN);
    }
  }

  /** Ends all work on it, and closes it. What is open is rolled back. */
  close(): Promise<void> {
    return this.#parts.data.release();
  }

  release(): void {
    this.#admission.release();
  }

  /**
   * Does the kernel's own work, which waits for its turn as other work does.
   *
   * @throws WorkError.
   */
  own<T>(work: (data: PluginData) => Promise<T>): Promise<T> {
    return this.#tryAgain(work, performance.now() + this.#parts.limits.lock, true);
  }

  async #streamAlone(query: ReadQuery, version: string): Promise<SqlRows> {
    const { sql, parameters } = query;
    const lease = await this.#begin('read', version, true);
    const work = {
      op: 'run',
      lease,
      sql,
      parameters,
      stream: true,
      most: this.#most(true),
    } as const;
    try {
      const rows = await this.#run(work, { time: this.#parts.limits.time });
      if (rows.cursor === undefined) await this.#drop(lease);
      return withMore(rows, lease);
    } catch (error) {
      await this.#drop(lease).catch(() => {});
      throw error;
    }
  }

  async #begin(access: 'read' | 'write', version: string, alone: boolean): Promise<number> {
    const { limits, data } = this.#parts;
    const until = performance.now() + limits.lock;
    const work = { op: 'begin', lease: 0, access } as const;
    let give: Give = () => {};
    try {
      if (access === 'write' && data.oneWriter) give = await this.#turn(until);
    } catch (error) {
      throw this.#failed(error, work);
    }
    const lease = await this.#reserve(give, until);
    try {
      await this.#run({ ...work, lease }, { time: limits.time, safe: true }, until);
      this.#leases.add(lease, version, access, alone);
      return lease;
    } catch (error) {
      this.#leases.remove(lease);
      this.#changes.tell();
      throw error;
    }
  }

  /** The number of a transaction, which gives its turn when it ends. */
  async #reserve(give: Give, until: number): Promise<number> {
    const { limits, plugin } = this.#parts;
    while (this.#leases.size >= limits.transactions) {
      const left = until - performance.now();
      if (left <= 0) {
        give();
        throw createError(
          'sql/locked',
          `the database of ${plugin}: ${limits.transactions} transactions and streams are open ('limits.transactions')`,
          { plugin },
        );
      }
      await this.#changes.next(left);
    }
    return this.#leases.reserve(give);
  }

  async #drop(lease: number): Promise<void> {
    if (!this.#leases.remove(lease)) return;
    try {
      const { time } = this.#parts.limits;
      await this.#run({ op: 'end', lease, commit: false }, { time, safe: true });
    } finally {
      this.#changes.tell();
    }
  }

  /** Does work for the plugin. */
  async #run<W extends Work>(
    work: W,
    terms: Terms,
    until = performance.now() + this.#parts.limits.lock,
  ): Promise<Results[W['op']]> {
    const alone = work.op === 'run' && work.lease === undefined;
    try {
      return await this.#tryAgain((data) => data.run(work, terms), until, alone);
    } catch (error) {
      throw this.#failed(error, work);
    }
  }

  /**
   * Does work. While another transaction writes, it is tried again: work outside of transactions
   * in its turn.
   *
   * @throws WorkError.
   */
  async #tryAgain<T>(
    work: (data: PluginData) => Promise<T>,
    until: number,
    alone: boolean,
  ): Promise<T> {
    const { data } = this.#parts;
    let give: Give | undefined;
    try {
      for (;;) {
        try {
          return await work(data);
        } catch (error) {
          const busy = isWorkError(error) && error.kind === 'busy';
          const left = until - performance.now();
          if (!busy || left <= 0) throw error;
          if (alone && data.oneWriter && give === undefined) give = await this.#turn(until);
          else await this.#changes.next(this.#leases.writing ? left : Math.min(left, AGAIN));
        }
      }
    } finally {
      give?.();
    }
  }

  /** @throws WorkError `busy` when others write for too long. */
  async #turn(until: number): Promise<Give> {
    const give = await this.#writers.take(until - performance.now());
    if (give !== undefined) return give;
    throw new WorkError('busy', 'another transaction of the plugin writes');
  }

  #failed(error: unknown, work: Work): PluginError {
    const { plugin, limits } = this.#parts;
    const kind = isWorkError(error) ? error.kind : undefined;
    if (kind === 'timeout' || kind === 'memory') this.#admission.tire();
    if (kind === 'busy')
      return createError(
        'sql/locked',
        `the database of ${plugin} was not free within ${limits.lock} ms ('limits.lock'): ${(error as Error).message}. ` +
          'Inside of a transaction, every statement goes through the transaction itself',
        { plugin },
      );
    // Work of a transaction is rolled back with it; alone, only what reads is certain.
    const undone =
      (work.op === 'run' && work.lease !== undefined) ||
      (work.op !== 'run' && !(work.op === 'end' && work.commit));
    return sqlError(error, { plugin, limits, undone });
  }

  #most(stream: boolean): Most {
    const { rows, answer } = this.#parts.limits;
    return stream ? { ...PART, row: answer } : { rows, bytes: answer, row: answer };
  }
}

function withMore({ cursor, ...rows }: Rows, lease: number | undefined): SqlRows {
  return cursor === undefined || lease === undefined ? rows : { ...rows, more: { lease, cursor } };
}
