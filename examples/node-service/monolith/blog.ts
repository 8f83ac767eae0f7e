/** The blog in the old program. */
import type { DatabaseSync } from 'node:sqlite';
import { feedOf } from '../plugins/blog/src/feed.ts';
import {
  formPage,
  listPage,
  moderationPage,
  postPage,
  thanksPage,
} from '../plugins/blog/src/pages.ts';
import {
  type Comment,
  CommentInput,
  freeSlug,
  MOST_WAITING,
  newId,
  type Post,
  PostInput,
  type PostRecord,
  PublishInput,
} from '../plugins/blog/src/post.ts';
import { check, form, json, Refused, signedIn } from '../shared/input.ts';
import { seeOther } from '../shared/page.ts';
import type { Handler } from './router.ts';

/** What it makes in an empty database. */
export const POST_TABLES = `
create table if not exists posts (
  slug text primary key, title text not null, text text not null, author text not null,
  status text not null, published text, created text not null, updated text not null
);
create table if not exists comments (
  id text primary key, slug text not null, name text not null, text text not null,
  status text not null, at text not null
);`;

const MOST = 50;
const MOST_COMMENTS = 500;

/** Posts and comments in the database of the old program. */
export class PostTables {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  #posts(rest: string, ...values: readonly (string | null)[]): Post[] {
    return this.#db.prepare(`select * from posts ${rest}`).all(...values) as unknown as Post[];
  }

  #comments(rest: string, ...values: readonly string[]): Comment[] {
    const sql = `select * from comments ${rest} order by at, id limit ${MOST_COMMENTS}`;
    return this.#db.prepare(sql).all(...values) as unknown as Comment[];
  }

  /** Published posts, the latest first; for editors all, with drafts before them. */
  list(all: boolean): Post[] {
    const published = this.#posts(
      `where status = 'published' order by published desc, slug limit ${MOST}`,
    );
    if (!all) return published;
    const others = `where status <> 'published' order by updated desc, slug limit ${MOST}`;
    return [...this.#posts(others), ...published];
  }

  /** @throws Refused 404. */
  get(slug: string, all: boolean): Post {
    const [post] = this.#posts('where slug = ?', slug);
    if (post === undefined || !(all || post.status === 'published'))
      throw new Refused(404, 'There is no such post');
    return post;
  }

  add({ title, text }: PostInput, author: string): Post {
    const slugs = this.#db.prepare('select slug from posts').all();
    const slug = freeSlug(title, new Set(slugs.map((one) => String(one['slug']))));
    const now = new Date().toISOString();
    this.#db
      .prepare("insert into posts values (?, ?, ?, ?, 'draft', null, ?, ?)")
      .run(slug, title, text, author, now, now);
    return this.get(slug, true);
  }

  /** @throws Refused 404. */
  change(slug: string, { title, text }: PostInput): Post {
    this.#db
      .prepare('update posts set title = ?, text = ?, updated = ? where slug = ?')
      .run(title, text, new Date().toISOString(), slug);
    return this.get(slug, true);
  }

  /** @throws Refused 404. */
  publish(slug: string, at: string | undefined): Post {
    const now = new Date().toISOString();
    const later = at !== undefined && at > now;
    this.#db
      .prepare('update posts set status = ?, published = ?, updated = ? where slug = ?')
      .run(later ? 'scheduled' : 'published', later ? at : now, now, slug);
    return this.get(slug, true);
  }

  publishDue(): void {
    this.#db
      .prepare(
        "update posts set status = 'published' where status = 'scheduled' and published <= ?",
      )
      .run(new Date().toISOString());
  }

  /** @throws Refused 404. */
  remove(slug: string): void {
    this.get(slug, true);
    this.#db.prepare('delete from comments where slug = ?').run(slug);
    this.#db.prepare('delete from posts where slug = ?').run(slug);
  }

  shown(slug: string): Comment[] {
    return this.#comments("where slug = ? and status = 'approved'", slug);
  }

  waiting(): Comment[] {
    return this.#comments("where status = 'waiting'");
  }

  /** @throws Refused 404, 429. */
  comment(slug: string, { name, text }: CommentInput): Comment {
    this.get(slug, false);
    const waits = this.#comments("where slug = ? and status = 'waiting'", slug);
    if (waits.length >= MOST_WAITING) throw new Refused(429, 'Too many comments wait for approval');
    const id = newId();
    this.#db
      .prepare("insert into comments values (?, ?, ?, ?, 'waiting', ?)")
      .run(id, slug, name, text, new Date().toISOString());
    return this.#one(id);
  }

  /** @throws Refused 404. */
  approve(id: string): Comment {
    this.#db.prepare("update comments set status = 'approved' where id = ?").run(id);
    return this.#one(id);
  }

  /** @throws Refused 404. */
  removeComment(id: string): void {
    this.#one(id);
    this.#db.prepare('delete from comments where id = ?').run(id);
  }

  #one(id: string): Comment {
    const [found] = this.#comments('where id = ?', id);
    if (found === undefined) throw new Refused(404, 'There is no such comment');
    return found;
  }

  /** All posts with their comments. */
  all(): PostRecord[] {
    const comments = this.#db.prepare('select * from comments order by at, id').all();
    return this.#posts('order by slug').map((post) => ({
      ...post,
      comments: (comments as unknown as Comment[]).filter(({ slug }) => slug === post.slug),
    }));
  }
}

