/** The databases that the same plugin has to work with. */
import type { SqlOptions } from '@plinth/sql/host';
import { afterAll } from 'vitest';
import { hasPostgres, type Postgres, startPostgres } from '../support/postgres.ts';
import { folder } from './databases.ts';

/** One kind of database. */
export interface Kind {
  readonly title: 'SQLite' | 'PostgreSQL';
  /** The type of a column of bytes. */
  readonly bytes: string;
  /** Options for a place that nothing else uses. */
  place(): Promise<Partial<SqlOptions>>;
}

let server: Promise<Postgres> | undefined;

/** The server of the test file, started when the first test needs it. */
export function postgres(): Promise<Postgres> {
  server ??= startPostgres();
  return server;
}

/** Stops the server after the file's tests. */
export function stopPostgresAfterAll(): void {
  afterAll(async () => {
    await (await server)?.stop();
    server = undefined;
  });
}

const sqlite: Kind = {
  title: 'SQLite',
  bytes: 'blob',
  place: async () => ({ directory: await folder() }),
};

const postgresKind: Kind = {
  title: 'PostgreSQL',
  bytes: 'bytea',
  place: async () => ({ postgres: await (await postgres()).database() }),
};

/** Those that this machine has. */
export const KINDS: readonly Kind[] = hasPostgres ? [sqlite, postgresKind] : [sqlite];
