/** What the host asks of a database, and what that answers. */
import type { SqlValue } from '../contract.js';

/** The most that one answer may have. */
export interface Most {
  readonly rows: number;
  /** Bytes of the values. */
  readonly bytes: number;
  /** Bytes of one row. */
  readonly row: number;
}

/** A migration to run. */
export interface Step {
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
  readonly additive: boolean;
}

/** A migration that has run. */
export interface Applied {
  readonly name: string;
  readonly checksum: string;
  readonly additive: boolean;
  /** When it ran, as ISO text. */
  readonly at: string;
}

/** What is done with a database. */
export type Work =
  | {
      readonly op: 'run';
      readonly lease?: number | undefined;
      readonly sql: string;
      readonly parameters: readonly SqlValue[];
      readonly most: Most;
      readonly stream: boolean;
    }
  | { readonly op: 'next'; readonly lease: number; readonly cursor: number; readonly most: Most }
  | { readonly op: 'leave'; readonly lease: number; readonly cursor: number }
  | { readonly op: 'begin'; readonly lease: number; readonly access: 'read' | 'write' }
  | { readonly op: 'end'; readonly lease: number; readonly commit: boolean }
  | { readonly op: 'state' }
  | { readonly op: 'migrate'; readonly applied: readonly string[]; readonly steps: readonly Step[] }
  | { readonly op: 'clear' }
  | { readonly op: 'close' };

/** Rows as a backend answers them. */
export interface Rows {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly SqlValue[])[];
  readonly changes?: number;
  readonly insertId?: number | bigint;
  readonly cursor?: number;
}

/** What a database holds. */
export interface State {
  readonly applied: readonly Applied[];
  /** Whether there are tables. */
  readonly tables: boolean;
}

/** The result of each kind of work. */
export interface Results {
  readonly run: Rows;
  readonly next: Rows;
  readonly leave: null;
  readonly begin: null;
  readonly end: null;
  readonly state: State;
  /** False: others have run migrations meanwhile, and nothing was done. */
  readonly migrate: boolean;
  readonly clear: null;
  readonly close: null;
}

/** Why work has failed. `busy` is no failure yet: another transaction writes. */
export type FailureKind =
  | 'busy'
  | 'denied'
  | 'quota'
  | 'log'
  | 'memory'
  | 'timeout'
  | 'constraint'
  | 'too-large'
  | 'invalid'
  | 'damaged'
  | 'gone'
  | 'failed';

/** A failure as a backend tells it. */
export interface Failure {
  readonly kind: FailureKind;
  readonly message: string;
  /** The extended result code of SQLite. */
  readonly sqlite?: number;
  /** The migration at fault. */
  readonly migration?: string;
}

/** The table of the migrations that have run. Plugins can read it. */
export const REGISTRY = '_plinth_migrations';
