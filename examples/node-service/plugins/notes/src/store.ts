/** Notes in the plugin's database. */
import type { Generated, Kysely, Transaction } from '@plinth/sql';
import { sql } from 'kysely';
import { Refused } from '../../../shared/input.ts';
import { whole } from '../../../shared/transaction.ts';
import {
  type Note,
  type NoteInput,
  type NoteRecord,
  newId,
  patterns,
  type Revision,
  searched,
} from './note.ts';

/** The tables, as the migrations leave them. */
export interface Schema {
  notes: {
    id: string;
    title: string;
    text: string;
    words: string;
    author: string;
    created: string;
    updated: string;
    revision: Generated<number>;
  };
  tags: { note: string; tag: string };
  revisions: {
    note: string;
    number: number;
    title: string;
    text: string;
    author: string;
    at: string;
  };
}

type Database = Kysely<Schema> | Transaction<Schema>;

const COLUMNS = ['id', 'title', 'text', 'author', 'created', 'updated', 'revision'] as const;
/** Notes that an export reads at a time. */
const PART = 100;

/** What is searched for. */
export interface Search {
  readonly words: string;
  readonly tag?: string | undefined;
  readonly most: number;
}

/** Notes with all of the words and the tag, the latest first. */
export async function find(db: Kysely<Schema>, { words, tag, most }: Search): Promise<Note[]> {
  let query = db.selectFrom('notes').select(COLUMNS);
  for (const pattern of patterns(words))
    query = query.where(sql<boolean>`words like ${pattern} escape '\\'`);
  if (tag !== undefined)
    query = query.where('id', 'in', (from) =>
      from.selectFrom('tags').select('note').where('tag', '=', tag),
    );
  const rows = await query.orderBy('updated', 'desc').orderBy('id').limit(most).execute();
  return withTags(db, rows);
}

/** @throws Refused 404. */
export async function get(db: Database, id: string): Promise<Note> {
  const row = await db.selectFrom('notes').select(COLUMNS).where('id', '=', id).executeTakeFirst();
  const [note] = await withTags(db, row === undefined ? [] : [row]);
  if (note === undefined) throw new Refused(404, 'There is no such note');
  return note;
}

async function withTags(db: Database, rows: readonly Omit<Note, 'tags'>[]): Promise<Note[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  const tags = await db
    .selectFrom('tags')
    .selectAll()
    .where('note', 'in', ids)
    .orderBy('tag')
    .execute();
  return rows.map((row) => ({
    ...row,
    tags: tags.filter(({ note }) => note === row.id).map(({ tag }) => tag),
  }));
}

/** The trail of a note, the latest first. */
export const trail = (db: Database, id: string): Promise<Revision[]> =>
  db
    .selectFrom('revisions')
    .select(['number', 'title', 'text', 'author', 'at'])
    .where('note', '=', id)
    .orderBy('number', 'desc')
    .execute();

/** Adds a note with its first revision. */
export async function add(db: Kysely<Schema>, input: NoteInput, author: string): Promise<Note> {
  const now = new Date().toISOString();
  const { title, text, tags } = input;
  const note = { id: newId(), title, text, tags, author, created: now, updated: now, revision: 1 };
  const first = { number: 1, title, text, author, at: now };
  await whole(db, (trx) => insert(trx, { ...note, trail: [first] }));
  return note;
}

/**
 * Saves a new revision.
 *
 * @throws Refused 404; 409 when the note was saved since the revision that was edited.
 */
export function change(
  db: Kysely<Schema>,
  id: string,
  input: NoteInput,
  author: string,
): Promise<Note> {
  return whole(db, async (trx) => {
    const before = await get(trx, id);
    if (input.revision !== undefined && input.revision !== before.revision)
      throw new Refused(409, 'The note was saved meanwhile: load it again');
    const updated = new Date().toISOString();
    const { title, text, tags } = input;
    const note = { ...before, title, text, tags, author, updated, revision: before.revision + 1 };
    await trx
      .updateTable('notes')
      .set({ title, text, words: searched(note), author, updated, revision: note.revision })
      .where('id', '=', id)
      .execute();
    await trx.deleteFrom('tags').where('note', '=', id).execute();
    await insertTags(trx, note);
    const { revision: number } = note;
    await trx
      .insertInto('revisions')
      .values({ note: id, number, title, text, author, at: updated })
      .execute();
    return note;
  });
}

/** @throws Refused 404. */
export async function remove(db: Kysely<Schema>, id: string): Promise<void> {
  await get(db, id);
  await whole(db, async (trx) => {
    await trx.deleteFrom('revisions').where('note', '=', id).execute();
    await trx.deleteFrom('tags').where('note', '=', id).execute();
    await trx.deleteFrom('notes').where('id', '=', id).execute();
  });
}

/** Adds notes that aren't there, all or none. Answers how many were added. */
export function load(db: Kysely<Schema>, records: readonly NoteRecord[]): Promise<number> {
  return whole(db, async (trx) => {
    let added = 0;
    for (const record of records) if (await insert(trx, record)) added++;
    return added;
  });
}

/** Adds one note with its trail, if its id isn't there. */
async function insert(trx: Transaction<Schema>, record: NoteRecord): Promise<boolean> {
  const { trail: revisions, tags: _, ...row } = record;
  const { numInsertedOrUpdatedRows = 0n } = await trx
    .insertInto('notes')
    .values({ ...row, words: searched(record) })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .executeTakeFirst();
  if (numInsertedOrUpdatedRows === 0n) return false;
  await insertTags(trx, record);
  for (const one of revisions)
    await trx
      .insertInto('revisions')
      .values({ note: row.id, ...one })
      .execute();
  return true;
}

async function insertTags(
  trx: Transaction<Schema>,
  { id, tags }: Pick<Note, 'id' | 'tags'>,
): Promise<void> {
  if (tags.length > 0)
    await trx
      .insertInto('tags')
      .values(tags.map((tag) => ({ note: id, tag })))
      .execute();
}

/** All notes with their trails, in the order of their ids, as lines of JSON. */
export async function* lines(db: Kysely<Schema>): AsyncGenerator<string> {
  for (let last = ''; ; ) {
    const rows = await db
      .selectFrom('notes')
      .select(COLUMNS)
      .where('id', '>', last)
      .orderBy('id')
      .limit(PART)
      .execute();
    for (const note of await withTags(db, rows)) {
      const states = await trail(db, note.id);
      yield `${JSON.stringify({ ...note, trail: states.toReversed() })}\n`;
    }
    if (rows.length < PART) return;
    last = rows.at(-1)?.id ?? '';
  }
}

/** How many there are. */
export async function count(db: Kysely<Schema>): Promise<{ notes: number; revisions: number }> {
  const rows = (table: 'notes' | 'revisions') =>
    db
      .selectFrom(table)
      .select((of) => of.fn.countAll<number>().as('rows'))
      .executeTakeFirstOrThrow();
  const [notes, revisions] = [await rows('notes'), await rows('revisions')];
  return { notes: Number(notes.rows), revisions: Number(revisions.rows) };
}
