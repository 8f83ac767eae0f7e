/** The options of `sql()`, and their checks. */
import { checkOptionNames, createError, LONGEST_TIMER } from '@plinth/sdk/contract';
import {
  type PostgresOptions,
  type PostgresSettings,
  postgresSettingsOf,
} from '../postgres/options.js';

/** A migration that loses data, for the application to allow. */
export interface DestructiveMigration {
  readonly tenant: string;
  readonly plugin: string;
  readonly version: string;
  /** Its name, like `0002_drop_drafts`. */
  readonly name: string;
  /** The statements that lose data, each cut after 200 characters. */
  readonly statements: readonly string[];
}

/** Bounds of what plugins do with their databases. Times have at most 2,147,483,647 ms (24 days). */
export interface SqlLimits {
  /** Bytes of a database. Default: 64 MiB. */
  readonly quota?: number;
  /** Characters of a statement. Default: 100 000. */
  readonly statement?: number;
  /** Parameters of a statement. Default: 10 000. */
  readonly parameters?: number;
  /** Bytes of the parameters of a statement. Default: 4 MiB. */
  readonly input?: number;
  /** Rows of a result that is not streamed. Default: 10 000. */
  readonly rows?: number;
  /** Bytes of a result that is not streamed, and of one row. Default: 4 MiB. */
  readonly answer?: number;
  /** Milliseconds of a statement. It is ended after that. Default: 5 000. */
  readonly time?: number;
  /** Milliseconds that a statement waits for a transaction that writes. Default: 5 000. */
  readonly lock?: number;
  /** Milliseconds that a transaction or a stream may be open. Default: 30 000. */
  readonly open?: number;
  /** Transactions and streams of one plugin that may be open at once. Default: 4. */
  readonly transactions?: number;
  /** Statements of one plugin that wait or run. Default: 256. */
  readonly waiting?: number;
  /** Milliseconds that the migrations of a plugin may take in all. Default: 60 000. */
  readonly migration?: number;
  /** Bytes of memory of the database process. Default: 512 MiB. */
  readonly memory?: number;
}

/** Options of `sql()`. */
export interface SqlOptions {
  /** Where the databases are kept, as files of SQLite. It is made if it isn't there. */
  readonly directory?: string;
  /**
   * Keeps the databases in PostgreSQL instead, 15 or later: its address, or that and more. The
   * application installs `pg`.
   */
  readonly postgres?: string | PostgresOptions;
  /**
   * Whether a migration that loses data may run: one with `drop table`, `alter table … drop` or
   * `delete` without `where`. Absent: none may.
   */
  destructive?(migration: DestructiveMigration): boolean | Promise<boolean>;
  readonly limits?: SqlLimits;
}

/** Limits with all defaults. */
export type Limits = Required<SqlLimits>;

/** Options with all defaults. */
export interface Settings extends Omit<SqlOptions, 'limits' | 'postgres'> {
  readonly limits: Limits;
  readonly postgres?: PostgresSettings;
}

const MIB = 1_048_576;

const LIMITS: Limits = {
  quota: 64 * MIB,
  statement: 100_000,
  parameters: 10_000,
  input: 4 * MIB,
  rows: 10_000,
  answer: 4 * MIB,
  time: 5_000,
  lock: 5_000,
  open: 30_000,
  transactions: 4,
  waiting: 256,
  migration: 60_000,
  memory: 512 * MIB,
};

/** The smallest sensible limits, where that isn't 1. */
const LEAST: Partial<Limits> = { quota: 65_536, memory: 128 * MIB };
/** The largest: SQLite takes no more, and a timer that is longer fires at once. */
const MOST: Partial<Limits> = {
  parameters: 32_766,
  answer: 16 * MIB,
  input: 16 * MIB,
  time: LONGEST_TIMER,
  lock: LONGEST_TIMER,
  open: LONGEST_TIMER,
  migration: LONGEST_TIMER,
};

const OPTIONS: readonly string[] = ['directory', 'postgres', 'destructive', 'limits'];

/** @throws PluginConfigurationError `kernel/invalid-option`. */
export function settingsOf(options: SqlOptions): Settings {
  checkOptionNames('sql()', options ?? (null as never), OPTIONS, 'options');
  const { directory, postgres: given, destructive, limits } = options;
  const postgres = given === undefined ? undefined : postgresSettingsOf(given, wrong);
  if (postgres !== undefined && directory !== undefined)
    throw wrong('directory', "has no place beside 'postgres': databases are in one of them");
  if (postgres !== undefined) {
    // Nothing is kept in files.
  } else if (typeof directory !== 'string' || directory === '' || directory.includes('\0'))
    throw wrong('directory', 'is the path of a folder for the databases');
  if (destructive !== undefined && typeof destructive !== 'function')
    throw wrong('destructive', 'is a function that says whether a migration may lose data');
  return {
    ...(directory !== undefined && { directory }),
    ...(postgres !== undefined && { postgres }),
    ...(destructive !== undefined && { destructive }),
    limits: limitsOf(limits),
  };
}

function limitsOf(given: SqlLimits = {}): Limits {
  checkOptionNames("sql(): 'limits'", given, Object.keys(LIMITS), 'limits');
  const limits: Record<string, number> = { ...LIMITS };
  for (const [name, value] of Object.entries(given) as [keyof Limits, unknown][]) {
    if (value === undefined) continue;
    const [least, most] = [LEAST[name] ?? 1, MOST[name] ?? Number.MAX_SAFE_INTEGER];
    if (!(Number.isInteger(value) && (value as number) >= least && (value as number) <= most))
      throw wrong(
        `limits.${name}`,
        most === Number.MAX_SAFE_INTEGER
          ? `is a whole number of at least ${least}`
          : `is a whole number from ${least} to ${most}`,
      );
    limits[name] = value as number;
  }
  return limits as unknown as Limits;
}

function wrong(option: string, what: string): Error {
  return createError('kernel/invalid-option', `sql(): '${option}' ${what}`, {
    details: { option },
  });
}
