/**
 * `@plinth/sql/host` in a page: a database for each plugin, in each tenant, in the browser's private
 * file system.
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
export type { AppliedMigration, SqlApi } from './host/sql-api.js';
export type { PostgresOptions } from './postgres/options.js';

/**
 * Gives each plugin a database: SQLite, one file for each tenant and plugin, worked on by a worker
 * of its own. `directory` is a folder of the browser's private file system.
 *
 * @throws PluginConfigurationError `kernel/invalid-option` for options that are none, and where the
 * page has no private file system.
 * @example
 * const kernel = await createKernel({
 *   plugins: ['/plugins/notes/plugin.json'],
 *   extensions: [sql({ directory: 'databases' })],
 * });
 */
export const sql = defineExtension(statics, (options: SqlOptions) => {
  const settings = settingsOf(options);
  checkPage(settings);
  return databasesOf(settings, openBackend);
});

async function openBackend({ directory, limits }: Settings): Promise<Backend> {
  const { privateFilesIn } = await import('./browser/backend.js');
  return privateFilesIn(directory ?? '', limits);
}

/** @throws PluginConfigurationError `kernel/invalid-option`. */
function checkPage({ directory = '', postgres }: Settings): void {
  if (postgres !== undefined)
    throw wrong("'postgres' is for Node: a page has databases in a 'directory'", 'postgres');
  if (directory.split('/').includes('..'))
    throw wrong(
      "'directory' is a folder of the private file system, like 'databases'",
      'directory',
    );
  const { isSecureContext, Worker, navigator } = globalThis;
  if (isSecureContext === false)
    throw wrong('needs a secure context: serve the page by https, or from localhost');
  const has =
    typeof Worker === 'function' &&
    typeof navigator?.storage?.getDirectory === 'function' &&
    navigator.locks !== undefined;
  if (!has)
    throw wrong(
      'needs a private file system (OPFS), workers and locks, which this browser does not have: leave it out of `extensions`, and plugins that need it say so',
    );
}

function wrong(what: string, option = 'extensions'): Error {
  return createError('kernel/invalid-option', `sql() ${what}`, { details: { option } });
}