/** The routes of the blog. */
export function blogRoutes(posts: PostTables, address: string): Record<string, Handler> {
  const add = (sent: unknown, user: string) => posts.add(check(PostInput, sent), user);
  const change = (slug: string, sent: unknown) => posts.change(slug, check(PostInput, sent));
  const publish = (slug: string, sent: unknown) =>
    posts.publish(slug, check(PublishInput, sent).at);
  const comment = (slug: string, sent: unknown) => posts.comment(slug, check(CommentInput, sent));

  return {
    'GET /blog/': ({ user }) => listPage('Blog', posts.list(user !== undefined), user),
    'GET /blog/feed.atom': () => feedOf('Blog', address, posts.list(false)),
    'GET /blog/new'({ user }) {
      signedIn(user);
      return formPage();
    },
    'POST /blog/': ({ body, user }) => seeOther(add(form(body), signedIn(user)).slug),
    'GET /blog/:slug'({ params: { slug = '' }, user }) {
      const post = posts.get(slug, user !== undefined);
      return postPage(post, posts.shown(slug), user);
    },
    'GET /blog/:slug/edit'({ params: { slug = '' }, user }) {
      signedIn(user);
      return formPage(posts.get(slug, true));
    },
    'POST /blog/:slug'({ params: { slug = '' }, body, user }) {
      signedIn(user);
      return seeOther(change(slug, form(body)).slug);
    },
    'POST /blog/:slug/publish'({ params: { slug = '' }, body, user }) {
      signedIn(user);
      const { at } = form(body);
      publish(slug, at ? { at } : {});
      return seeOther(`../${slug}`);
    },
    'POST /blog/:slug/delete'({ params: { slug = '' }, user }) {
      signedIn(user);
      posts.remove(slug);
      return seeOther('../');
    },
    'POST /blog/:slug/comments': ({ params: { slug = '' }, body }) =>
      thanksPage(comment(slug, form(body))),
    'GET /blog/comments'({ user }) {
      signedIn(user);
      return moderationPage(posts.waiting());
    },
    'POST /blog/comments/:id'({ params: { id = '' }, body, user }) {
      signedIn(user);
      if (form(body)['do'] === 'approve') posts.approve(id);
      else posts.removeComment(id);
      return seeOther('../comments');
    },

    'GET /blog/api/posts': ({ user }) => ({ json: posts.list(user !== undefined) }),
    'POST /blog/api/posts': ({ body, user }) => ({
      status: 201,
      json: add(json(body), signedIn(user)),
    }),
    'GET /blog/api/posts/:slug': ({ params: { slug = '' }, user }) => ({
      json: posts.get(slug, user !== undefined),
    }),
    'PUT /blog/api/posts/:slug'({ params: { slug = '' }, body, user }) {
      signedIn(user);
      return { json: change(slug, json(body)) };
    },
    'DELETE /blog/api/posts/:slug'({ params: { slug = '' }, user }) {
      signedIn(user);
      posts.remove(slug);
      return { status: 204 };
    },
    'POST /blog/api/posts/:slug/publish'({ params: { slug = '' }, body, user }) {
      signedIn(user);
      return { json: publish(slug, json(body)) };
    },
    'GET /blog/api/posts/:slug/comments': ({ params: { slug = '' }, user }) => ({
      json: posts.shown(posts.get(slug, user !== undefined).slug),
    }),
    'POST /blog/api/posts/:slug/comments': ({ params: { slug = '' }, body }) => ({
      status: 201,
      json: comment(slug, json(body)),
    }),
    'GET /blog/api/comments'({ user }) {
      signedIn(user);
      return { json: posts.waiting() };
    },
    'POST /blog/api/comments/:id/approve'({ params: { id = '' }, user }) {
      signedIn(user);
      return { json: posts.approve(id) };
    },
    'DELETE /blog/api/comments/:id'({ params: { id = '' }, user }) {
      signedIn(user);
      posts.removeComment(id);
      return { status: 204 };
    },
  };
}
