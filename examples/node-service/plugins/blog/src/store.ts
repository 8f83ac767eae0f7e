/** Posts and comments in the plugin's database. */
import type { Kysely, Transaction } from '@plinth/sql';
import { Refused } from '../../../shared/input.ts';
import { whole } from '../../../shared/transaction.ts';
import {
  type Comment,
  type CommentInput,
  freeSlug,
  MOST_WAITING,
  newId,
  type Post,
  type PostInput,
  type PostRecord,
  slugOf,
} from './post.ts';

/** The tables, as the migrations leave them. */
export interface Schema {
  posts: Post;
  comments: Comment;
}

type Database = Kysely<Schema> | Transaction<Schema>;

/** Published posts, the latest first; for editors all, with drafts before them. */
export async function list(db: Database, most: number, all = false): Promise<Post[]> {
  const published = await db
    .selectFrom('posts')
    .selectAll()
    .where('status', '=', 'published')
    .orderBy('published', 'desc')
    .orderBy('slug')
    .limit(most)
    .execute();
  if (!all) return published;
  const others = await db
    .selectFrom('posts')
    .selectAll()
    .where('status', '<>', 'published')
    .orderBy('updated', 'desc')
    .orderBy('slug')
    .limit(most)
    .execute();
  return [...others, ...published];
}

/** @param all whether it may be one that isn't published. @throws Refused 404. */
export async function get(db: Database, slug: string, all: boolean): Promise<Post> {
  const post = await db.selectFrom('posts').selectAll().where('slug', '=', slug).executeTakeFirst();
  if (post === undefined || !(all || post.status === 'published'))
    throw new Refused(404, 'There is no such post');
  return post;
}

/** Adds a draft. */
export function add(db: Kysely<Schema>, input: PostInput, author: string): Promise<Post> {
  return whole(db, async (trx) => {
    const slugs = await trx
      .selectFrom('posts')
      .select('slug')
      .where('slug', 'like', `${slugOf(input.title)}%`)
      .execute();
    const slug = freeSlug(input.title, new Set(slugs.map((one) => one.slug)));
    const now = new Date().toISOString();
    const { title, text } = input;
    const post = { slug, title, text, author, created: now, updated: now };
    return trx
      .insertInto('posts')
      .values({ ...post, status: 'draft', published: null })
      .returningAll()
      .executeTakeFirstOrThrow();
  });
}

/** Changes title and text. Its address stays. @throws Refused 404. */
export async function change(
  db: Database,
  slug: string,
  { title, text }: PostInput,
): Promise<Post> {
  return changed(db, slug, { title, text });
}

/** Publishes a post, at a time that is to come or now. @throws Refused 404. */
export function publish(db: Database, slug: string, at: string | undefined): Promise<Post> {
  const now = new Date().toISOString();
  const later = at !== undefined && at > now;
  return changed(db, slug, {
    status: later ? 'scheduled' : 'published',
    published: later ? at : now,
  });
}

async function changed(db: Database, slug: string, values: Partial<Post>): Promise<Post> {
  const post = await db
    .updateTable('posts')
    .set({ ...values, updated: new Date().toISOString() })
    .where('slug', '=', slug)
    .returningAll()
    .executeTakeFirst();
  if (post === undefined) throw new Refused(404, 'There is no such post');
  return post;
}

/** Publishes what is due, and answers it. */
export const publishDue = (db: Database): Promise<Post[]> =>
  db
    .updateTable('posts')
    .set({ status: 'published' })
    .where('status', '=', 'scheduled')
    .where('published', '<=', new Date().toISOString())
    .returningAll()
    .execute();

/** Deletes a post with its comments. @throws Refused 404. */
export async function remove(db: Kysely<Schema>, slug: string): Promise<void> {
  await whole(db, async (trx) => {
    await get(trx, slug, true);
    await trx.deleteFrom('comments').where('slug', '=', slug).execute();
    await trx.deleteFrom('posts').where('slug', '=', slug).execute();
  });
}

/** Comments of a post that are shown, in their order. */
export const shown = (db: Database, slug: string): Promise<Comment[]> =>
  db
    .selectFrom('comments')
    .selectAll()
    .where('slug', '=', slug)
    .where('status', '=', 'approved')
    .orderBy('at')
    .orderBy('id')
    .limit(500)
    .execute();

/** Comments that wait, in their order. */
export const waiting = (db: Database): Promise<Comment[]> =>
  db
    .selectFrom('comments')
    .selectAll()
    .where('status', '=', 'waiting')
    .orderBy('at')
    .orderBy('id')
    .limit(500)
    .execute();

/** @throws Refused 404; 429 when as many wait as may. */
export function comment(
  db: Kysely<Schema>,
  slug: string,
  input: CommentInput,
  status: Comment['status'],
): Promise<Comment> {
  return whole(db, async (trx) => {
    await get(trx, slug, false);
    const { rows } = await trx
      .selectFrom('comments')
      .select((of) => of.fn.countAll<number>().as('rows'))
      .where('slug', '=', slug)
      .where('status', '=', 'waiting')
      .executeTakeFirstOrThrow();
    if (Number(rows) >= MOST_WAITING) throw new Refused(429, 'Too many comments wait for approval');
    const { name, text } = input;
    const at = new Date().toISOString();
    return trx
      .insertInto('comments')
      .values({ id: newId(), slug, name, text, status, at })
      .returningAll()
      .executeTakeFirstOrThrow();
  });
}

/** @throws Refused 404. */
export async function approve(db: Database, id: string): Promise<Comment> {
  const found = await db
    .updateTable('comments')
    .set({ status: 'approved' })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst();
  if (found === undefined) throw new Refused(404, 'There is no such comment');
  return found;
}

/** @throws Refused 404. */
export async function removeComment(db: Database, id: string): Promise<void> {
  const { numDeletedRows } = await db
    .deleteFrom('comments')
    .where('id', '=', id)
    .executeTakeFirst();
  if (numDeletedRows === 0n) throw new Refused(404, 'There is no such comment');
}

/** Adds posts that aren't there, with their comments, all or none. Answers how many were added. */
export function load(db: Kysely<Schema>, records: readonly PostRecord[]): Promise<number> {
  return whole(db, async (trx) => {
    let added = 0;
    for (const { comments, ...post } of records) {
      const { numInsertedOrUpdatedRows = 0n } = await trx
        .insertInto('posts')
        .values(post)
        .onConflict((conflict) => conflict.column('slug').doNothing())
        .executeTakeFirst();
      if (numInsertedOrUpdatedRows === 0n) continue;
      added++;
      for (const one of comments)
        await trx
          .insertInto('comments')
          .values({ ...one, slug: post.slug })
          .execute();
    }
    return added;
  });
}

/** How many there are. */
export async function count(db: Database): Promise<{ posts: number; comments: number }> {
  const rows = (table: 'posts' | 'comments') =>
    db
      .selectFrom(table)
      .select((of) => of.fn.countAll<number>().as('rows'))
      .executeTakeFirstOrThrow();
  const [posts, comments] = [await rows('posts'), await rows('comments')];
  return { posts: Number(posts.rows), comments: Number(comments.rows) };
}
