/**
 * `@plinth/sql/host`: a database for each plugin, in each tenant. This is what Node loads; bundlers
 * for pages take `host.browser.ts` in its place.
 *
 * @module
 */
import { defineExtension } from '@plinth/kernel/extension';
import { createError } from '@plinth/sdk/contract';
import type { Backend } from './backend/backend.js';
import { databasesOf } from './host/install.js';
import { type Settings, type SqlOptions, settingsOf } from './host/options.js';
import { statics } from './host/statics.js';

export type { DestructiveMigration, SqlLimits, SqlOptions } from './host/options.js';
export type {
  AppliedMigration,
  MigrateOptions,
  PendingMigration,
  SqlApi,
} from './host/sql-api.js';
export type { PostgresOptions } from './postgres/options.js';

/**
 * Gives each plugin a database: SQLite, one file for each tenant and plugin, worked on by a process
 * of its own; or PostgreSQL, a role and a schema for each. In a page `directory` is a folder of the
 * browser's private file system, and a worker takes the place of the process.
 *
 * @throws PluginConfigurationError `kernel/invalid-option` for options that are none, before Node
 * 24.15, and where a page has no private file system.
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
  return databasesOf(settings, openBackend);
});

async function openBackend({ directory, postgres, limits }: Settings): Promise<Backend> {
  if (postgres !== undefined) {
    const postgresql = await import('./postgres/backend.js');
    return postgresql.databasesOf(postgres, limits);
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
const NODE = [24, 15] as const;

function checkRuntime(): void {
  const version = (globalThis as { process?: { versions?: { node?: string } } }).process?.versions
    ?.node;
  const [major = 0, minor = 0] = (version ?? '').split('.').map(Number);
  if (major > NODE[0] || (major === NODE[0] && minor >= NODE[1])) return;
  throw createError(
    'kernel/invalid-option',
    version === undefined
      ? "sql() was loaded as for Node: in a page, '@plinth/sql/host' is resolved with the condition 'browser', as bundlers for pages do"
      : `sql() needs Node ${NODE.join('.')} or later, and this is ${version}`,
    { details: { option: 'extensions' } },
  );
}
