/** The old program: both features in one process, over one database. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { userOfHeader } from '../src/users.ts';
import { blogRoutes, POST_TABLES, PostTables } from './blog.ts';
import { NOTE_TABLES, NoteTables, noteRoutes } from './notes.ts';
import { serve } from './router.ts';

/** What the old program is set up with. */
export interface MonolithOptions {
  /** The file of the database. */
  readonly file: string;
  /** Passwords by user. */
  readonly users: ReadonlyMap<string, string>;
  /** Signs the links of notes. */
  readonly key: string;
  /** Where the blog is. */
  readonly address: string;
  readonly port?: number;
}

const MINUTE = 60_000;

/** The tables of the old program, also for what moves its data. */
export const openTables = (db: DatabaseSync) => ({
  notes: new NoteTables(db),
  posts: new PostTables(db),
});

/** Starts it. `stop` ends it, and `publishDue` is what it does each minute. */
export async function startMonolith({ file, users, key, address, port = 0 }: MonolithOptions) {
  const db = new DatabaseSync(file);
  // As the databases of plugins are: a commit is on the disk before it is acknowledged.
  db.exec('pragma journal_mode = wal; pragma synchronous = full');
  db.exec(NOTE_TABLES + POST_TABLES);
  const { notes, posts } = openTables(db);
  const server = serve(
    {
      ...noteRoutes({ notes, key, draft: (input, author) => posts.add(input, author) }),
      ...blogRoutes(posts, address),
    },
    ({ headers }) => userOfHeader(headers.authorization, users),
  );
  const timer = setInterval(() => posts.publishDue(), MINUTE);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    publishDue: () => posts.publishDue(),
    async stop() {
      clearInterval(timer);
      server.close();
      server.closeIdleConnections();
      await once(server, 'close');
      db.close();
    },
  };
}
