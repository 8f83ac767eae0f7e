/** `kernel.extension(sql)`: what the application does with the databases of its plugins. */
import type { PluginView } from '@plinth/kernel/extension';
import { createError, messageOf, PluginError } from '@plinth/sdk/contract';
import type { Backend, PluginData } from '../backend/backend.js';
import { isWorkError, sqlError } from './errors.js';
import type { Limits } from './options.js';
import type { PluginDatabase } from './plugin-database.js';

/** A migration that has run. */
export interface AppliedMigration {
  readonly name: string;
  /** SHA-256 of its text, as hex digits. */
  readonly checksum: string;
  /** When it ran, as ISO text. */
  readonly at: string;
}

/** A migration that has not run yet. */
export interface PendingMigration {
  readonly name: string;
  /** SHA-256 of its text, as hex digits. */
  readonly checksum: string;
  /** The statements that lose data. */
  readonly destructive: readonly string[];
  /** Whether it may run: it loses nothing, or `sql({ destructive })` allows it. */
  readonly allowed: boolean;
}

/** Options of `migrate()`. */
export interface MigrateOptions {
  /** Names of migrations that may lose data, beside those that `sql({ destructive })` allows. */
  readonly allow?: readonly string[];
}

/** `kernel.extension(sql)`: the databases of one tenant. */
export interface SqlApi {
  /** Plugins with a database, installed or not, and the bytes of its files. */
  list(): Promise<readonly { readonly plugin: string; readonly bytes: number }[]>;
  /**
   * In Node: the tenants of the kernel in which a plugin has a database.
   *
   * @throws PluginError `sql/failed` in a page, and for a folder that doesn't say whose it is.
   */
  tenants(): Promise<readonly string[]>;
  /**
   * The migrations that have run on the database of a plugin, in order.
   *
   * @throws PluginError `sql/failed`.
   */
  migrations(plugin: string): Promise<readonly AppliedMigration[]>;
  /**
   * The migrations that the next start of a plugin runs, in order. Nothing is changed. The kernel
   * has been opened or started; the plugin needn't run.
   *
   * @param plugin an id, or `id@version`. Of several versions, the highest counts.
   * @throws PluginUnavailableError `plugin/not-found`; what keeps the plugin from starting on its
   * database: PluginLifecycleError `sql/migration-changed`, `sql/migration-missing`.
   */
  pending(plugin: string): Promise<readonly PendingMigration[]>;
  /**
   * Runs the pending migrations of a plugin without starting it. All of them run, or none.
   *
   * @returns the names of those that have run.
   * @throws PluginLifecycleError `plugin/illegal-transition` while it runs, and what {@link pending}
   * throws; PluginPermissionError `sql/migration-denied`; PluginLifecycleError
   * `sql/migration-failed`.
   * @example
   * await kernel.open();
   * const databases = kernel.extension(sql);
   * for (const { name } of await databases.pending('com.example.notes')) console.log(name);
   * await databases.migrate('com.example.notes', { allow: ['0004_drop_drafts'] });
   */
  migrate(plugin: string, options?: MigrateOptions): Promise<readonly string[]>;
  /**
   * In Node: writes a copy of one moment into a file, while the plugin runs. An earlier file is
   * replaced once the copy is complete.
   *
   * @throws PluginError `sql/failed` when the plugin has no database, and for a file that can't be
   * written or is among the databases.
   * @example
   * await kernel.extension(sql).backup('com.example.notes', './backups/notes.sqlite');
   */
  backup(plugin: string, file: string): Promise<void>;
  /**
   * In a page: answers a copy of one moment, while the plugin runs.
   *
   * @throws PluginError `sql/failed` when the plugin has no database.
   * @example
   * const copy = await kernel.extension(sql).backup('com.example.notes');
   * link.href = URL.createObjectURL(copy);
   */
  backup(plugin: string): Promise<Blob>;
  /**
   * Puts the content of a backup, in Node a file and in a page a blob, in the place of a plugin's
   * data. The plugin must not run, and its migrations go on from the state of the backup at its next
   * start.
   *
   * @throws PluginLifecycleError `plugin/illegal-transition` while it runs, PluginError `storage/corrupt`,
   * PluginOverloadedError `sql/quota`. The data is then as before.
   */
  restore(plugin: string, from: string | Blob): Promise<void>;
  /**
   * Moves the data of a plugin from SQLite to PostgreSQL: copies the rows of a file, a backup or a
   * database that isn't open, into the tables that the plugin's migrations have made here. What they
   * held is replaced. The same migrations have run on both, and the plugin must not run. The file is
   * left as it is.
   *
   * @returns the tables, and how many rows each has: as many as in the file.
   * @throws PluginLifecycleError `plugin/illegal-transition` while it runs; PluginError `sql/failed`,
   * PluginValidationError `sql/invalid` for tables or migrations that differ, `sql/constraint` for rows
   * that don't fit, PluginOverloadedError `sql/quota`. The data is then as before.
   * @example
   * await kernel.plugins.deactivate('com.example.notes');
   * await kernel.extension(sql).importFrom('com.example.notes', './backups/notes.sqlite');
   * await kernel.plugins.activate('com.example.notes');
   */
  importFrom(
    plugin: string,
    file: string,
  ): Promise<readonly { readonly table: string; readonly rows: number }[]>;
  /**
   * Deletes the database of a plugin, which must not run. `plugins.uninstall(id, { purge: true })`
   * does this, too.
   *
   * @throws PluginLifecycleError `plugin/illegal-transition` while it runs.
   */
  purge(plugin: string): Promise<void>;
}

