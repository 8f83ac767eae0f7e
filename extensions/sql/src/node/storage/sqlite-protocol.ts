/** What the thread of a SQLite file is asked, and what it answers. */
import type { Parameter, Row } from './client.js';

/** A statement, and what is passed to it. */
export interface Statement {
  readonly sql: string;
  readonly parameters: readonly Parameter[];
}

/** How the thread is started. */
export interface SqliteFile {
  readonly path: string;
  /** Statements that make the tables. */
  readonly tables: readonly string[];
}

/** What has become of a statement. */
export type Answer =
  | { readonly rows: readonly Row[] }
  | {
      readonly message: string;
      /** The result code of SQLite, or the code of the system. */
      readonly code: number | string | undefined;
    };

/** The answers to a list of statements. */
export interface Answers {
  readonly answers: readonly Answer[];
  /** The file was gone, or another one: it was opened again. */
  readonly lost: boolean;
}
