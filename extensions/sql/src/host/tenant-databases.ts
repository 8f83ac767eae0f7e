/** The databases of one tenant: who asks, which database that is, and when it has to be ready. */
import type {
  CallFacts,
  Contributions,
  ExtensionHealth,
  PluginView,
  Undo,
} from '@plinth/kernel/extension';
import { createError, type Schema } from '@plinth/sdk/contract';
import type { Backend, Dialect } from '../backend/backend.js';
import { SQL, type SqlRows } from '../contract.js';
import { contributionSchema, type SqlContribution } from '../migrations/declared.js';
import type { Migrator } from '../migrations/migrator.js';
import { type KeptTexts, MigrationTexts } from '../migrations/texts.js';
import { lazyApi } from './lazy-api.js';
import { Marks } from './marks.js';
import type { Settings } from './options.js';
import type { PluginDatabase } from './plugin-database.js';
import { readBegin, readEnd, readNext, readQuery } from './read-request.js';
import type { ApiParts, SqlApi } from './sql-api.js';
import type { SqlPort } from './statics.js';

type Asking = Pick<CallFacts, 'caller'>;

/** Owns the databases of one tenant. */
export class TenantDatabases {
  readonly api: SqlApi;
  readonly #port: SqlPort;
  readonly #settings: Settings;
  readonly #backend: () => Promise<Backend>;
  readonly #open = new Map<string, Promise<PluginDatabase>>();
  readonly #schema: Schema<unknown, SqlContribution>;
  readonly #declared: Contributions<SqlContribution>;
  readonly #texts: MigrationTexts;
  readonly #parts: ApiParts;
  /** Data of plugins that are uninstalled: what comes next of them waits until it is gone. */
  readonly #going = new Map<string, Promise<void>>();
  readonly #marks: Marks;
  /** Whether a plugin has asked for its database. */
  #used = false;
  #ended = false;

