/** The database of one plugin: a role and a schema of its own. */
import { resolve } from 'node:path';
import { type Copied, type PluginData, type Terms, WorkError } from '../backend/backend.js';
import type { Results, State, Work } from '../backend/work.js';
import type { Limits } from '../host/options.js';
import { Lane } from './lanes.js';
import type { Owner } from './owner.js';
import type { Pool } from './pool.js';
import { Quota } from './quota.js';
import { Sessions } from './sessions.js';
import { Single, uncertain } from './single.js';
import { BEGIN, Transaction } from './transaction.js';
import { Trial } from './trial.js';

/** What this needs. */
export interface DataParts {
  readonly tenant: string;
  readonly plugin: string;
  readonly owner: Owner;
  readonly pool: Pool;
  readonly limits: Limits;
  /** Hears the whole reason of a failure of which the plugin hears less. */
  report(error: unknown): void;
}

/** A transaction that is open. */
interface Lease {
  readonly transaction: Transaction;
  readonly lane: Lane;
  /** Gives its connection back; nothing for one within a trial. */
  close(): Promise<void>;
}

/** Owns the connections and transactions of a plugin. Its statements alone have one order. */
export class PostgresData implements PluginData {
  readonly oneWriter = false;
  readonly #parts: DataParts;
  readonly #sessions: Sessions;
  readonly #quota: Quota;
  readonly #single: Single;
  readonly #alone = new Lane();
  readonly #leases = new Map<number, Lease>();
  #trial: Trial | undefined;
  #settling: Promise<void> | undefined;
  /** Why nothing may be done until the plugin starts again. */
  #broken: string | undefined;
  #released = false;

  constructor(parts: DataParts) {
    this.#parts = parts;
    this.#sessions = new Sessions(parts);
    this.#quota = new Quota(parts.limits.quota);
    this.#single = new Single(this.#sessions, this.#quota, parts.limits);
  }

