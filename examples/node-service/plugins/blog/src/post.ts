/** What posts and comments are, and what they are made of. The old program and the plugin share it. */
import * as v from 'valibot';
import { instant, text, words } from '../../../shared/input.ts';

const content = text(100_000);
const slug = v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9-]{0,69}$/));

export const PostInput = v.object({ title: words(200), text: content });
export type PostInput = v.InferOutput<typeof PostInput>;

export const Post = v.object({
  slug,
  title: words(200),
  text: content,
  author: words(100),
  status: v.picklist(['draft', 'scheduled', 'published']),
  /** When it was published, or will be. */
  published: v.nullable(instant),
  created: instant,
  updated: instant,
});
export type Post = v.InferOutput<typeof Post>;

export const CommentInput = v.object({ name: words(80), text: words(5_000) });
export type CommentInput = v.InferOutput<typeof CommentInput>;

export const Comment = v.object({
  id: v.pipe(v.string(), v.regex(/^[0-9a-f]{12}$/)),
  slug,
  name: words(80),
  text: words(5_000),
  status: v.picklist(['waiting', 'approved']),
  at: instant,
});
export type Comment = v.InferOutput<typeof Comment>;

/** A post with its comments: what is moved. */
export const PostRecord = v.object({ ...Post.entries, comments: v.array(Comment) });
export type PostRecord = v.InferOutput<typeof PostRecord>;

/** When to publish: at a time, in UTC when it names no zone, or now. */
export const PublishInput = v.object({
  at: v.optional(
    v.pipe(
      v.string(),
      v.transform((given) => (/T\d\d:\d\d$/.test(given) ? `${given}:00Z` : given)),
      instant,
    ),
  ),
});

/** Comments of a post that wait, before further ones are refused. */
export const MOST_WAITING = 100;

/** Names that are other pages. */
const TAKEN: ReadonlySet<string> = new Set(['new', 'api', 'comments']);

/** The address of a post, from its title. */
export function slugOf(title: string): string {
  const plain = title.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase();
  const found = plain
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 60)
    .replaceAll(/^-|-$/g, '');
  return found === '' || TAKEN.has(found) ? `post${found && `-${found}`}` : found;
}

/** The first address that is free. */
export function freeSlug(title: string, taken: ReadonlySet<string>): string {
  const slug = slugOf(title);
  for (let number = 2; ; number++) {
    const tried = number === 2 && !taken.has(slug) ? slug : `${slug}-${number}`;
    if (!taken.has(tried)) return tried;
  }
}

/** A new id. */
export const newId = (): string => crypto.randomUUID().replaceAll('-', '').slice(0, 12);
