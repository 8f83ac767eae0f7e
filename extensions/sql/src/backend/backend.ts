/** What keeps the databases of plugins, as the rest of the host sees it. */
import type { FailureKind, Results, Work } from './work.js';

/** The SQL that a backend understands. */
export type Dialect = 'sqlite' | 'postgres';

/** How work is done. */
export interface Terms {
  /** Milliseconds after which it is ended. */
  readonly time: number;
  /** Whether it can be done again when it ends for another reason: it changes nothing. */
  readonly safe?: boolean;
  /** Ends the work. */
  readonly signal?: AbortSignal;
}

/** Why work was ended before it was done. */
export type Ended = 'timeout' | 'memory' | 'crashed' | 'aborted' | 'unavailable' | 'stopped';

/** Why work was not done. */
export class WorkError extends Error {
  readonly kind: FailureKind | Ended;
  /** The result code of SQLite. */
  readonly sqlite: number | undefined;
  /** The code of PostgreSQL. */
  readonly sqlstate: string | undefined;
  /** The migration at fault. */
  readonly migration: string | undefined;

  constructor(
    kind: WorkError['kind'],
    message: string,
    facts: {
      readonly sqlite?: number;
      readonly sqlstate?: string;
      readonly migration?: string | undefined;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, { cause: facts.cause });
    this.kind = kind;
    this.sqlite = facts.sqlite;
    this.sqlstate = facts.sqlstate;
    this.migration = facts.migration;
  }
}

/** Rows that were copied. */
export interface Copied {
  readonly table: string;
  readonly rows: number;
}

/** One plugin's database. Work on it has one order. */
export interface PluginData {
  /** Whether one transaction can write at a time, so that others wait for their turn. */
  readonly oneWriter: boolean;
  /** @throws WorkError; of kind `busy` while another transaction writes, so that it can be tried again. */
  run<W extends Work>(work: W, terms: Terms): Promise<Results[W['op']]>;
  /** Refuses what waits, ends what is in progress, and closes the database. */
  release(): Promise<void>;
  /** Keeps what there is, before migrations change it. @throws WorkError. */
  keep(terms: Terms): Promise<void>;
  /** Brings back what was kept. @throws WorkError. */
  bringBack(terms: Terms): Promise<void>;
  /** Deletes what was kept. With `old`, only what an end of the application has left. */
  forget(which: { readonly old: boolean }): Promise<void>;
  /**
   * Writes a copy of one moment into a file of the application, or answers it where there is none.
   *
   * @throws WorkError, and PluginError for a file that it can't be.
   */
  backup(file: string | undefined, terms: Terms): Promise<Blob | undefined>;
  /**
   * Takes the content of a copy, once it is checked.
   *
   * @throws WorkError, and PluginError for a file that it can't be.
   */
  restore(from: string | Blob, terms: Terms): Promise<void>;
  /**
   * Copies the rows of a database of SQLite, which is left as it is. Absent where that is no move.
   *
   * @throws WorkError.
   */
  copyFrom?(file: string, terms: Terms): Promise<readonly Copied[]>;
}

/** All databases of a kernel. */
export interface Backend {
  readonly dialect: Dialect;
  /**
   * The database of a plugin. It is made by the first work on it.
   *
   * @param report hears the whole reason of a failure.
   * @throws PluginError `sql/failed`, without paths and addresses: a plugin hears it.
   */
  database(tenant: string, plugin: string, report: (error: unknown) => void): Promise<PluginData>;
  /** Whether a plugin has a database. */
  has(tenant: string, plugin: string): Promise<boolean>;
  /** Plugins of a tenant with a database, and its bytes. */
  list(tenant: string): Promise<readonly { readonly plugin: string; readonly bytes: number }[]>;
  /** Tenants with a database, by name. Absent where the application can't ask. */
  tenants?(): Promise<readonly string[]>;
  /** Deletes a database that is closed. */
  purge(tenant: string, plugin: string): Promise<void>;
  /**
   * Whether databases of a tenant can be used now. It is cheap, as it is asked often.
   *
   * @throws Error that says why not. The application hears it, and plugins don't.
   */
  check(tenant: string): Promise<void>;
  /** Calls the listener when all open transactions are lost. */
  onLost(listener: () => void): () => void;
  /** Ends all work. */
  close(): Promise<void>;
}
