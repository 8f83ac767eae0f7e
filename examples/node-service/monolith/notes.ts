/** PaperTrail in the old program. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import * as v from 'valibot';
import {
  fromForm,
  type Note,
  NoteInput,
  NoteQuery,
  NoteRecord,
  newId,
  patterns,
  type Revision,
  searched,
} from '../plugins/notes/src/note.ts';
import {
  formPage,
  listPage,
  notePage,
  revisionPage,
  sharedPage,
} from '../plugins/notes/src/pages.ts';
import { check, form, json, jsonLines, Refused, signedIn } from '../shared/input.ts';
import { seeOther } from '../shared/page.ts';
import type { Handler } from './router.ts';

/** What it makes in an empty database. */
export const NOTE_TABLES = `
create table if not exists notes (
  id text primary key, title text not null, text text not null, words text not null,
  author text not null, created text not null, updated text not null, revision integer not null
);
create table if not exists tags (note text not null, tag text not null, primary key (note, tag));
create table if not exists revisions (
  note text not null, number integer not null, title text not null, text text not null,
  author text not null, at text not null, primary key (note, number)
);`;

const MOST = 100;

/** Notes in the database of the old program. */
export class NoteTables {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  find(words: string, tag: string | undefined): Note[] {
    const likes = patterns(words);
    const where = [
      ...likes.map(() => "words like ? escape '\\'"),
      ...(tag === undefined ? [] : ['id in (select note from tags where tag = ?)']),
    ];
    const sql = `select * from notes ${where.length > 0 ? `where ${where.join(' and ')}` : ''}
      order by updated desc, id limit ${MOST}`;
    return this.#notes(sql, ...likes, ...(tag === undefined ? [] : [tag]));
  }

  /** @throws Refused 404. */
  get(id: string): Note {
    const [note] = this.#notes('select * from notes where id = ?', id);
    if (note === undefined) throw new Refused(404, 'There is no such note');
    return note;
  }

  #notes(sql: string, ...values: readonly string[]): Note[] {
    const tags = this.#db.prepare('select tag from tags where note = ? order by tag');
    const rows = this.#db.prepare(sql).all(...values) as unknown as (Note & { words: string })[];
    return rows.map(({ words: _, ...row }) => ({
      ...row,
      tags: tags.all(row.id).map(({ tag }) => String(tag)),
    }));
  }

  /** The latest first. */
  trail(id: string): Revision[] {
    const sql = `select number, title, text, author, at from revisions where note = ?
      order by number desc`;
    return this.#db.prepare(sql).all(id) as unknown as Revision[];
  }

  add({ title, text, tags }: NoteInput, author: string): Note {
    const now = new Date().toISOString();
    const note = {
      id: newId(),
      title,
      text,
      tags,
      author,
      created: now,
      updated: now,
      revision: 1,
    };
    this.#save(note);
    return note;
  }

  /** @throws Refused 404, 409. */
  change(id: string, { title, text, tags, revision }: NoteInput, author: string): Note {
    const before = this.get(id);
    if (revision !== undefined && revision !== before.revision)
      throw new Refused(409, 'The note was saved meanwhile: load it again');
    const updated = new Date().toISOString();
    const note = { ...before, title, text, tags, author, updated, revision: before.revision + 1 };
    this.#save(note);
    return note;
  }

  #save(note: Note, trail?: readonly Revision[]): void {
    const { id, title, text, author, created, updated: at, revision: number } = note;
    const states = trail ?? [{ number, title, text, author, at }];
    const put = 'insert or replace into notes values (?, ?, ?, ?, ?, ?, ?, ?)';
    const values = [id, title, text, searched(note), author, created, at, number];
    this.#whole(() => {
      this.#db.prepare(put).run(...values);
      this.#db.prepare('delete from tags where note = ?').run(id);
      for (const tag of note.tags) this.#db.prepare('insert into tags values (?, ?)').run(id, tag);
      for (const one of states)
        this.#db
          .prepare('insert into revisions values (?, ?, ?, ?, ?, ?)')
          .run(id, one.number, one.title, one.text, one.author, one.at);
    });
  }

  /** @throws Refused 404. */
  remove(id: string): void {
    this.get(id);
    this.#whole(() => {
      this.#db.prepare('delete from revisions where note = ?').run(id);
      this.#db.prepare('delete from tags where note = ?').run(id);
      this.#db.prepare('delete from notes where id = ?').run(id);
    });
  }

  /** Adds those that aren't there. */
  load(records: readonly NoteRecord[]): number {
    const known = this.#db.prepare('select 1 from notes where id = ?');
    const added = records.filter(({ id }) => known.get(id) === undefined);
    for (const { trail, ...note } of added) this.#save(note, trail);
    return added.length;
  }

  /** All notes with their trails, in the order of their ids. */
  all(): NoteRecord[] {
    return this.#notes('select * from notes order by id').map((note) => ({
      ...note,
      trail: this.trail(note.id).toReversed(),
    }));
  }

  #whole(work: () => void): void {
    this.#db.exec('begin immediate');
    try {
      work();
      this.#db.exec('commit');
    } catch (error) {
      this.#db.exec('rollback');
      throw error;
    }
  }
}

