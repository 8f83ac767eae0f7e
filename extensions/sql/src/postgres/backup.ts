/**
 * A backup of one plugin's database: a text file. Its first line describes the schema, each other one
 * is the name of a table or a row of it, and the last one has a digest of all before.
 */
import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { messageOf } from '@plinth/sdk/contract';
import { WorkError } from '../backend/backend.js';
import type { Applied } from '../backend/work.js';
import { type Description, describe, quoted, type Table } from './catalog.js';
import type { Connection } from './pg-client.js';

/** The first line. */
export interface Header extends Description {
  readonly format: typeof FORMAT;
  readonly plugin: string;
  readonly migrations: readonly Applied[];
}

/** What says that a file is a backup, and how it is written. */
export const FORMAT = 'plinth-sql-postgres-1';

/** Rows that are asked for at once. */
const AT_ONCE = 50;

/** Writes a backup of what a transaction sees. An earlier file is replaced once this one is complete. */
export async function writeBackup(
  connection: Connection,
  file: string,
  about: {
    readonly plugin: string;
    readonly role: string;
    readonly migrations: readonly Applied[];
  },
): Promise<void> {
  const { plugin, role, migrations } = about;
  const description = await describe(connection, role);
  const part = `${file}.${randomBytes(4).toString('hex')}.part`;
  const lines = new Lines(await onDisk(() => open(part, 'wx', 0o600)));
  try {
    await lines.write({ format: FORMAT, plugin, migrations, ...description } satisfies Header);
    for (const table of description.tables) {
      await lines.write({ table: table.name });
      await rowsOf(connection, table, (row) => lines.write(row));
    }
    await lines.end();
    await onDisk(() => rename(part, file));
  } catch (error) {
    await lines.close();
    await rm(part, { force: true });
    throw error;
  }
}

async function rowsOf(
  connection: Connection,
  { name, columns }: Table,
  take: (row: unknown) => Promise<void>,
): Promise<void> {
  const texts = columns.map((column) => `${quoted(column)}::text`).join(', ');
  await connection.query(
    `declare plinth_backup no scroll cursor for select ${texts} from only ${quoted(name)}`,
  );
  for (;;) {
    const { rows } = await connection.query(`fetch ${AT_ONCE} from plinth_backup`);
    for (const row of rows) await take(row);
    if (rows.length < AT_ONCE) break;
  }
  await connection.query('close plinth_backup');
}

/** Owns the file that is being written. */
class Lines {
  readonly #file: FileHandle;
  readonly #digest = createHash('sha256');

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async write(value: unknown): Promise<void> {
    const line = `${JSON.stringify(value)}\n`;
    this.#digest.update(line);
    await onDisk(() => this.#file.appendFile(line));
  }

  async end(): Promise<void> {
    const line = `${JSON.stringify({ digest: this.#digest.digest('hex') })}\n`;
    await onDisk(async () => {
      await this.#file.appendFile(line);
      await this.#file.sync();
      await this.#file.close();
    });
  }

  async close(): Promise<void> {
    await this.#file.close().catch(() => {});
  }
}

/** Work on the disk. What fails there is no failure of the database. */
export async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new WorkError('failed', messageOf(error), { cause: error });
  }
}
