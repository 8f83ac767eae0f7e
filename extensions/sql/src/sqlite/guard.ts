/** Decides what the statements of a plugin may do. What isn't listed is denied. */
import { REGISTRY } from '../backend/work.js';
import type { Statement } from '../text/tokens.js';
import { Refused } from './failure.js';

/** Whose statement it is: the kernel's own, a plugin's alone or in a transaction, a migration's. */
export type Mode = 'own' | 'plain' | 'transaction' | 'migration';

/** What a part of a statement does: the numbers of SQLite. */
const ACTIONS = {
  CREATE_INDEX: 1,
  CREATE_TABLE: 2,
  CREATE_TEMP_INDEX: 3,
  CREATE_TEMP_TABLE: 4,
  CREATE_TEMP_TRIGGER: 5,
  CREATE_TEMP_VIEW: 6,
  CREATE_TRIGGER: 7,
  CREATE_VIEW: 8,
  DELETE: 9,
  DROP_INDEX: 10,
  DROP_TABLE: 11,
  DROP_TEMP_INDEX: 12,
  DROP_TEMP_TABLE: 13,
  DROP_TEMP_TRIGGER: 14,
  DROP_TEMP_VIEW: 15,
  DROP_TRIGGER: 16,
  DROP_VIEW: 17,
  INSERT: 18,
  PRAGMA: 19,
  READ: 20,
  SELECT: 21,
  TRANSACTION: 22,
  UPDATE: 23,
  ATTACH: 24,
  DETACH: 25,
  ALTER_TABLE: 26,
  REINDEX: 27,
  ANALYZE: 28,
  CREATE_VTABLE: 29,
  DROP_VTABLE: 30,
  FUNCTION: 31,
  SAVEPOINT: 32,
  RECURSIVE: 33,
} as const;

/** Answers of an authorizer. */
const ALLOWED = 0;
const DENIED = 1;

/** Reads. */
const READS: ReadonlySet<number> = new Set([ACTIONS.SELECT, ACTIONS.READ, ACTIONS.RECURSIVE]);

/** Changes of rows and of the schema. Temporary things would stay with a shared connection. */
const WRITES: ReadonlySet<number> = new Set([
  ACTIONS.INSERT,
  ACTIONS.UPDATE,
  ACTIONS.DELETE,
  ACTIONS.CREATE_TABLE,
  ACTIONS.CREATE_INDEX,
  ACTIONS.CREATE_VIEW,
  ACTIONS.CREATE_TRIGGER,
  ACTIONS.DROP_TABLE,
  ACTIONS.DROP_INDEX,
  ACTIONS.DROP_VIEW,
  ACTIONS.DROP_TRIGGER,
  ACTIONS.ALTER_TABLE,
  ACTIONS.REINDEX,
  ACTIONS.ANALYZE,
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
  Object.entries(ACTIONS).map(([name, code]) => [code, name.toLowerCase().replaceAll('_', ' ')]),
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
    if (this.mode === 'own') return ALLOWED;
    if (this.#allows(action, one, two)) return ALLOWED;
    const what = [NAMES.get(action), one, two].filter(Boolean).join(' ');
    this.denied ??= what.slice(0, 120);
    return DENIED;
  };

  #allows(action: number, one: string | null, two: string | null): boolean {
    if (READS.has(action)) return true;
    if (WRITES.has(action)) return this.#allowsWrite(action, one, two);
    switch (action) {
      case ACTIONS.FUNCTION:
        return !FUNCTIONS.has(two?.toLowerCase() ?? '');
      case ACTIONS.PRAGMA:
        return (
          PRAGMAS.has(one?.toLowerCase() ?? '') ||
          (two === null && READ_ONLY.has(one?.toLowerCase() ?? ''))
        );
      case ACTIONS.SAVEPOINT:
        return this.mode === 'transaction';
      case ACTIONS.CREATE_VTABLE:
      case ACTIONS.DROP_VTABLE:
        this.writes = true;
        return MODULES.has(two?.toLowerCase() ?? '') && one?.toLowerCase() !== REGISTRY;
      default:
        return false;
    }
  }

  #allowsWrite(action: number, one: string | null, two: string | null): boolean {
    this.writes = true;
    if (action === ACTIONS.INSERT && !one?.startsWith('sqlite_')) this.inserts = true;
    return one?.toLowerCase() !== REGISTRY && two?.toLowerCase() !== REGISTRY;
  }
}

const LIST = new RegExp(`^["'\`[]?${REGISTRY}["'\`\\]]?$`, 'i');

/** SQLite asks for no right to the new name of a table. @throws Refused `denied`. */
export function checkRename({ tokens }: Statement): void {
  if (tokens[0]?.text !== 'alter' || !tokens.some(({ text }) => LIST.test(text))) return;
  throw new Refused('denied', `the statement may not: alter table ${REGISTRY}`);
}
