/** The kernel's own work in PostgreSQL: the roles, schemas and sizes of plugins, and the end of statements. */
import { createHash, randomBytes } from 'node:crypto';
import type { Applied } from '../backend/work.js';
import type { SqlValue } from '../contract.js';
import { inTime, PATIENCE } from './in-time.js';
import { Line, unusable } from './line.js';
import { keyOf, passwordOf, roleOf, verifierOf } from './names.js';
import type { PostgresSettings } from './options.js';
import type { Login } from './pg-client.js';
import { creationOf, deletionOf, OPEN, SETUP } from './schema.js';

/** The first version whose schema `public` isn't open to all. */
const VERSION = 150_000;
/** Milliseconds that its statements wait for others. */
const LOCK = 10_000;
const SETTINGS = {
  lock_timeout: LOCK,
  statement_timeout: 6 * LOCK,
  search_path: 'pg_catalog',
  client_min_messages: 'error',
};

/** Owns the two connections of the owner: one for work, one that ends the work of others. */
export class Owner {
  readonly #settings: PostgresSettings;
  readonly #work: Line;
  readonly #control: Line;
  #opened: Promise<{ readonly database: string; readonly secret: string }> | undefined;
  /** Whether the last set-up has failed. */
  #failed = false;

  constructor(settings: PostgresSettings) {
    this.#settings = settings;
    const login = { url: settings.url, settings: SETTINGS };
    this.#work = new Line(login, (pid) => this.#works(pid));
    this.#control = new Line(login);
  }

