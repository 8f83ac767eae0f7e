/**
 * `@plinth/sql/host`: a database for each plugin, in each tenant, in Node.
 *
 * @module
 */
import { defineExtension } from '@plinth/kernel/extension';
import { createError } from '@plinth/sdk/contract';
import type { Backend } from './backend/backend.js';
import { Sql } from './contract.js';
import { type Settings, type SqlOptions, settingsOf } from './host/options.js';
import type { SqlApi } from './host/sql-api.js';
import { statics } from './host/statics.js';
import { TenantDatabases } from './host/tenant-databases.js';

export type { DestructiveMigration, SqlLimits, SqlOptions } from './host/options.js';
export type { AppliedMigration, SqlApi } from './host/sql-api.js';
export type { PostgresOptions } from './postgres/options.js';

/**
 * Gives each plugin a database: SQLite, one file for each tenant and plugin, worked on by a process
 * of its own; or PostgreSQL, a role and a schema for each. It works in Node alone so far.
 *
 * @throws PluginConfigurationError `kernel/invalid-option` for options that are none, in browsers,
 * and before Node 24.15.
 * @example
 * const kernel = await createKernel({
 *   plugins: './plugins',
 *   extensions: [sql({ directory: './data/databases' })],
 * });
 */
export const sql = defineExtension(statics, (options: SqlOptions) => {
  checkRuntime();
  const settings = settingsOf(options);
  if (settings.postgres !== undefined) checkClient();
  let backend: Promise<Backend> | undefined;
  const open = (): Promise<Backend> => {
    backend ??= openBackend(settings);
    return backend;
  };
  return {
    async close() {
      await (await backend)?.close();
    },
    install(port): SqlApi {
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
});

async function openBackend({ directory, postgres, limits }: Settings): Promise<Backend> {
  if (postgres !== undefined) {
    const { databasesOf } = await import('./postgres/backend.js');
    return databasesOf(postgres, limits);
  }
  const { filesIn } = await import('./node/backend.js');
  return filesIn(directory ?? '', limits);
}

/** @throws PluginConfigurationError `kernel/invalid-option` when the client isn't installed. */
function checkClient(): void {
  try {
    import.meta.resolve('pg');
  } catch (cause) {
    throw createError(
      'kernel/invalid-option',
      "sql({ postgres }) needs the package 'pg' beside it: npm install pg@8",
      { details: { option: 'postgres' }, cause },
    );
  }
}

/** The first release of Node whose SQLite can be asked what a statement may do. */
const NODE = 24;

function checkRuntime(): void {
  const version = (globalThis as { process?: { versions?: { node?: string } } }).process?.versions
    ?.node;
  if (version !== undefined && Number.parseInt(version, 10) >= NODE) return;
  throw createError(
    'kernel/invalid-option',
    version === undefined
      ? 'sql() keeps databases in Node alone so far: in a browser, leave it out of `extensions`, and plugins that need it say so'
      : `sql() needs Node ${NODE}.15 or later, and this is ${version}`,
    { details: { option: 'extensions' } },
  );
}
