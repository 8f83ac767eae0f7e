/** What a migration does to data that is there, as far as its text tells. */
import { isTrigger, type Statement, statementsOf } from './tokens.js';

/** The effects of a migration. */
export interface Effects {
  /** The statements that lose data: `drop table`, `alter table … drop`, `delete` without `where`. */
  readonly destructive: readonly string[];
  /**
   * Whether it only adds: tables, views, indexes, columns, rows. A version from before works with
   * what it leaves.
   */
  readonly additive: boolean;
}

/** Characters of a statement that are shown. */
const SHOWN = 200;

/** Reads the effects of a migration from its text. */
export function effectsOf(sql: string): Effects {
  const statements = statementsOf(sql);
  return {
    destructive: statements.filter(loses).map(({ text }) => text.slice(0, SHOWN)),
    additive: statements.every(adds),
  };
}

/** Things without rows of their own. */
const WITHOUT_ROWS: ReadonlySet<string> = new Set(['index', 'trigger', 'view']);

function loses({ tokens }: Statement): boolean {
  if (isTrigger(tokens)) return false;
  const words = tokens.map(({ kind, text }) => (kind === 'word' ? text : ''));
  const [first, second = ''] = words;
  if (first === 'drop') return !WITHOUT_ROWS.has(second);
  if (first === 'truncate') return true;
  if (first === 'alter') return words.includes('drop');
  // What a foreign key does `on delete` is no statement.
  const deletes = words.findIndex((word, at) => word === 'delete' && words[at - 1] !== 'on');
  return deletes !== -1 && !words.includes('where', deletes);
}

/** What `create` makes without a change for statements that know nothing of it. */
const ADDED: ReadonlySet<string> = new Set(['table', 'index', 'view', 'virtual']);

function adds({ tokens }: Statement): boolean {
  const words = tokens.map(({ kind, text }) => (kind === 'word' ? text : ''));
  const [first, second = ''] = words;
  if (first === 'create') return ADDED.has(second);
  if (first === 'alter') return words.includes('add') && !words.includes('drop');
  const changes = words.some((word, at) => word === 'update' && words[at - 1] === 'do');
  return first === 'insert' && second === 'into' && !changes;
}
