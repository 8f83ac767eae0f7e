/** Jobs of several processes over a database of PostgreSQL. */
import { afterAll, beforeAll, describe } from 'vitest';
import { hasPostgres, type Postgres, startPostgres } from '../support/postgres.ts';
import { clusterSuite } from './cluster-suite.ts';

describe.skipIf(!hasPostgres)('with a server', () => {
  let server: Postgres;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.stop());
  clusterSuite('PostgreSQL', async () => ({ postgres: await server.database() }));
});
