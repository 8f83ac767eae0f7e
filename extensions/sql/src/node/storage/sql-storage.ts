/** The kernel's storage in a SQL database. */
import type { StorageAdapter } from '@plinth/kernel/extension';
import { placeOf, type SqlPlace } from './place.js';
import { Values, valueTable } from './values.js';

const TABLE = 'plinth_storage';

/**
 * Keeps the kernel's storage in a file of SQLite, or in a database of PostgreSQL. Kernels of several
 * processes may share it. It is opened by its first use; each operation rejects with
 * `storage/failed` when the database can't be used, and `storage/locked` when others hold it.
 *
 * @throws PluginConfigurationError `kernel/invalid-option` for options that are none.
 * @example
 * const kernel = await createKernel({ plugins: './plugins', storage: sqlStorage({ file: './data.sqlite' }) });
 */
export function sqlStorage(place: SqlPlace): Required<StorageAdapter> {
  const opened = placeOf('sqlStorage', place, TABLE, (names) =>
    valueTable(`${names.in}${TABLE}`, names.bytes),
  );
  return new Values(opened.client, `${opened.in}${TABLE}`);
}
