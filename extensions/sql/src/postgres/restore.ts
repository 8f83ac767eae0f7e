/** Reads a backup, and puts its content in the place of what a plugin has. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { WorkError } from '../backend/backend.js';
import type { Applied } from '../backend/work.js';
import type { SqlValue } from '../contract.js';
import { doingOf } from './allowed.js';
import { FORMAT, type Header, onDisk } from './backup.js';
import { DROPS, quoted, type Table } from './catalog.js';
import { failureOf, isLost } from './failure.js';
import type { Connection } from './pg-client.js';
import { statementOf } from './statements.js';

/** Parameters of one statement. */
const PARAMETERS = 5_000;

/** The whole file, checked: a backup is complete, or nothing of it is used. @throws WorkError. */
export async function checkBackup(file: string): Promise<void> {
  const tables = new Map<string, Table>();
  for await (const line of linesOf(file))
    if (line.kind === 'header')
      for (const table of line.header.tables) tables.set(table.name, table);
    else if (line.kind === 'table' && !tables.has(line.table)) throw damaged('an unknown table');
    else if (line.kind === 'row' && line.row.length !== tables.get(line.table)?.columns.length)
      throw damaged(`a row of '${line.table}' has another number of columns`);
}

/** Does all of it in the transaction of a connection. @throws WorkError. */
export async function readBackup(connection: Connection, file: string, key: string): Promise<void> {
  await connection.query('set constraints all deferred');
  for (const [drop] of (await connection.query(DROPS)).rows) await connection.query(String(drop));
  let header: Header | undefined;
  let batch: Batch | undefined;
  for await (const line of linesOf(file)) {
    if (line.kind === 'header') {
      header = line.header;
      await create(connection, header);
    } else if (line.kind === 'table') {
      await batch?.flush();
      const table = header?.tables.find(({ name }) => name === line.table);
      batch = table && new Batch(connection, table);
    } else await batch?.add(line.row);
  }
  await batch?.flush();
  if (header === undefined) throw damaged('it is empty');
  await finish(connection, header, key);
}

/** Types, sequences, functions and tables. A function that needs a table is made after it. */
async function create(connection: Connection, header: Header): Promise<void> {
  const later: string[] = [];
  await connection.query('set local check_function_bodies = off');
  for (const sql of header.first) await own(connection, sql);
  for (const sql of header.functions) {
    await connection.query('savepoint plinth_restore');
    await own(connection, sql).catch(async (error: unknown) => {
      if (connection.lost || isLost(error)) throw error;
      await connection.query('rollback to plinth_restore');
      later.push(sql);
    });
  }
  for (const sql of [...header.creations, ...later]) await own(connection, sql);
}

async function finish(connection: Connection, header: Header, key: string): Promise<void> {
  for (const sql of header.last) await own(connection, sql);
  for (const [name, value, called] of header.sequences)
    await connection.query('select setval(quote_ident($1)::regclass, $2::bigint, $3::boolean)', [
      name,
      value,
      called ? 'true' : 'false',
    ]);
  await connection.query('select plinth.forget($1)', [key]);
  for (const { name, checksum, additive, at } of header.migrations)
    await connection.query('select plinth.record($1, $2, $3, $4, $5)', [
      key,
      name,
      checksum,
      additive ? 'true' : 'false',
      at,
    ]);
}

/** A statement of the file may do what one of a migration may. */
async function own(connection: Connection, sql: string): Promise<void> {
  const statement = statementOf(sql, 0);
  doingOf(statement, 'migration');
  try {
    await connection.query(statement.sql);
  } catch (error) {
    if (connection.lost || isLost(error)) throw error;
    throw new WorkError('damaged', `the file can't be restored: ${failureOf(error).message}`);
  }
}

/** Inserts rows of one table, several at once. */
export class Batch {
  readonly #connection: Connection;
  readonly #table: Table;
  readonly #rows: (readonly SqlValue[])[] = [];

  constructor(connection: Connection, table: Table) {
    this.#connection = connection;
    this.#table = table;
  }

  async add(row: readonly SqlValue[]): Promise<void> {
    this.#rows.push(row);
    const { columns } = this.#table;
    if ((this.#rows.length + 1) * columns.length > PARAMETERS || this.#rows.length >= 100)
      await this.flush();
  }

  async flush(): Promise<void> {
    const rows = this.#rows.splice(0);
    if (rows.length === 0) return;
    const { name, columns } = this.#table;
    if (columns.length === 0) {
      for (const _ of rows)
        await this.#connection.query(`insert into ${quoted(name)} default values`);
      return;
    }
    let number = 0;
    const mark = () => {
      number += 1;
      return `$${number}`;
    };
    const values = rows.map((row) => `(${row.map(mark).join(', ')})`).join(', ');
    const into = `${quoted(name)} (${columns.map(quoted).join(', ')})`;
    await this.#connection.query(
      `insert into ${into} overriding system value values ${values}`,
      rows.flat(),
    );
  }
}

type Line =
  | { readonly kind: 'header'; readonly header: Header }
  | { readonly kind: 'table'; readonly table: string }
  | { readonly kind: 'row'; readonly table: string; readonly row: readonly (string | null)[] };

/** The lines of a file. The last one is the digest of the others. @throws WorkError `damaged`. */
async function* linesOf(file: string): AsyncGenerator<Line> {
  const handle = await onDisk(() => open(file));
  const digest = createHash('sha256');
  let [count, table, ended] = [0, '', false];
  try {
    for await (const text of handle.readLines({ encoding: 'utf8' })) {
      if (ended) throw damaged('it goes on after its end');
      const value = parsed(text);
      if (isObject(value) && 'digest' in value) {
        ended = true;
        if (value.digest !== digest.digest('hex')) throw damaged('its digest is another one');
        continue;
      }
      digest.update(`${text}\n`);
      if (count === 0) yield { kind: 'header', header: headerOf(value) };
      else if (isObject(value) && typeof value.table === 'string') {
        table = value.table;
        yield { kind: 'table', table };
      } else yield { kind: 'row', table, row: rowOf(value) };
      count += 1;
    }
  } catch (error) {
    if (error instanceof WorkError) throw error;
    await onDisk(() => Promise.reject(error));
  } finally {
    await handle.close().catch(() => {});
  }
  if (!ended) throw damaged(count === 0 ? 'it is empty' : 'its end is missing');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw damaged('it is no backup');
  }
}

function headerOf(value: unknown): Header {
  const texts = (list: unknown) => isList(list, (one) => typeof one === 'string');
  const good =
    isObject(value) &&
    value.format === FORMAT &&
    ['first', 'functions', 'creations', 'last'].every((key) => texts(value[key])) &&
    isList(
      value.tables,
      (one) => isObject(one) && typeof one.name === 'string' && texts(one.columns),
    ) &&
    isList(value.sequences, (one) => isList(one, () => true)) &&
    isList(value.migrations, isApplied);
  if (!good) throw damaged(`it is no backup of this kind (${FORMAT})`);
  return value as unknown as Header;
}

function isApplied(value: unknown): boolean {
  const { name, checksum, additive, at } = (isObject(value) ? value : {}) as Partial<Applied>;
  return (
    [name, checksum, at].every((one) => typeof one === 'string') && typeof additive === 'boolean'
  );
}

function rowOf(value: unknown): readonly (string | null)[] {
  if (isList(value, (one) => one === null || typeof one === 'string'))
    return value as readonly (string | null)[];
  throw damaged('a row is no list of texts');
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isList = (value: unknown, each: (one: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(each);

const damaged = (what: string): WorkError =>
  new WorkError('damaged', `the file is no complete backup: ${what}`);
