/**
 * `@plinth/sql`: the database of a plugin. It brings Kysely into the bundle, and nothing of a
 * database. The application keeps the data with `sql()` of `@plinth/sql/host`.
 *
 * @module
 */

// What authors name in their schemas and signatures.
export type {
  ColumnType,
  Generated,
  Insertable,
  Kysely,
  Selectable,
  Transaction,
  Updateable,
} from 'kysely';
export { Sql, type SqlQuery, type SqlRows, type SqlValue } from './contract.js';
export { database } from './plugin/database.js';
export type { DatabaseContext } from './plugin/driver.js';
