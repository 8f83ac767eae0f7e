/** What `sql()` does in each tenant, with whatever keeps the databases. */
import type { Backend } from '../backend/backend.js';
import { Sql } from '../contract.js';
import type { Settings } from './options.js';
import type { SqlApi } from './sql-api.js';
import type { SqlPort } from './statics.js';
import { TenantDatabases } from './tenant-databases.js';

/** The parts of the extension. @param openBackend is called once, at the first use of a database. */
export function databasesOf(
  settings: Settings,
  openBackend: (settings: Settings) => Promise<Backend>,
): { close(): Promise<void>; install(port: SqlPort): SqlApi } {
  let backend: Promise<Backend> | undefined;
  const open = (): Promise<Backend> => {
    backend ??= openBackend(settings);
    return backend;
  };
  return {
    async close() {
      await (await backend)?.close();
    },
    install(port) {
      const databases = new TenantDatabases(port, settings, open);
      port.provide(Sql, {
        query: (input: unknown, call) => databases.query(input, call),
        next: (input: unknown, call) => databases.next(input, call),
        begin: (input: unknown, call) => databases.begin(input, call),
        end: (input: unknown, call) => databases.end(input, call),
        dialect: () => databases.dialect(),
      });
      return databases.api;
    },
  };
}