  /** The role of a plugin; undefined when it has no database. @throws WorkError. */
  async find(tenant: string, plugin: string): Promise<string | undefined> {
    await this.#open();
    const { rows } = await this.#work.run((query) =>
      query('select role from plinth.databases where tenant = $1 and plugin = $2', [
        tenant,
        plugin,
      ]),
    );
    return rows[0]?.[0] as string | undefined;
  }

  /** The role of a plugin, which is made if it isn't there. @throws WorkError. */
  async ensure(tenant: string, plugin: string, connections: number): Promise<string> {
    const { database, secret } = await this.#open();
    const found = await this.find(tenant, plugin);
    if (found !== undefined) return found;
    const role = roleOf(database, tenant, plugin);
    const key = createHash('sha256').update(keyOf(secret, role)).digest('hex');
    await this.#work.transaction(async (query) => {
      // The other kernel waits here, and then finds it.
      const added = await query(
        `insert into plinth.databases (tenant, plugin, role, key) values ($1, $2, $3, $4)
          on conflict do nothing returning role`,
        [tenant, plugin, role, key],
      );
      if (added.rows.length === 0) return;
      const { rows } = await query(
        `select has_parameter_privilege(current_user, 'temp_file_limit', 'set')`,
      );
      const files = rows[0]?.[0] === 1 ? this.#settings.temporary : undefined;
      const verifier = verifierOf(passwordOf(secret, role));
      for (const text of creationOf(role, verifier, { connections, files })) await query(text);
    });
    return role;
  }

  /** What a plugin's connection needs. */
  async login(role: string): Promise<Login> {
    const { secret } = await this.#open();
    return { url: this.#settings.url, user: role, password: passwordOf(secret, role) };
  }

  /** What the kernel shows to change the list of migrations of a role. */
  async keyOf(role: string): Promise<string> {
    return keyOf((await this.#open()).secret, role);
  }

  /** Sets what a role may have changed of itself: its password and its settings. */
  async repair(role: string): Promise<void> {
    const { secret } = await this.#open();
    await this.#work.transaction(async (query) => {
      await query(`alter role ${role} reset all`);
      await query(`alter role ${role} login password '${verifierOf(passwordOf(secret, role))}'`);
    });
  }

  /** The migrations that have run, in order. */
  async applied(role: string): Promise<readonly Applied[]> {
    const { rows } = await this.#work.run((query) =>
      query(
        'select name, checksum, additive, at from plinth.migrations where role = $1 order by name collate "C"',
        [role],
      ),
    );
    return rows.map(appliedOf);
  }

  /** Bytes of the tables of roles, by role. */
  async sizes(
    tenant: string,
  ): Promise<readonly { readonly plugin: string; readonly bytes: number }[]> {
    await this.#open();
    const { rows } = await this.#work.run((query) =>
      query(
        `select d.plugin, coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint from plinth.databases d
          left join pg_namespace n on n.nspname = d.role
          left join pg_class c on c.relnamespace = n.oid and c.relkind in ('r', 'm', 'S')
          where d.tenant = $1 group by d.plugin order by d.plugin collate "C"`,
        [tenant],
      ),
    );
    return rows.map(([plugin, bytes]) => ({ plugin: String(plugin), bytes: Number(bytes) }));
  }

  /** Tenants with a database. */
  async tenants(): Promise<readonly string[]> {
    await this.#open();
    const { rows } = await this.#work.run((query) =>
      query('select distinct tenant from plinth.databases order by tenant'),
    );
    return rows.map(([tenant]) => String(tenant));
  }

  /** Whether a plugin has made anything. */
  async hasObjects(role: string): Promise<boolean> {
    const { rows } = await this.#work.run((query) =>
      query(
        `select exists (select 1 from pg_shdepend where refclassid = 'pg_authid'::regclass and deptype = 'o'
          and refobjid = (select oid from pg_roles where rolname = $1))`,
        [role],
      ),
    );
    return rows[0]?.[0] === 1;
  }

  /** Deletes what a plugin has, and its role. */
  async purge(tenant: string, plugin: string): Promise<void> {
    await this.#open();
    await this.#work.transaction(async (query) => {
      const gone = await query(
        'delete from plinth.databases where tenant = $1 and plugin = $2 returning role',
        [tenant, plugin],
      );
      const role = gone.rows[0]?.[0] as string | undefined;
      if (role === undefined) return;
      // Another kernel may have connections of it.
      await query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [
        role,
      ]);
      for (const text of deletionOf(role)) await query(text);
    });
  }

  /** Cancels the statement of a connection, or ends the connection. */
  async end(how: 'cancel' | 'terminate', pid: number, role: string): Promise<void> {
    await this.#control.run((query) =>
      // The number of a process is used again.
      query(`select pg_${how}_backend(pid) from pg_stat_activity where pid = $1 and usename = $2`, [
        pid,
        role,
      ]),
    );
  }

  /** Whether the server can be used now. @throws Error that says why not. */
  async check(): Promise<void> {
    // A plugin has asked in vain. Otherwise a question sets nothing up.
    if (this.#failed) await this.#open();
    await this.#control.run((query) => query('select 1'));
  }

  /** Ends the connection of {@link end} and {@link check}, when nothing comes over it. */
  cut(): void {
    this.#control.cut();
  }

  async close(): Promise<void> {
    await Promise.all([this.#work.close(), this.#control.close()]);
  }

  /** Whether the server works on a statement of a connection. What is silent works on nothing. */
  async #works(pid: number): Promise<boolean> {
    let works = false;
    const asked = this.#control.run(async (query) => {
      const { rows } = await query(`select state = 'active' from pg_stat_activity where pid = $1`, [
        pid,
      ]);
      works = rows[0]?.[0] === 1;
    });
    const answered = await inTime(asked, PATIENCE).catch(() => true);
    if (!answered) this.cut();
    return works;
  }

  #open(): Promise<{ readonly database: string; readonly secret: string }> {
    if (this.#opened === undefined) {
      const opened = this.#setUp();
      opened.then(
        () => {
          this.#failed = false;
        },
        () => {
          this.#failed = true;
          // The server may be there the next time.
          this.#opened = undefined;
        },
      );
      this.#opened = opened;
    }
    return this.#opened;
  }

  async #setUp(): Promise<{ readonly database: string; readonly secret: string }> {
    const { rows } = await this.#work.run((query) =>
      query(`select current_setting('server_version_num')::int, current_database()`),
    );
    const [version, database] = [Number(rows[0]?.[0]), String(rows[0]?.[1])];
    if (version < VERSION)
      throw unusable(
        `it is version ${Math.floor(version / 10_000)}, and 15 is the first that works`,
      );
    const secret = await this.#work.transaction(async (query) => {
      for (const text of SETUP) await query(text);
      await query('insert into plinth.secret values (true, $1) on conflict do nothing', [
        randomBytes(32).toString('base64url'),
      ]);
      return (await query('select value from plinth.secret')).rows[0]?.[0] as string;
    });
    const open = async () => (await this.#work.run((query) => query(OPEN))).rows;
    const revokes = await open();
    await this.#work.transaction(async (query) => {
      for (const [revoke] of revokes) await query(String(revoke));
    });
    // What isn't its own is left as it is, without an error.
    if ((await open()).length > 0)
      throw unusable(
        'all roles may create tables in a schema or temporary tables in it, and the role of the address ' +
          "can't revoke that: let it own the database",
      );
    return { database, secret };
  }
}

/** A row of the list of migrations. */
export const appliedOf = ([name, checksum, additive, at]: readonly SqlValue[]): Applied => ({
  name: String(name),
  checksum: String(checksum),
  additive: additive === 1,
  at: String(at),
});
