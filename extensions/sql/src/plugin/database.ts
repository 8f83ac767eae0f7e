/** `database(ctx)`: the typed database of a plugin. */
import { Kysely, SqliteAdapter, SqliteQueryCompiler } from 'kysely';
import { Introspector } from './dialect.js';
import { type DatabaseContext, HostDriver } from './driver.js';

/**
 * The database of a plugin, as a Kysely instance. Each plugin has its own, in each tenant, and the
 * host makes it at the first statement. Transactions and streams that are open when the plugin stops
 * are rolled back.
 *
 * The manifest asks for `permissions.commands.execute: ["plinth.sql:*"]`, and the application has
 * `sql()` of `@plinth/sql/host` among its extensions.
 *
 * Statements fail with `sql/…` codes: `sql/constraint`, `sql/locked`, `sql/timeout`, `sql/quota`,
 * `sql/denied`, `sql/too-large`, `sql/interrupted`, `sql/invalid`, `sql/failed`.
 *
 * @example
 * interface Schema { notes: { id: Generated<number>; text: string } }
 * export default definePlugin({
 *   activate(ctx) {
 *     const db = database<Schema>(ctx);
 *     ctx.commands.handle('list', () => db.selectFrom('notes').selectAll().execute());
 *   },
 * });
 */
export function database<Schema>(ctx: DatabaseContext): Kysely<Schema> {
  const driver = new HostDriver(ctx);
  const db = new Kysely<Schema>({
    dialect: {
      createDriver: () => driver,
      createAdapter: () => new Adapter(),
      createQueryCompiler: () => new SqliteQueryCompiler(),
      createIntrospector: (of) => new Introspector(of, () => driver.dialect()),
    },
  });
  ctx.defer(() => driver.destroy());
  return db;
}

/** The host has a connection for each transaction, so that what is outside of one need not wait. */
class Adapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}
