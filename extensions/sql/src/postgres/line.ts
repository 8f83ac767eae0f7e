/** A connection of the owner, and what its failures mean. */
import { createError } from '@plinth/sdk/contract';
import { WorkError } from '../backend/backend.js';
import type { SqlValue } from '../contract.js';
import { failureOf, isLost, stateOf } from './failure.js';
import { inTime, PATIENCE } from './in-time.js';
import { type Answer, Connection, type Login } from './pg-client.js';

/** How often what two kernels do at once is tried. */
const TRIES = 5;
/** Milliseconds that an answer may be on its way. */
const ON_ITS_WAY = 1_000;
/** Codes of what another kernel was faster with. */
const RACES: ReadonlySet<string> = new Set(['23505', '42P06', '42P07', '42710', '42723', 'XX000']);

type Ask = (text: string, values?: readonly SqlValue[]) => Promise<Answer>;

/** Owns one connection of the owner, made when it is needed. It does one thing at a time. */
export class Line {
  readonly #login: Login;
  readonly #works: ((pid: number) => Promise<boolean>) | undefined;
  #connection: Connection | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  /**
   * @param works whether the server works on what a connection has asked. Absent: those that ask have
   * a clock of their own, and {@link cut}.
   */
  constructor(login: Login, works?: (pid: number) => Promise<boolean>) {
    this.#login = login;
    this.#works = works;
  }

  /** @throws WorkError. */
  run<T>(work: (query: Ask) => Promise<T>): Promise<T> {
    const done = this.#last.then(() => this.#now(work));
    this.#last = done.catch(() => {});
    return done;
  }

  /** Work in one transaction. What another kernel does at the same time is waited for. */
  transaction<T>(work: (query: Ask) => Promise<T>): Promise<T> {
    return this.run(async (query) => {
      for (let attempt = 1; ; attempt++) {
        await query('begin');
        try {
          const result = await work(query);
          await query('commit');
          return result;
        } catch (error) {
          if (!isLost(error)) await query('rollback').catch(() => {});
          if (attempt === TRIES || !RACES.has(stateOf(error) ?? '')) throw error;
        }
      }
    });
  }

  /** Ends the connection at once. What waits gets another one. */
  cut(): void {
    this.#connection?.destroy();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#last;
    await this.#connection?.close();
  }

  /** Waits for an answer. One that nothing works on any more was lost, and the connection with it. */
  async #answered(connection: Connection, asked: Promise<Answer>): Promise<Answer> {
    if (this.#works === undefined) return asked;
    while (!(await inTime(asked, PATIENCE)))
      if (!(await this.#works(connection.pid)) && !(await inTime(asked, ON_ITS_WAY)))
        connection.destroy();
    return asked;
  }

  async #now<T>(work: (query: Ask) => Promise<T>): Promise<T> {
    if (this.#closed) throw new WorkError('stopped', 'the kernel has stopped');
    const before = this.#connection?.lost === false;
    let asked = 0;
    try {
      if (!before) this.#connection = await Connection.open(this.#login);
      const connection = this.#connection as Connection;
      return await work((text, values) => {
        asked += 1;
        return this.#answered(connection, connection.query(text, values));
      });
    } catch (error) {
      if (isLost(error)) {
        this.#connection?.destroy();
        // It was idle, and the server has ended it meanwhile.
        if (before && asked === 1) return this.#now(work);
        throw new WorkError('unavailable', 'the database server is not there', { cause: error });
      }
      throw error instanceof WorkError ? error : asFailure(error);
    }
  }
}

/** A refusal of the owner's own work tells the application what its role lacks. */
function asFailure(error: unknown): Error {
  if (stateOf(error) !== '42501') return failureOf(error);
  return unusable(
    `its role may not do what is needed (${(error as Error).message}): it owns the database, and has createrole`,
  );
}

/** The error of a server that can't be used as it is. */
export const unusable = (what: string): Error =>
  createError('sql/failed', `the database server of sql({ postgres }) can't be used: ${what}`);