/** What this needs. */
export interface ApiParts {
  readonly tenant: string;
  readonly limits: Limits;
  backend(): Promise<Backend>;
  database(plugin: string): Promise<PluginDatabase>;
  /** Forgets what is open of a database that is gone. */
  forget(plugin: string): void;
  /** Marks a plugin as one that has a database. */
  mark(plugin: string): Promise<void>;
  plugins(): readonly PluginView[];
}

/** States in which a plugin may use its database. */
const RUNS: ReadonlySet<string> = new Set(['loaded', 'initialized', 'active', 'suspended']);

/** The version of a plugin that may use its database now. */
export const runningOf = (plugins: readonly PluginView[], plugin: string): PluginView | undefined =>
  plugins.find(({ id, state = '' }) => id === plugin && RUNS.has(state));
/** In place of a version, for work that none may disturb. */
const APPLICATION = 'the application';
const ID = /^[a-z][a-z0-9]*([.-][a-z0-9]+)*$/;

/** Makes the API of one tenant. */
export function sqlApi(parts: ApiParts): Omit<SqlApi, 'migrate' | 'pending'> {
  const { tenant, limits } = parts;
  const time = limits.migration;
  const run = async <T>(plugin: string, work: (data: PluginData) => Promise<T>): Promise<T> => {
    const database = await parts.database(plugin);
    return database.own(work).catch((error: unknown) => {
      if (!isWorkError(error)) throw error;
      throw sqlError(error, { plugin, limits, undone: true, migration: true });
    });
  };
  const mustHave = async (plugin: string): Promise<void> => {
    checkId(plugin);
    if (await (await parts.backend()).has(tenant, plugin)) return;
    throw createError('sql/failed', `${plugin} has no database in ${tenant}`, { plugin });
  };
  return {
    list: async () => (await parts.backend()).list(tenant),
    async tenants() {
      const all = await (await parts.backend()).tenants?.();
      if (all !== undefined) return all;
      throw createError('sql/failed', 'in a page, tenants() is not available');
    },
    async migrations(plugin) {
      await mustHave(plugin);
      const { applied } = await run(plugin, (data) => data.run({ op: 'state' }, { time }));
      return applied.map(({ name, checksum, at }) => ({ name, checksum, at }));
    },
    backup: (async (plugin: string, file?: string) => {
      await mustHave(plugin);
      return run(plugin, (data) => data.backup(file, { time })).catch((error: unknown) => {
        // A backup has no quota: the disk has.
        if (error instanceof PluginError && error.code !== 'sql/quota') throw error;
        throw createError(
          'sql/failed',
          `the backup of ${plugin} can't be written${file === undefined ? '' : ` to ${file}`}: ${error instanceof PluginError ? 'the disk is full' : messageOf(error)}`,
          { plugin, cause: error },
        );
      });
    }) as SqlApi['backup'],
    async restore(plugin, from) {
      checkId(plugin);
      await parts.mark(plugin);
      await alone(parts, plugin, 'restored', () =>
        run(plugin, (data) => data.restore(from, { time })),
      );
    },
    async importFrom(plugin, file) {
      await mustHave(plugin);
      return alone(parts, plugin, 'replaced', () =>
        run(plugin, async (data) => {
          const copied = await data.copyFrom?.(file, { time });
          if (copied !== undefined) return copied;
          throw createError('sql/failed', 'importFrom() brings data into sql({ postgres }) alone', {
            plugin,
          });
        }),
      );
    },
    async purge(plugin) {
      checkId(plugin);
      await alone(parts, plugin, 'purged', () => deleteData(parts, plugin));
    },
  };
}

/** Deletes the data of a plugin that is gone, or that can't use it now. */
export async function deleteData(parts: ApiParts, plugin: string): Promise<void> {
  const { tenant, limits } = parts;
  const backend = await parts.backend();
  if (!(await backend.has(tenant, plugin))) return;
  const database = await parts.database(plugin);
  const terms = { time: limits.migration };
  await database
    .own((data) => data.run({ op: 'close' }, terms))
    .catch((error: unknown) => {
      throw sqlError(error, { plugin, limits, undone: true });
    });
  await backend.purge(tenant, plugin);
  parts.forget(plugin);
}

/** Does work while the plugin can't. @throws PluginLifecycleError `plugin/illegal-transition`. */
async function alone<T>(
  { plugins, database }: Pick<ApiParts, 'database' | 'plugins'>,
  plugin: string,
  what: string,
  work: () => Promise<T>,
): Promise<T> {
  const mayNotRun = () => {
    const running = runningOf(plugins(), plugin);
    if (running === undefined) return;
    throw createError(
      'plugin/illegal-transition',
      `the database of ${plugin} can't be ${what} while the plugin is ${running.state}: deactivate it first`,
      { plugin },
    );
  };
  mayNotRun();
  const held = await database(plugin);
  await held.hold(APPLICATION);
  try {
    // What held it before may have been its start.
    mayNotRun();
    return await work();
  } finally {
    held.release();
  }
}

/** @throws PluginError `sql/failed` for what is no id. */
export function checkId(plugin: string): void {
  if (typeof plugin === 'string' && plugin.length <= 128 && ID.test(plugin)) return;
  throw createError('sql/failed', `'${String(plugin).slice(0, 80)}' is no id of a plugin`);
}
