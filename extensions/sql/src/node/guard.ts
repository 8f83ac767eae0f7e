/** Decides what the statements of a plugin may do. What isn't listed is denied. */
import { constants } from 'node:sqlite';
import { REGISTRY } from '../backend/work.js';

/** Whose statement it is: the kernel's own, a plugin's alone or in a transaction, a migration's. */
export type Mode = 'own' | 'plain' | 'transaction' | 'migration';

/** Reads. */
const READS: ReadonlySet<number> = new Set([
  constants.SQLITE_SELECT,
  constants.SQLITE_READ,
  constants.SQLITE_RECURSIVE,
]);

/** Changes of rows and of the schema. Temporary things would stay with a shared connection. */
const WRITES: ReadonlySet<number> = new Set([
  constants.SQLITE_INSERT,
  constants.SQLITE_UPDATE,
  constants.SQLITE_DELETE,
  constants.SQLITE_CREATE_TABLE,
  constants.SQLITE_CREATE_INDEX,
  constants.SQLITE_CREATE_VIEW,
  constants.SQLITE_CREATE_TRIGGER,
  constants.SQLITE_DROP_TABLE,
  constants.SQLITE_DROP_INDEX,
  constants.SQLITE_DROP_VIEW,
  constants.SQLITE_DROP_TRIGGER,
  constants.SQLITE_ALTER_TABLE,
  constants.SQLITE_REINDEX,
  constants.SQLITE_ANALYZE,
]);

/** Kinds of virtual tables whose data is in the database itself. */
const MODULES: ReadonlySet<string> = new Set(['fts5', 'rtree']);

/** Pragmas that only read, with the argument that they take. */
const PRAGMAS: ReadonlySet<string> = new Set([
  'table_info',
  'table_xinfo',
  'table_list',
  'index_list',
  'index_info',
  'index_xinfo',
  'foreign_key_list',
  'foreign_key_check',
]);

/** Pragmas that read without an argument, and set something with one. */
const READ_ONLY: ReadonlySet<string> = new Set(['foreign_keys', 'data_version', 'page_count']);

/** Functions that reach out of the database. */
const FUNCTIONS: ReadonlySet<string> = new Set(['load_extension', 'fts3_tokenizer']);

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(constants)
    .filter(([, code]) => typeof code === 'number')
    .map(([name, code]) => [code as number, name.slice('SQLITE_'.length).toLowerCase()] as const),
);

/** Owns what one connection is allowed, and remembers what its last statement does. */
export class Guard {
  mode: Mode = 'own';
  /** Whether a statement that was prepared since {@link begin} changes anything. */
  writes = false;
  inserts = false;
  /** What was denied since {@link begin}. */
  denied: string | undefined;

  begin(mode: Mode): void {
    this.mode = mode;
    this.writes = false;
    this.inserts = false;
    this.denied = undefined;
  }

  /** SQLite asks this for each part of a statement while it prepares it. */
  readonly check = (action: number, one: string | null, two: string | null): number => {
    if (this.mode === 'own') return constants.SQLITE_OK;
    if (this.#allows(action, one, two)) return constants.SQLITE_OK;
    const what = [NAMES.get(action)?.replaceAll('_', ' '), one, two].filter(Boolean).join(' ');
    this.denied ??= what.slice(0, 120);
    return constants.SQLITE_DENY;
  };

  #allows(action: number, one: string | null, two: string | null): boolean {
    if (READS.has(action)) return true;
    if (WRITES.has(action)) return this.#allowsWrite(action, one, two);
    switch (action) {
      case constants.SQLITE_FUNCTION:
        return !FUNCTIONS.has(two?.toLowerCase() ?? '');
      case constants.SQLITE_PRAGMA:
        return (
          PRAGMAS.has(one?.toLowerCase() ?? '') ||
          (two === null && READ_ONLY.has(one?.toLowerCase() ?? ''))
        );
      case constants.SQLITE_SAVEPOINT:
        return this.mode === 'transaction';
      case constants.SQLITE_CREATE_VTABLE:
      case constants.SQLITE_DROP_VTABLE:
        this.writes = true;
        return MODULES.has(two?.toLowerCase() ?? '');
      default:
        return false;
    }
  }

  #allowsWrite(action: number, one: string | null, two: string | null): boolean {
    this.writes = true;
    if (action === constants.SQLITE_INSERT && !one?.startsWith('sqlite_')) this.inserts = true;
    return one?.toLowerCase() !== REGISTRY && two?.toLowerCase() !== REGISTRY;
  }
}