  async run<W extends Work>(work: W, terms: Terms): Promise<Results[W['op']]> {
    try {
      return (await this.#run(work, terms)) as Results[W['op']];
    } catch (error) {
      const { kind, cause } = error as WorkError;
      if (cause !== undefined && (kind === 'unavailable' || kind === 'crashed'))
        this.#parts.report(cause);
      throw error;
    }
  }

  async release(): Promise<void> {
    this.#released = true;
    this.#single.stopped = true;
    await this.#sessions.clock?.stop();
    // A plugin that has just become active keeps its migrations.
    await this.#settling?.catch(() => {});
    await this.#closeAll();
  }

  /** Migrations stay a transaction until the plugin runs, so that nothing has to be copied. */
  async keep(): Promise<void> {}

  async bringBack(): Promise<void> {
    await this.#settle(false);
  }

  async forget({ old }: { readonly old: boolean }): Promise<void> {
    // What was sent before it is a part of it, and what comes after isn't.
    if (!old) await this.#settle(true);
  }

  async backup(file: string | undefined, terms: Terms): Promise<undefined> {
    const { writeBackup } = await import('./backup.js');
    const { plugin, owner } = this.#parts;
    const path = pathOf(file);
    await this.#sessions.apart(terms, BEGIN.read, async (connection, role) => {
      const migrations = await owner.applied(role);
      await writeBackup(connection, path, { plugin, role, migrations });
    });
  }

  async restore(file: string | Blob, terms: Terms): Promise<void> {
    const { checkBackup, readBackup } = await import('./restore.js');
    const path = pathOf(file);
    await checkBackup(path);
    await this.#sessions.apart(terms, BEGIN.migration, async (connection, role) => {
      const key = await this.#parts.owner.keyOf(role);
      await connection.query('select plinth.lock($1)', [key]);
      await readBackup(connection, path, key);
      await this.#quota.check(connection);
    });
  }

  async copyFrom(file: string, terms: Terms): Promise<readonly Copied[]> {
    const { copyRows } = await import('./from-sqlite.js');
    const path = pathOf(file);
    return this.#sessions.apart(terms, BEGIN.migration, async (connection, role) => {
      await connection.query('select plinth.lock($1)', [await this.#parts.owner.keyOf(role)]);
      const applied = (await this.#parts.owner.applied(role)).map(({ name }) => name);
      const copied = await copyRows(connection, path, { role, applied });
      await this.#quota.check(connection);
      return copied;
    });
  }

  async #run(work: Work, terms: Terms): Promise<Results[Work['op']]> {
    if (this.#released && work.op !== 'close')
      throw new WorkError('stopped', 'the kernel has stopped');
    switch (work.op) {
      case 'run':
        this.#mayGoOn();
        return work.lease === undefined
          ? this.#alone.run(() => (this.#trial ?? this.#single).run(work, terms))
          : this.#leased(work.lease, terms, (transaction) =>
              work.stream ? transaction.stream(work) : transaction.run(work),
            );
      case 'next':
        return this.#leased(work.lease, terms, (one) => one.next(work.cursor, work.most));
      case 'leave':
        return this.#leased(work.lease, terms, (one) => one.leave(work.cursor)).then(() => null);
      case 'begin':
        this.#mayGoOn();
        return this.#alone.run(() => this.#begin(work.lease, work.access, terms));
      case 'end':
        return this.#end(work.lease, work.commit, terms);
      case 'state':
        return this.#alone.run(() => this.#state());
      case 'migrate':
        return this.#migrate(work, terms);
      case 'clear':
        await this.#settle(false);
        await this.#purge();
        return null;
      case 'close':
        await this.#closeAll();
        return null;
    }
  }

  #mayGoOn(): void {
    if (this.#broken !== undefined) throw new WorkError('failed', this.#broken);
  }

  async #begin(lease: number, access: 'read' | 'write', terms: Terms): Promise<null> {
    const trial = this.#trial;
    if (trial !== undefined) {
      const transaction = await trial.begin(lease, access, terms);
      this.#leases.set(lease, { transaction, lane: trial.lane, close: async () => {} });
      return null;
    }
    for (let attempt = 1; ; attempt++) {
      const { connection, clock } = await this.#sessions.take();
      const transaction = new Transaction(connection, access);
      const close = () => this.#sessions.give(connection);
      try {
        await clock.within(terms, connection, () => transaction.begin());
        this.#leases.set(lease, { transaction, lane: new Lane(), close });
        return null;
      } catch (error) {
        await close();
        if ((error as WorkError).kind !== 'crashed' || attempt > 1) throw error;
        await this.#sessions.close();
      }
    }
  }

  #leased<T>(
    lease: number,
    terms: Terms,
    work: (transaction: Transaction) => Promise<T>,
  ): Promise<T> {
    const held = this.#leases.get(lease);
    if (held === undefined) throw new WorkError('gone', 'the transaction is over');
    const { transaction, lane } = held;
    return lane.run(async () => {
      const clock = await this.#sessions.clockNow();
      return clock.within(terms, transaction.connection, () => work(transaction));
    });
  }

  async #end(lease: number, commit: boolean, terms: Terms): Promise<null> {
    const held = this.#leases.get(lease);
    if (held === undefined) {
      if (commit) throw new WorkError('gone', 'the transaction is over');
      return null;
    }
    const { transaction } = held;
    const writes = commit && transaction.access === 'write';
    const before = writes ? () => this.#quota.check(transaction.connection) : undefined;
    try {
      await this.#leased(lease, terms, () => transaction.end(commit, before));
    } catch (error) {
      const { kind } = error as WorkError;
      if (commit && kind === 'timeout') throw uncertain();
      if (kind === 'quota' && this.#trial === undefined)
        await this.#single.makeRoom(transaction.connection, await this.#sessions.clockNow());
      throw error;
    } finally {
      this.#leases.delete(lease);
      this.#trial?.ended(lease);
      // A rollback that fails must not serve the next transaction.
      if (!transaction.over && this.#trial === undefined) transaction.connection.destroy();
      await held.close();
    }
    return null;
  }

  async #state(): Promise<State> {
    const { owner, tenant, plugin } = this.#parts;
    if (this.#trial !== undefined) return { applied: await this.#trial.applied(), tables: true };
    this.#broken = undefined;
    const role = await owner.find(tenant, plugin);
    if (role === undefined) return { applied: [], tables: false };
    return { applied: await owner.applied(role), tables: await owner.hasObjects(role) };
  }

  async #migrate(work: Extract<Work, { readonly op: 'migrate' }>, terms: Terms): Promise<boolean> {
    const { owner, limits } = this.#parts;
    const role = await this.#sessions.ensure();
    const session = await this.#sessions.take();
    const trial = new Trial({ ...session, role, owner, limits, quota: this.#quota });
    let ran = false;
    try {
      ran = await trial.migrate(work.applied, work.steps, terms);
    } finally {
      if (ran) this.#trial = trial;
      else await this.#sessions.give(session.connection);
    }
    return ran;
  }

  #settle(commit: boolean): Promise<void> {
    this.#settling = this.#alone.run(() => this.#endTrial(commit));
    return this.#settling;
  }

  /** Ends the transaction in which migrations have run, and all that was done after them. */
  async #endTrial(commit: boolean): Promise<void> {
    const trial = this.#trial;
    if (trial === undefined) return;
    try {
      await trial.end(commit);
    } catch (error) {
      this.#broken = `its migrations and what came after them were not kept: ${(error as Error).message}; start it again`;
      throw error;
    } finally {
      this.#trial = undefined;
      for (const [lease, { transaction }] of this.#leases)
        if (transaction.connection === trial.connection) this.#leases.delete(lease);
      await this.#sessions.give(trial.connection);
    }
  }

  async #purge(): Promise<void> {
    const { owner, tenant, plugin } = this.#parts;
    await this.#closeAll();
    await owner.purge(tenant, plugin);
    this.#sessions.forget();
  }

  async #closeAll(): Promise<void> {
    const leases = [...this.#leases.values()];
    this.#leases.clear();
    const trial = this.#trial;
    this.#trial = undefined;
    trial?.connection.destroy();
    if (trial !== undefined) await this.#sessions.give(trial.connection);
    for (const { transaction, close } of leases) {
      transaction.connection.destroy();
      await close();
    }
    await this.#sessions.close();
  }
}

/** The path of a file of the application. @throws WorkError. */
function pathOf(file: string | Blob | undefined): string {
  if (typeof file === 'string' && file !== '' && !file.includes('\0')) return resolve(file);
  throw new WorkError('failed', `'${String(file).slice(0, 80)}' is no path of a file`);
}
