/** Where documents are kept: the options of storage and registry, and the database that they name. */
import { createError } from '@plinth/sdk/contract';
import type { Client } from './client.js';
import { PostgresClient } from './postgres-client.js';
import { SqliteClient } from './sqlite-client.js';

/** A file of SQLite, or a database of PostgreSQL. */
export type SqlPlace =
  | {
      /** Path of a file of SQLite. It is made if it isn't there, with its folder. */
      readonly file: string;
    }
  | {
      /** Address of a database, like `postgres://user:password@host:5432/name`. It needs `pg`. */
      readonly postgres: string;
      /** Schema of the tables, which is made if it isn't there. Default: `plinth`. */
      readonly schema?: string;
    };

/** The tables of one part. `bytes` and `time` are types of columns, `in` begins the names. */
export type Tables = (names: {
  readonly bytes: 'blob' | 'bytea';
  readonly in: string;
}) => readonly string[];

/** A database, and how the names of its tables begin. */
export interface Opened {
  readonly client: Client;
  readonly in: string;
}

const SCHEMA = /^[a-z_][a-z0-9_]{0,62}$/;

/**
 * Names a database. It is opened by its first use.
 *
 * @param what like `sqlStorage`.
 * @param first one of the tables.
 * @throws PluginConfigurationError `kernel/invalid-option`.
 */
export function placeOf(what: string, given: SqlPlace, first: string, tables: Tables): Opened {
  const wrong = (option: string, problem: string): Error =>
    createError('kernel/invalid-option', `${what}(): ${problem}`, { details: { option } });
  if (Object.prototype.toString.call(given) !== '[object Object]')
    throw wrong('options', "its options are an object, like { file: './data.sqlite' }");
  const { file, postgres, schema, ...others } = given as Record<string, unknown>;
  for (const name of Object.keys(others))
    throw wrong(name, `'${name.slice(0, 40)}' is no option: file, or postgres and schema`);
  if ((file === undefined) === (postgres === undefined))
    throw wrong('file', "it takes either 'file' or 'postgres'");
  if (file !== undefined) {
    if (schema !== undefined) throw wrong('schema', "'schema' goes with 'postgres'");
    if (typeof file !== 'string' || file === '' || file.includes('\0') || file === ':memory:')
      throw wrong('file', "'file' is the path of a file");
    return { client: new SqliteClient(file, tables({ bytes: 'blob', in: '' })), in: '' };
  }
  const name = schema ?? 'plinth';
  if (typeof name !== 'string' || !SCHEMA.test(name))
    throw wrong('schema', "'schema' is a name of small letters, digits and '_'");
  if (typeof postgres !== 'string' || !isAddress(postgres))
    throw wrong('postgres', "'postgres' is an address like postgres://user:password@host/name");
  const prefix = `"${name}".`;
  const place = { url: postgres, schema: name, table: `${prefix}${first}` };
  const made = tables({ bytes: 'bytea', in: prefix });
  return { client: new PostgresClient({ ...place, tables: made }), in: prefix };
}

function isAddress(text: string): boolean {
  const url = URL.parse(text);
  return (
    url !== null && ['postgres:', 'postgresql:'].includes(url.protocol) && url.pathname.length > 1
  );
}
