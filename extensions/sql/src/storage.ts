/**
 * `@plinth/sql/storage`: the kernel's storage and its registry of plugins in SQLite or PostgreSQL, in
 * Node.
 *
 * @module
 */
export type { SqlPlace } from './node/storage/place.js';
export { sqlRegistry } from './node/storage/sql-registry.js';
export { sqlStorage } from './node/storage/sql-storage.js';
