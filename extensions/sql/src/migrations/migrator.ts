/** Brings the database of a plugin to its version before the plugin is activated. */
import type { PluginView, Undo } from '@plinth/kernel/extension';
import { createError, type Manifest } from '@plinth/sdk/contract';
import type { Backend } from '../backend/backend.js';
import type { State } from '../backend/work.js';
import { isWorkError, sqlError } from '../host/errors.js';
import type { DestructiveMigration, Settings } from '../host/options.js';
import type { PluginDatabase } from '../host/plugin-database.js';
import type { Declared } from './declared.js';
import { planOf } from './plan.js';
import type { Migration, MigrationTexts } from './texts.js';

/** What this needs. */
export interface MigratorParts {
  readonly tenant: string;
  readonly settings: Settings;
  readonly backend: Backend;
  readonly texts: MigrationTexts;
  database(plugin: string): Promise<PluginDatabase>;
  migrated(plugin: string, version: string, names: readonly string[]): void;
}

/** A version whose migrations have run, and which isn't active yet. */
interface Trial {
  readonly version: string;
  readonly database: PluginDatabase;
  readonly names: readonly string[];
}

/** How often it looks again when others have run migrations meanwhile. */
const TRIES = 5;

/** Owns the versions that have changed their database and aren't active yet. */
export class Migrator {
  readonly #parts: MigratorParts;
  readonly #trials = new Map<string, Trial>();

  constructor(parts: MigratorParts) {
    this.#parts = parts;
  }

  /**
   * The migrations of a version that have not run. Nothing is changed, and no database is made.
   *
   * @throws as {@link planOf} and {@link MigrationTexts.of}.
   */
  async pending(
    { id, version = '', manifest }: PluginView,
    declared: readonly Declared[],
  ): Promise<readonly (Migration & { readonly allowed: boolean })[]> {
    if (manifest === undefined) return [];
    const { backend, texts, tenant } = this.#parts;
    const migrations = await texts.of(manifest, declared);
    const applied = (await backend.has(tenant, id))
      ? (await this.#state(await this.#parts.database(id), new AbortController().signal)).applied
      : [];
    return Promise.all(
      planOf({ id, version }, migrations, applied).map(async (migration) => ({
        ...migration,
        allowed: await this.#allows(manifest, migration, []),
      })),
    );
  }

  /** Runs what is due, for a version that doesn't start. Answers the names of what has run. */
  async migrate(
    plugin: PluginView,
    declared: readonly Declared[],
    allow: readonly string[],
  ): Promise<readonly string[]> {
    const ran = await this.before(plugin, declared, new AbortController().signal, allow);
    if (ran === undefined) return [];
    const names = this.#trials.get(plugin.id)?.names ?? [];
    await this.settled(plugin);
    return names;
  }

  /** Runs what is due. The answer undoes it, for a plugin that then doesn't start. */
  async before(
    { id, version = '', manifest }: PluginView,
    declared: readonly Declared[],
    signal: AbortSignal,
    allow: readonly string[] = [],
  ): Promise<Undo | undefined> {
    if (manifest === undefined) return undefined;
    const { backend, texts, tenant } = this.#parts;
    if (declared.length === 0 && !(await backend.has(tenant, id))) return undefined;
    const migrations = await texts.of(manifest, declared);
    await texts.keep(manifest);
    const database = await this.#parts.database(id);
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const state = await this.#state(database, signal);
      const todo = planOf({ id, version }, migrations, state.applied);
      if (todo.length === 0) {
        await database.own((data) => data.forget({ old: true }));
        return undefined;
      }
      await this.#consent(manifest, todo, allow);
      const undo = await this.#run(manifest, database, state, todo, signal);
      if (undo !== undefined) return undo;
    }
    throw createError('sql/locked', `others migrate the database of ${id} again and again`, {
      plugin: id,
    });
  }

