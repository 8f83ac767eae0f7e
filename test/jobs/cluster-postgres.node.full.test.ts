/** Jobs of several processes over a database of PostgreSQL. */
import { afterAll, beforeAll, describe } from 'vitest';
import { hasPostgres, type Postgres, startPostgres } from '../support/postgres.ts';
import { clusterSuite } from './cluster-suite.ts';

describe.skipIf(!hasPostgres)('with a server', () => {
  let server: Postgres;
  let postgres: string;
  let places = 0;
  beforeAll(async () => {
    server = await startPostgres();
    postgres = await server.database();
  });
  afterAll(() => server?.stop());
  clusterSuite('PostgreSQL', async () => {
    places += 1;
    return { postgres, schema: `place_${places}` };
  });
});
