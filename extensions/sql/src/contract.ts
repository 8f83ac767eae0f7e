/** The contract through which plugins query their databases, and the values that it carries. */
import { command, contract } from '@plinth/sdk';

/** A value as a database holds it. */
export type SqlValue = null | number | bigint | string | Uint8Array;

/** A statement of a plugin. */
export interface SqlQuery {
  /** One statement. */
  readonly sql: string;
  readonly parameters: readonly SqlValue[];
  /** The transaction that it belongs to. */
  readonly lease?: number;
  /** Asks for the rows in parts. */
  readonly stream?: true;
}

/** Rows of a result, by the order of its columns. */
export interface SqlRows {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly SqlValue[])[];
  /** How many rows the statement has changed. Absent when it returns rows. */
  readonly changes?: number;
  /** The id of the row that was inserted last. */
  readonly insertId?: number | bigint;
  /** Says that there are more rows, and where they are. */
  readonly more?: { readonly lease: number; readonly cursor: number };
}

/**
 * What the host answers. A plugin needs the right to `commands.execute` of `plinth.sql:*`.
 * `database(ctx)` makes the calls.
 */
export const Sql = contract('plinth.sql@1', {
  /** Runs a statement: {@link SqlQuery} to {@link SqlRows}. */
  query: command({}),
  /** The next rows of a stream. */
  next: command({}),
  /** Begins a transaction. */
  begin: command({}),
  /** Ends a transaction or a stream. */
  end: command({}),
  /** The SQL of the databases: `{ dialect: 'sqlite' | 'postgres' }`. */
  dialect: command({}),
});

/** The owner part of the contract's commands. */
export const SQL = 'plinth.sql';
