/** What a note is, and what one is made of. The old program and the plugin share it. */
import * as v from 'valibot';
import { instant, text, words } from '../../../shared/input.ts';

const title = words(200);
const content = text(50_000);
const tag = v.pipe(
  v.string(),
  v.toLowerCase(),
  v.regex(/^[\p{L}\p{N}_-]{1,40}$/u, 'A tag is a word'),
);
const tags = v.pipe(
  v.array(tag),
  v.transform((all) => [...new Set(all)].sort()),
  v.maxLength(20),
);
const number = v.pipe(v.number(), v.integer(), v.minValue(1));
const id = v.pipe(v.string(), v.regex(/^[0-9a-f]{12}$/, 'An id has 12 hex digits'));
const author = words(100);

/** What is sent to make or change one. `revision` is the one that was edited. */
export const NoteInput = v.object({
  title,
  text: content,
  tags: v.optional(tags, []),
  revision: v.optional(number),
});
export type NoteInput = v.InferOutput<typeof NoteInput>;

/** A note. */
export const Note = v.object({
  id,
  title,
  text: content,
  tags,
  author,
  created: instant,
  updated: instant,
  revision: number,
});
export type Note = v.InferOutput<typeof Note>;

/** What is searched for. */
export const NoteQuery = v.object({
  q: v.optional(text(1_000), ''),
  tag: v.optional(text(40)),
});

/** One saved state of a note. */
export const Revision = v.object({ number, title, text: content, author, at: instant });
export type Revision = v.InferOutput<typeof Revision>;

/** A note with its trail: what is exported, imported and moved. */
export const NoteRecord = v.pipe(
  v.object({ ...Note.entries, trail: v.array(Revision) }),
  v.check(({ revision, trail }) => {
    const rises = trail.every(({ number }, at) => number > (trail[at - 1]?.number ?? 0));
    return rises && trail.at(-1)?.number === revision;
  }, 'The trail of a note rises to its revision'),
);
export type NoteRecord = v.InferOutput<typeof NoteRecord>;

/** What a form sends: tags are words with commas or blanks between them. */
export const fromForm = (sent: Readonly<Record<string, string>>) => ({
  title: sent['title'],
  text: sent['text'],
  tags: (sent['tags'] ?? '').split(/[\s,]+/).filter((one) => one !== ''),
  ...(sent['revision'] !== undefined && { revision: Number(sent['revision']) }),
});

/** A new id. */
export const newId = (): string => crypto.randomUUID().replaceAll('-', '').slice(0, 12);

/** What the search looks through. */
export const searched = ({ title, text, tags }: Pick<Note, 'title' | 'text' | 'tags'>): string =>
  [title, text, ...tags].join(' ').toLowerCase();

/** The patterns for `like … escape '\'` of what is searched for: each word has to be there. */
export const patterns = (words: string): string[] =>
  words
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
    .slice(0, 10)
    .map((word) => `%${word.replaceAll(/[\\%_]/g, '\\$&')}%`);
