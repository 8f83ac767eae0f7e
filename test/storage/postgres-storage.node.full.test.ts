/** `sqlStorage({ postgres })`: the suites, and what a server may do. */
import { type SqlPlace, sqlStorage } from '@plinth/sql/storage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rejection } from '../support/kernels.ts';
import { hasPostgres, type Postgres, startPostgres } from '../support/postgres.ts';
import { sqlRegistrySuite } from './sql-registry-suite.ts';
import { type Database, opened, sqlStorageSuite } from './sql-storage-suite.ts';

type Place = Extract<SqlPlace, { readonly postgres: string }>;

describe.skipIf(!hasPostgres)('with a server', () => {
  let server: Postgres;
  let postgres: string;
  let places = 0;
  beforeAll(async () => {
    server = await startPostgres();
    postgres = await server.database();
  });
  afterAll(() => server?.stop());
  /** A schema of its own: a database of its own takes a second to make. */
  const newPlace = async (): Promise<Place> => {
    places += 1;
    return { postgres, schema: `place_${places}` };
  };

  const database: Database = {
    newPlace,
    outside: (place, sql) =>
      server.run(sql.replaceAll('@', `${(place as Place).schema}.`), [], postgres),
  };
  sqlStorageSuite('PostgreSQL', database);
  sqlRegistrySuite('PostgreSQL', database);

  describe('a database of sqlStorage()', () => {
    it('goes on after the server has crashed, with all that was acknowledged', async () => {
      const storage = opened(await newPlace());
      await storage.set('a', 1);
      const stopping = server.crash();
      // They fail or succeed; none hangs, and one that succeeds is kept.
      const writes = await Promise.allSettled(
        Array.from({ length: 20 }, (_, at) => storage.set(`key ${at}`, at)),
      );
      await stopping;
      await expect.poll(() => storage.problem(), { timeout: 20_000 }).toBeUndefined();
      expect(await storage.get('a')).toBe(1);
      for (const [at, one] of writes.entries())
        if (one.status === 'fulfilled') expect(await storage.get(`key ${at}`)).toBe(at);
        else expect(one.reason.code).toBe('storage/failed');
    });

    it('counts each change once, also when its connections are cut', async () => {
      const place = await newPlace();
      const storage = opened(place);
      await storage.set('n', 0);
      let over = false;
      const cutting = (async () => {
        while (!over)
          await server.run(
            `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'plinth'`,
          );
      })();
      let added = 0;
      let unsure = 0;
      for (let at = 0; at < 60 || added === 0; at += 1)
        await storage
          .update('n', (n) => (n as number) + 1)
          .then(
            () => (added += 1),
            () => (unsure += 1),
          );
      over = true;
      await cutting;
      const found = (await storage.get('n')) as number;
      expect(found).toBeGreaterThanOrEqual(added);
      expect(found).toBeLessThanOrEqual(added + unsure);
      expect(added).toBeGreaterThan(0);
    });

    it('is made once by storages that open at the same time', async () => {
      const place = await newPlace();
      const all = Array.from({ length: 6 }, () => opened(place));
      await Promise.all(all.map((storage, at) => storage.set(`key ${at}`, at)));
      expect(await all[0]?.keys('')).toHaveLength(6);
    });

    it('has its tables in the schema `plinth` when none is named', async () => {
      await opened({ postgres }).set('a', 1);
      const sql = 'select count(*)::int as count from plinth.plinth_storage';
      expect(await server.run(sql, [], postgres)).toEqual([{ count: 1 }]);
    });

    it('is refused to a user who may not make its schema, with the right that is missing', async () => {
      const other = await server.database();
      const { username, password } = new URL(other);
      const url = Object.assign(new URL(postgres), { username, password });
      const storage = opened({ postgres: url.href, schema: 'not_mine' });
      const error = await rejection(storage.get('a'));
      expect(error).toMatchObject({ code: 'storage/failed', details: { reason: '42501' } });
      expect(error.message).toContain('create');
      // Once its owner has made it, the rights to its tables are enough.
      await opened({ postgres, schema: 'not_mine' }).set('a', 1);
      for (const what of ['usage on schema not_mine', 'all on all tables in schema not_mine'])
        await server.run(`grant ${what} to ${username}`, [], postgres);
      expect(await storage.get('a')).toBe(1);
    });

    it('leaves no connection when it is closed', async () => {
      const place = await newPlace();
      const storage = sqlStorage(place);
      await Promise.all(Array.from({ length: 20 }, (_, at) => storage.set(`key ${at}`, at)));
      await storage.close();
      const open = () =>
        server.run(
          `select 1 from pg_stat_activity where application_name = 'plinth' and datname = $1`,
          [new URL(postgres).pathname.slice(1)],
        );
      await expect.poll(open).toEqual([]);
    });

    it.each([
      ['a wrong password', (url: URL) => Object.assign(url, { password: 'q7Zk' }), '28P01'],
      ['no such database', (url: URL) => Object.assign(url, { pathname: '/absent' }), '3D000'],
      ['no server', (url: URL) => Object.assign(url, { port: '1' }), 'ECONNREFUSED'],
    ])('is refused for %s, with the cure and without the password', async (_, change, reason) => {
      const url = change(new URL(postgres));
      const { password } = url;
      const error = await rejection(opened({ postgres: url.href }).get('a'));
      expect(error).toMatchObject({ code: 'storage/failed', details: { reason } });
      expect(error.message).not.toContain(password);
      expect(JSON.stringify(error.details)).not.toContain(password);
    });
  });
});