  /** The version runs: what it has changed stays. */
  async settled({ id, version }: PluginView): Promise<void> {
    const trial = this.#trials.get(id);
    if (trial === undefined || trial.version !== version) return;
    this.#trials.delete(id);
    try {
      await trial.database.own((data) => data.forget({ old: false }));
    } finally {
      trial.database.release();
    }
    this.#parts.migrated(id, trial.version, trial.names);
  }

  async #run(
    manifest: Manifest,
    database: PluginDatabase,
    state: State,
    todo: readonly Migration[],
    signal: AbortSignal,
  ): Promise<Undo | undefined> {
    const { id, version } = manifest;
    const { settings } = this.#parts;
    const terms = { time: settings.limits.migration, signal };
    await database.hold(version);
    const restore = async () => {
      const to = { time: settings.limits.migration };
      await database.own((data) =>
        state.tables ? data.bringBack(to) : data.run({ op: 'clear' }, to),
      );
    };
    let ran = false;
    try {
      const applied = state.applied.map(({ name }) => name);
      const steps = todo.map(({ destructive: _, ...step }) => step);
      try {
        if (state.tables) await database.own((data) => data.keep(terms));
        ran = await database.own((data) => data.run({ op: 'migrate', applied, steps }, terms));
      } catch (error) {
        throw this.#failed(manifest, error);
      }
      if (ran && signal.aborted) throw signal.reason;
    } catch (error) {
      try {
        // A copy that is not complete must not stay, on a full disk least of all.
        await (ran ? restore() : database.own((data) => data.forget({ old: false })));
      } finally {
        database.release();
      }
      throw error;
    }
    if (!ran) {
      // The copy is now that of another kernel, which has run them.
      database.release();
      return undefined;
    }
    this.#trials.set(id, { version, database, names: todo.map(({ name }) => name) });
    return async () => {
      this.#trials.delete(id);
      try {
        await restore();
      } finally {
        database.release();
      }
    };
  }

  /** @throws PluginPermissionError `sql/migration-denied`. */
  async #consent(
    manifest: Manifest,
    todo: readonly Migration[],
    allow: readonly string[],
  ): Promise<void> {
    const { id, version } = manifest;
    for (const migration of todo) {
      if (await this.#allows(manifest, migration, allow)) continue;
      const { name, destructive: statements } = migration;
      throw createError(
        'sql/migration-denied',
        `the migration '${name}' of ${id}@${version} loses data (${statements[0]}), and the application ` +
          `doesn't allow that: sql({ destructive: ({ plugin, name }) => plugin === '${id}' && name === '${name}' })`,
        { plugin: id, details: { migration: name, statements } },
      );
    }
  }

  /** Whether a migration loses nothing, or may lose it. */
  async #allows(
    { id, version }: Manifest,
    { name, destructive: statements }: Migration,
    allow: readonly string[],
  ): Promise<boolean> {
    if (statements.length === 0 || allow.includes(name)) return true;
    const { settings, tenant } = this.#parts;
    const asked: DestructiveMigration = { tenant, plugin: id, version, name, statements };
    return (await settings.destructive?.(asked)) === true;
  }

  async #state(database: PluginDatabase, signal: AbortSignal): Promise<State> {
    const { limits } = this.#parts.settings;
    return database
      .own((data) => data.run({ op: 'state' }, { time: limits.time, signal, safe: true }))
      .catch((error: unknown) => {
        throw sqlError(error, { plugin: database.plugin, limits, undone: true });
      });
  }

  /** @throws nothing: answers the error, which names the migration. */
  #failed({ id, version }: Manifest, error: unknown): Error {
    const { limits } = this.#parts.settings;
    const cause = sqlError(error, { plugin: id, limits, undone: true, migration: true });
    const migration = isWorkError(error) ? error.migration : undefined;
    return createError(
      'sql/migration-failed',
      `the migration${migration === undefined ? 's' : ` '${migration}'`} of ${id}@${version} failed, and nothing was changed: ${cause.message}`,
      { plugin: id, details: { ...(migration !== undefined && { migration }) }, cause },
    );
  }
}
