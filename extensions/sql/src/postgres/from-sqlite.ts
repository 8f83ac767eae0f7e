/** Copies the rows of a database of SQLite into the tables that a plugin's migrations have made here. */
import { DatabaseSync } from 'node:sqlite';
import { messageOf } from '@plinth/sdk/contract';
import { type Copied, WorkError } from '../backend/backend.js';
import { REGISTRY } from '../backend/work.js';
import type { SqlValue } from '../contract.js';
import { CONSTRAINTS, describe, quoted, type Table } from './catalog.js';
import { failureOf, isLost } from './failure.js';
import type { Connection } from './pg-client.js';
import { Batch } from './restore.js';

/** A table of the file, and its counterpart. */
interface Pair {
  readonly from: string;
  readonly columns: readonly string[];
  readonly to: Table;
}

/** Bytes of a value of the file. */
const MOST_VALUE = 16_777_216;

/**
 * Does all of it in the transaction of a connection. The file is only read.
 *
 * @param applied names of the migrations that have run here.
 * @throws WorkError.
 */
export async function copyRows(
  connection: Connection,
  file: string,
  about: { readonly role: string; readonly applied: readonly string[] },
): Promise<readonly Copied[]> {
  const source = opened(file);
  try {
    sameMigrations(source, about.applied);
    const { tables } = await describe(connection, about.role);
    const pairs = tablesOf(source).map((name) => pairOf(source, name, tables));
    const keys = (await connection.query(CONSTRAINTS)).rows.filter(([, foreign]) => foreign === 1);
    for (const [, , table, key] of keys)
      await connection.query(
        `alter table ${quoted(String(table))} drop constraint ${quoted(String(key))}`,
      );
    for (const { name } of tables)
      await connection.query(`alter table ${quoted(name)} disable trigger user`);
    if (tables.length > 0)
      await connection.query(`truncate ${tables.map(({ name }) => quoted(name)).join(', ')}`);
    const copied: Copied[] = [];
    for (const pair of pairs) copied.push(await copy(connection, source, pair));
    for (const { name } of tables)
      await connection.query(`alter table ${quoted(name)} enable trigger user`);
    for (const [sql] of keys) await blamed('a key', () => connection.query(String(sql)));
    await goOn(connection);
    return copied;
  } finally {
    source.close();
  }
}

function opened(file: string): DatabaseSync {
  try {
    const source = new DatabaseSync(file, {
      readOnly: true,
      defensive: true,
      allowExtension: false,
      timeout: 0,
      limits: { length: MOST_VALUE, attach: 0 },
    });
    const [found] = Object.values(source.prepare('pragma quick_check(1)').get() ?? {});
    if (found === 'ok') return source;
    source.close();
    throw new WorkError('damaged', `the file is damaged: ${String(found)}`);
  } catch (error) {
    if (error instanceof WorkError) throw error;
    const { errcode } = error as { readonly errcode?: number };
    const broken = errcode === 11 || errcode === 26;
    throw new WorkError(broken ? 'damaged' : 'failed', messageOf(error), { cause: error });
  }
}

function sameMigrations(source: DatabaseSync, applied: readonly string[]): void {
  const there = source.prepare('select 1 from sqlite_schema where name = ?').get(REGISTRY);
  const names =
    there === undefined ? [] : source.prepare(`select name from ${REGISTRY} order by name`).all();
  const of = names.map(({ name }) => String(name));
  if (of.join() === applied.join()) return;
  throw new WorkError(
    'invalid',
    `other migrations have run in the file (${of.join(', ') || 'none'}) than here ` +
      `(${applied.join(', ') || 'none'}): start the same version of the plugin on both once`,
  );
}

function tablesOf(source: DatabaseSync): readonly string[] {
  const found = source.prepare('pragma table_list').all();
  const virtual = found.find(({ type }) => type === 'virtual');
  if (virtual !== undefined)
    throw new WorkError(
      'invalid',
      `'${virtual.name}' is a virtual table, which PostgreSQL has not`,
    );
  return found
    .filter(({ type, schema }) => type === 'table' && schema === 'main')
    .map(({ name }) => String(name))
    .filter((name) => !name.startsWith('sqlite_') && name !== REGISTRY);
}

/** PostgreSQL writes names in small letters where a text doesn't quote them. */
function pairOf(source: DatabaseSync, from: string, tables: readonly Table[]): Pair {
  const like = <T>(list: readonly T[], nameOf: (one: T) => string, name: string): T | undefined =>
    list.find((one) => nameOf(one) === name) ??
    list.find((one) => nameOf(one) === name.toLowerCase());
  const to = like(tables, ({ name }) => name, from);
  if (to === undefined) throw new WorkError('invalid', `there is no table '${from}' here`);
  const found = source.prepare(`pragma table_xinfo(${quoted(from)})`).all();
  const columns = found.filter(({ hidden }) => hidden === 0).map(({ name }) => String(name));
  const targets = columns.map((column) => {
    const target = like(to.columns, (name) => name, column);
    if (target === undefined)
      throw new WorkError('invalid', `'${to.name}' has no column '${column}' here`);
    return target;
  });
  return { from, columns, to: { name: to.name, columns: targets } };
}

async function copy(
  connection: Connection,
  source: DatabaseSync,
  { from, columns, to }: Pair,
): Promise<Copied> {
  const select = source.prepare(`select ${columns.map(quoted).join(', ')} from ${quoted(from)}`);
  select.setReadBigInts(true);
  select.setReturnArrays(true);
  const batch = new Batch(connection, to);
  let rows = 0;
  await blamed(`'${from}'`, async () => {
    for (const row of select.iterate() as unknown as Iterable<SqlValue[]>) {
      rows += 1;
      await batch.add(row);
    }
    await batch.flush();
  });
  const counted = await connection.query(`select count(*) from ${quoted(to.name)}`);
  if (counted.rows[0]?.[0] !== rows)
    throw new WorkError('failed', `'${to.name}' has other rows than '${from}'`);
  return { table: to.name, rows };
}

/** Numbers that are given out go on after the highest. */
async function goOn(connection: Connection): Promise<void> {
  const { rows } = await connection.query(
    `select c.relname, a.attname, pg_get_serial_sequence(quote_ident(c.relname), a.attname)
      from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relkind = 'r' and c.relnamespace = (select oid from pg_namespace where nspname = session_user)
        and pg_get_serial_sequence(quote_ident(c.relname), a.attname) is not null`,
  );
  for (const [table, column, sequence] of rows)
    await connection.query(
      `select setval($1::regclass, greatest(max(${quoted(String(column))}), 1), max(${quoted(String(column))}) is not null)
        from ${quoted(String(table))}`,
      [sequence ?? null],
    );
}

async function blamed<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof WorkError || isLost(error)) throw error;
    const { kind, message, sqlstate } = failureOf(error);
    throw new WorkError(kind, `${what} can't be copied: ${message}`, {
      ...(sqlstate !== undefined && { sqlstate }),
      cause: error,
    });
  }
}
