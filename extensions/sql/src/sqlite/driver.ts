/** What is asked of SQLite and of the files below it, in the shape of `node:sqlite`. */
import type { SqlValue } from '../contract.js';

/** A statement that is ready. */
export interface SqliteStatement {
  columns(): readonly { readonly name: string }[];
  run(...values: SqlValue[]): {
    readonly changes: number | bigint;
    readonly lastInsertRowid: number | bigint;
  };
  /** Ending the iterator early ends the run. */
  iterate(...values: SqlValue[]): Iterator<unknown>;
  all(...values: SqlValue[]): unknown[];
  /** Integers come as bigints, all of them. */
  setReadBigInts(on: boolean): void;
  /** Rows come as lists. */
  setReturnArrays(on: boolean): void;
}

/** Asked for each part of a statement while it is prepared: 0 allows it, 1 denies it. */
export type Authorizer = (action: number, one: string | null, two: string | null) => number;

/** An open database. */
export interface SqliteDatabase {
  readonly isTransaction: boolean;
  exec(sql: string): void;
  prepare(sql: string): SqliteStatement;
  setAuthorizer(authorizer: Authorizer): void;
  close(): void;
}

/** SQLite, and the files of databases. A path names a database; its log of changes is beside it. */
export interface Driver {
  /** Opens a database that statements of plugins run on. It is made when it isn't there. */
  open(path: string): SqliteDatabase;
  /** Gives back what a statement holds. It isn't used any more. */
  free(statement: SqliteStatement): void;
  /** Bytes of the log of changes. */
  logSize(path: string): number;
  /** Deletes a database that is closed. */
  remove(path: string): Promise<void>;
  /** Nothing uses a database for now. */
  leave(path: string): void;
  /** Writes a copy of one moment: one file, without a log beside it. */
  copy(from: SqliteDatabase, to: string): Promise<void>;
  /** Does work with a copy, which it only reads. */
  read(path: string, work: (copy: SqliteDatabase) => Promise<void>): Promise<void>;
  /** Puts the content of a copy in place of a database's, as one transaction. */
  overwrite(from: SqliteDatabase, path: string): Promise<void>;
}

/** Bytes of a text, a blob or a row. */
const MOST_VALUE = 16_777_216;

/** The bounds of a connection. A plugin attaches nothing. */
export const CONNECTION_LIMITS = {
  length: MOST_VALUE,
  attach: 0,
  compoundSelect: 500,
  exprDepth: 500,
} as const;
