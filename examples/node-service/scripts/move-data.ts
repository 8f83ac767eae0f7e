/**
 * Moves the data of the old program into the plugins of a tenant: `npm run move old.sqlite acme`.
 * Neither the old program nor the service runs meanwhile. The old database is only read. A move that
 * was interrupted is started again, and goes on: what is there already stays as it is.
 */
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { openTables } from '../monolith/monolith.ts';
import { Blog } from '../plugins/blog/src/contract.ts';
import { Notes } from '../plugins/notes/src/contract.ts';
import { openKernel } from '../src/kernel.ts';
import { readSettings, type Settings } from '../src/settings.ts';

/** Notes and posts that a call takes. */
const PART = 50;

/** What is there after a move. */
export interface Moved {
  readonly notes: number;
  readonly revisions: number;
  readonly posts: number;
  readonly comments: number;
}

/**
 * Moves everything, and counts it on both sides.
 *
 * @throws Error when the tenant isn't there, or has less afterwards than the old database.
 */
export async function moveData(file: string, tenant: string, settings: Settings): Promise<Moved> {
  if (!existsSync(file)) throw new Error(`there is no ${file}`);
  if (!settings.tenants.has(tenant)) throw new Error(`there is no tenant '${tenant}'`);
  const old = new DatabaseSync(file, { readOnly: true });
  try {
    const { notes, posts } = openTables(old);
    const [allNotes, allPosts] = [notes.all(), posts.all()];
    const kernel = await openKernel(settings);
    try {
      const of = kernel.tenant(tenant);
      const [toNotes, toBlog] = [of.client(Notes), of.client(Blog)];
      for (const part of parts(allNotes)) await toNotes.load(part);
      for (const part of parts(allPosts)) await toBlog.load(part);
      const there = { ...(await toNotes.count()), ...(await toBlog.count()) };
      const expected = {
        notes: allNotes.length,
        revisions: sum(allNotes.map(({ trail }) => trail.length)),
        posts: allPosts.length,
        comments: sum(allPosts.map(({ comments }) => comments.length)),
      };
      for (const [what, count] of Object.entries(expected) as [keyof Moved, number][])
        if (there[what] < count)
          throw new Error(`only ${there[what]} of ${count} ${what} have been moved`);
      return there;
    } finally {
      await kernel.stop();
    }
  } finally {
    old.close();
  }
}

const sum = (numbers: readonly number[]) => numbers.reduce((one, other) => one + other, 0);

function* parts<T>(all: readonly T[]): Generator<T[]> {
  for (let at = 0; at < all.length; at += PART) yield all.slice(at, at + PART);
}

if (import.meta.main) {
  const [file, tenant] = process.argv.slice(2);
  if (file === undefined || tenant === undefined) {
    console.error('npm run move <old database> <tenant>');
    process.exitCode = 2;
  } else console.log(await moveData(file, tenant, readSettings(process.env)));
}
