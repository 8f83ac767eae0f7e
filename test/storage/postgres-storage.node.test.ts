/** `sqlStorage({ postgres })`: the suites, and what a server may do. */
import { type SqlPlace, sqlStorage } from '@plinth/sql/storage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rejection } from '../support/kernels.ts';
import { hasPostgres, type Postgres, startPostgres } from '../support/postgres.ts';
import { sqlRegistrySuite } from './sql-registry-suite.ts';
import { type Database, opened, sqlStorageSuite } from './sql-storage-suite.ts';

const urlOf = (place: SqlPlace) => (place as { readonly postgres: string }).postgres;

describe.skipIf(!hasPostgres)('with a server', () => {
  let server: Postgres;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.stop());
  const newPlace = async () => ({ postgres: await server.database() });

  const database: Database = {
    newPlace,
    outside: (place, sql) => server.run(sql.replaceAll('@', 'plinth.'), [], urlOf(place)),
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
      for (let at = 0; at < 60; at += 1)
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

    it('has its tables in the schema that is named', async () => {
      const postgres = await server.database();
      await opened({ postgres, schema: 'kernel_data' }).set('a', 1);
      const found = await server.run(
        `select table_schema from information_schema.tables where table_name = 'plinth_storage'`,
        [],
        postgres,
      );
      expect(found).toEqual([{ table_schema: 'kernel_data' }]);
    });

    it('leaves no connection when it is closed', async () => {
      const place = await newPlace();
      const storage = sqlStorage(place);
      await Promise.all(Array.from({ length: 20 }, (_, at) => storage.set(`key ${at}`, at)));
      await storage.close();
      const open = () =>
        server.run(
          `select 1 from pg_stat_activity where application_name = 'plinth' and datname = $1`,
          [new URL(urlOf(place)).pathname.slice(1)],
        );
      await expect.poll(open).toEqual([]);
    });

    it.each([
      ['a wrong password', (url: URL) => Object.assign(url, { password: 'q7Zk' }), '28P01'],
      ['no such database', (url: URL) => Object.assign(url, { pathname: '/absent' }), '3D000'],
      ['no server', (url: URL) => Object.assign(url, { port: '1' }), 'ECONNREFUSED'],
    ])('is refused for %s, with the cure and without the password', async (_, change, reason) => {
      const url = change(new URL(await server.database()));
      const { password } = url;
      const error = await rejection(opened({ postgres: url.href }).get('a'));
      expect(error).toMatchObject({ code: 'storage/failed', details: { reason } });
      expect(error.message).not.toContain(password);
      expect(JSON.stringify(error.details)).not.toContain(password);
    });
  });
});