/** What the routes of notes need. */
export interface NoteParts {
  readonly notes: NoteTables;
  readonly key: string;
  draft(input: { title: string; text: string }, author: string): { readonly slug: string };
}

/** The routes of notes. */
export function noteRoutes({ notes, key, draft }: NoteParts): Record<string, Handler> {
  const signature = (id: string) => createHmac('sha256', key).update(id).digest('hex');
  const isSigned = (id: string, given: string) =>
    given.length === 64 && timingSafeEqual(Buffer.from(given), Buffer.from(signature(id)));
  const add = (sent: unknown, user: string) => notes.add(check(NoteInput, sent), user);
  const change = (id: string, sent: unknown, user: string) =>
    notes.change(id, check(NoteInput, sent), user);

  return {
    'GET /notes/'({ query, user }) {
      signedIn(user);
      const { q, tag } = check(NoteQuery, query);
      return listPage('PaperTrail', notes.find(q, tag), q);
    },
    'GET /notes/new'({ user }) {
      signedIn(user);
      return formPage();
    },
    'POST /notes/': ({ body, user }) => seeOther(add(fromForm(form(body)), signedIn(user)).id),
    'GET /notes/:id'({ params: { id = '' }, user }) {
      signedIn(user);
      const note = notes.get(id);
      return notePage(note, notes.trail(id), `shared/${id}?key=${signature(id)}`);
    },
    'GET /notes/:id/edit'({ params: { id = '' }, user }) {
      signedIn(user);
      return formPage(notes.get(id));
    },
    'POST /notes/:id': ({ params: { id = '' }, body, user }) =>
      seeOther(change(id, fromForm(form(body)), signedIn(user)).id),
    'POST /notes/:id/delete'({ params: { id = '' }, user }) {
      signedIn(user);
      notes.remove(id);
      return seeOther('../');
    },
    'POST /notes/:id/publish'({ params: { id = '' }, user }) {
      const author = signedIn(user);
      const { title, text } = notes.get(id);
      return seeOther(`/blog/${draft({ title, text }, author).slug}/edit`);
    },
    'GET /notes/:id/trail/:number'({ params: { id = '', number = '' }, user }) {
      signedIn(user);
      const found = notes.trail(id).find((one) => String(one.number) === number);
      if (found === undefined) throw new Refused(404, 'There is no such revision');
      return revisionPage(found);
    },
    'GET /notes/shared/:id'({ params: { id = '' }, query }) {
      if (!isSigned(id, query['key'] ?? '')) throw new Refused(404, 'There is no such note');
      return sharedPage(notes.get(id));
    },

    'GET /notes/api/notes'({ query, user }) {
      signedIn(user);
      const { q, tag } = check(NoteQuery, query);
      return { json: notes.find(q, tag) };
    },
    'POST /notes/api/notes': ({ body, user }) => ({
      status: 201,
      json: add(json(body), signedIn(user)),
    }),
    'GET /notes/api/notes/:id'({ params: { id = '' }, user }) {
      signedIn(user);
      return { json: notes.get(id) };
    },
    'PUT /notes/api/notes/:id': ({ params: { id = '' }, body, user }) => ({
      json: change(id, json(body), signedIn(user)),
    }),
    'DELETE /notes/api/notes/:id'({ params: { id = '' }, user }) {
      signedIn(user);
      notes.remove(id);
      return { status: 204 };
    },
    'GET /notes/api/notes/:id/trail'({ params: { id = '' }, user }) {
      signedIn(user);
      return { json: notes.trail(notes.get(id).id) };
    },
    'GET /notes/api/export'({ user }) {
      signedIn(user);
      const lines = notes.all().map((note) => `${JSON.stringify(note)}\n`);
      return { headers: { 'content-type': 'application/x-ndjson' }, body: lines.join('') };
    },
    'POST /notes/api/import'({ body, user }) {
      signedIn(user);
      const records = check(v.pipe(v.array(NoteRecord), v.maxLength(500)), jsonLines(body));
      return { json: { added: notes.load(records) } };
    },
  };
}