  constructor(port: SqlPort, settings: Settings, backend: () => Promise<Backend>) {
    this.#port = port;
    this.#settings = settings;
    this.#backend = backend;
    this.#schema = contributionSchema(settings.postgres === undefined ? 'sqlite' : 'postgres');
    this.#declared = port.contribute.point({ point: 'sql', schema: this.#schema });
    this.#texts = new MigrationTexts(
      port.documents.open({
        name: 'migrations',
        per: 'plugin',
        version: 1,
        parse: (value) => value as KeptTexts,
      }),
    );
    this.#marks = new Marks(port);
    this.#parts = {
      tenant: port.tenant,
      limits: settings.limits,
      backend,
      database: (plugin) => this.#of(plugin),
      forget: (plugin) => this.#open.delete(plugin),
      mark: (plugin) => this.#marks.add(plugin),
      plugins: () => port.plugins.all(),
    };
    const migrator = new LazyMigrator(() => this.#migrator());
    this.api = lazyApi(async () => {
      const [{ sqlApi }, { migratingApi }] = await Promise.all([
        import('./sql-api.js'),
        import('./migrating.js'),
      ]);
      const migrations = migratingApi({
        declared: this.#declared,
        plugins: this.#parts.plugins,
        migrator: () => migrator.get(),
        gone: (plugin) => this.#going.get(plugin),
      });
      return { ...sqlApi(this.#parts), ...migrations };
    });
    this.#takePart(migrator);
  }

  async query(input: unknown, { caller }: Asking): Promise<SqlRows> {
    const query = readQuery(input, this.#settings.limits);
    return (await this.#for(caller)).query(query, caller.version ?? '');
  }

  async next(input: unknown, { caller }: Asking): Promise<SqlRows> {
    const { lease, cursor } = readNext(input);
    return (await this.#for(caller)).next(lease, cursor, caller.version ?? '');
  }

  async begin(input: unknown, { caller }: Asking): Promise<{ readonly lease: number }> {
    const access = readBegin(input);
    return (await this.#for(caller)).begin(access, caller.version ?? '');
  }

  /** The SQL that statements have to be written in. */
  async dialect(): Promise<{ readonly dialect: Dialect }> {
    return { dialect: this.#settings.postgres === undefined ? 'sqlite' : 'postgres' };
  }

  async end(input: unknown, { caller }: Asking): Promise<void> {
    const end = readEnd(input);
    await (await this.#for(caller)).end(end, caller.version ?? '');
  }

  /** Registers for the steps of plugins, and for the end of the tenant. */
  #takePart(migrator: LazyMigrator): void {
    const port = this.#port;
    port.verify({
      manifest: ({ manifest, package: found }) => {
        const { sql } = manifest.contributes as { readonly sql?: unknown };
        if (sql === undefined) return undefined;
        // The point checks it, too, and that is what a manifest fails with.
        const parsed = this.#schema['~standard'].validate(sql);
        if ('value' in parsed)
          this.#texts.take({ manifest, package: found }, parsed.value.migrations);
        return undefined;
      },
    });
    port.transition('activate', {
      before: async (plugin, signal): Promise<Undo | undefined> => {
        await this.#going.get(plugin.id);
        const declared = this.#declared.of(plugin);
        if (declared === undefined) return undefined;
        await this.#marks.add(plugin.id);
        return (await migrator.get()).before(plugin, declared.migrations, signal);
      },
    });
    port.transition(['activate', 'replace'], {
      after: (plugin) => {
        void migrator.made?.settled(plugin).catch((error) => this.#report(plugin.id, error));
      },
    });
    port.transition(['deactivate', 'hibernate', 'crash', 'fail', 'remove'], {
      after: ({ id, version }) => {
        void this.#open
          .get(id)
          ?.then((database) => database.endOf(version))
          .catch(() => {});
      },
    });
    this.#keepData();
  }

  #keepData(): void {
    const port = this.#port;
    port.events.on(['plugin:installed', 'plugin:updated'], ({ id, version }) => {
      const plugin = port.plugins.all().find((one) => one.id === id && one.version === version);
      if (plugin?.manifest === undefined) return;
      this.#texts.keep(plugin.manifest).catch((error: unknown) => this.#report(id, error));
    });
    port.events.on('plugin:uninstalled', ({ id, purged }) => {
      if (purged !== true) return;
      this.#marks.deleted(id);
      this.#purge(id);
    });
    let finishing: Promise<void> | undefined;
    port.on('started', () => {
      finishing = this.#finish().catch((error: unknown) => this.#report(undefined, error));
    });
    port.own(async () => {
      this.#ended = true;
      await finishing;
      await Promise.all(this.#going.values());
      const open = await Promise.allSettled(this.#open.values());
      await Promise.allSettled(
        open.map(async (one) => {
          // Its plugin doesn't run any more, so no caller waits for an answer.
          if (one.status === 'fulfilled') await one.value.close();
        }),
      );
    });
    port.inspect({
      health: () => this.#health(),
      diagnostics: () => ({ databases: this.#open.size, ...placeOf(this.#settings) }),
    });
  }

  /**
   * Nothing is opened for it while no plugin uses a database.
   *
   * @throws Error that says why databases can't be used, which makes it unhealthy.
   */
  async #health(): Promise<ExtensionHealth> {
    const { plugins, tenant } = this.#port;
    // What is opened now would not be closed any more.
    if (this.#ended) throw new Error('the kernel has stopped');
    if (!this.#used && !plugins.all().some(usesDatabase)) return 'healthy';
    await (await this.#backend()).check(tenant);
    return 'healthy';
  }

  /** Deletes what an end of the application has left of purged plugins. */
  async #finish(): Promise<void> {
    for (const plugin of await this.#marks.purged())
      if (!this.#port.plugins.all().some(({ id }) => id === plugin)) this.#purge(plugin);
  }

  #purge(plugin: string): void {
    const going = import('./sql-api.js')
      .then(({ deleteData }) => deleteData(this.#parts, plugin))
      .then(() => this.#marks.over(plugin))
      .catch((error: unknown) => this.#report(plugin, error))
      .finally(() => this.#going.delete(plugin));
    this.#going.set(plugin, going);
  }

  #report(plugin: string | undefined, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.#port.log.error(message, plugin === undefined ? {} : { plugin });
  }

  async #migrator(): Promise<Migrator> {
    const port = this.#port;
    const { Migrator } = await import('../migrations/migrator.js');
    return new Migrator({
      tenant: port.tenant,
      settings: this.#settings,
      backend: await this.#backend(),
      texts: this.#texts,
      database: (plugin) => this.#of(plugin),
      migrated: (plugin, version, migrations) =>
        port.events.emit('sql:migrated', { plugin, version, migrations }),
    });
  }

  /** @throws PluginPermissionError `sql/denied`: only plugins have databases. */
  async #for({ kind, id }: Asking['caller']): Promise<PluginDatabase> {
    if (kind === 'plugin') {
      await this.#marks.add(id);
      return this.#of(id);
    }
    throw createError('sql/denied', `'${id}' is no plugin, and only plugins have a database`);
  }

  #of(plugin: string): Promise<PluginDatabase> {
    this.#used = true;
    let database = this.#open.get(plugin);
    if (database === undefined) {
      database = this.#make(plugin);
      this.#open.set(plugin, database);
      database.catch(() => this.#open.delete(plugin));
    }
    return database;
  }

  async #make(plugin: string): Promise<PluginDatabase> {
    const port = this.#port;
    const { PluginDatabase } = await import('./plugin-database.js');
    const backend = await this.#backend();
    const made = new PluginDatabase({
      plugin,
      data: await backend.database(port.tenant, plugin, (error) => this.#report(plugin, error)),
      limits: this.#settings.limits,
      after: (milliseconds, task) => port.after(milliseconds, task),
    });
    const off = backend.onLost(() => made.lost());
    port.own(off);
    return made;
  }
}

/** Whether a plugin may run, and has migrations or the right to a database by its name. */
function usesDatabase({ enabled, state, manifest }: PluginView): boolean {
  if (!enabled || state === 'denied' || manifest === undefined) return false;
  const { contributes, permissions } = manifest;
  return (
    (contributes as { readonly sql?: unknown }).sql !== undefined ||
    permissions.commands?.execute?.some((command) => command.startsWith(`${SQL}:`)) === true
  );
}

/** Where the databases are, without a password. */
function placeOf({ directory, postgres }: Settings): Readonly<Record<string, string>> {
  if (postgres === undefined) return { directory: directory ?? '' };
  const { host, pathname } = new URL(postgres.url);
  return { postgres: `${host}${pathname}` };
}

/** Makes the migrator when the first plugin needs it. */
class LazyMigrator {
  readonly #make: () => Promise<Migrator>;
  #making: Promise<Migrator> | undefined;
  made: Migrator | undefined;

  constructor(make: () => Promise<Migrator>) {
    this.#make = make;
  }

  async get(): Promise<Migrator> {
    this.#making ??= this.#make();
    this.made = await this.#making;
    return this.made;
  }
}
