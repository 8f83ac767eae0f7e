/**
 * Values of the kernel's storage as rows of one table. Each write has a revision of its own, and a
 * change is written only while the revision is the one that it was made from: so several processes
 * can share a table without a lock that outlives one of them.
 */
import { setTimeout } from 'node:timers/promises';
import type { StorageAdapter } from '@plinth/kernel/extension';
import { createError, type PluginError } from '@plinth/sdk/contract';
import {
  above,
  bytesOfKey,
  decode,
  digestOf,
  type Encoded,
  encode,
  keyOfBytes,
  printable,
  same,
  serialized,
} from './bytes.js';
import { ask, type Client, type Parameter, type Row } from './client.js';
import { Turns } from './turns.js';

/** Bytes of a row beside its key and value. */
const OVERHEAD = 96;
/** Milliseconds for which a change is made again because others were faster. */
const CONTEST = 30_000;

interface Kept {
  readonly value: Uint8Array;
  readonly digest: Uint8Array;
  readonly revision: Uint8Array;
}

/** Owns the rows of a table, and the order of changes in this process. */
export class Values implements Required<StorageAdapter> {
  readonly #client: Client;
  readonly #table: string;
  readonly #turns = new Turns();
  readonly #found: PluginError[] = [];
  readonly #listeners = new Set<(problem: PluginError) => void>();
  #closed: Promise<void> | undefined;

  /** @param table its name, with columns as {@link valueTable} makes them. */
  constructor(client: Client, table: string) {
    this.#client = client;
    this.#table = table;
    client.onLost((problem) => this.#tell(problem));
  }

  async get(key: string): Promise<unknown> {
    this.#checkOpen();
    await this.#turns.before(key).catch(() => {});
    const kept = await this.#read(key);
    return kept && decode(key, kept.value, this.#client.name);
  }

  /** Captures the value now; later changes by the caller aren't stored. */
  async set(key: string, value: unknown): Promise<void> {
    this.#checkOpen();
    const bytes = bytesOfKey(key);
    const row = encode(key, bytes, value);
    await this.#turns.change(key, () =>
      this.#ask(
        `store '${printable(key)}'`,
        `insert into ${this.#table} (key, value, digest, revision) values ($1, $2, $3, $4)
        on conflict (key) do update set value = excluded.value, digest = excluded.digest,
        revision = excluded.revision`,
        bytes,
        row.value,
        row.digest,
        row.revision,
      ),
    );
  }

  async delete(key: string): Promise<boolean> {
    this.#checkOpen();
    const bytes = bytesOfKey(key);
    const gone = await this.#turns.change(key, () =>
      this.#ask(
        `delete '${printable(key)}'`,
        `delete from ${this.#table} where key = $1 returning 1 as gone`,
        bytes,
      ),
    );
    return gone.length > 0;
  }

  async keys(prefix: string): Promise<readonly string[]> {
    this.#checkOpen();
    const rows = await this.#below('read the keys', 'select key', prefix);
    return rows.flatMap(({ key }) => keyOfBytes(key as Uint8Array) ?? []);
  }

  async sizes(prefix: string): Promise<ReadonlyMap<string, number>> {
    this.#checkOpen();
    const rows = await this.#below('read the keys', 'select key, length(value) as bytes', prefix);
    const sizes = new Map<string, number>();
    for (const row of rows) {
      const bytes = row.key as Uint8Array;
      const key = keyOfBytes(bytes);
      if (key !== undefined) sizes.set(key, bytes.length + Number(row.bytes) + OVERHEAD);
    }
    return sizes;
  }

  cost(key: string, value: unknown): number {
    return key.length * 2 + serialized(key, value).length + OVERHEAD;
  }

  async clear(prefix: string): Promise<void> {
    this.#checkOpen();
    return this.#turns.clear(async () => {
      await this.#below('delete', 'delete', prefix);
    });
  }

  async update(key: string, change: (current: unknown) => unknown): Promise<void> {
    this.#checkOpen();
    return this.#turns.change(key, () => this.#update(key, change));
  }

  async problem(): Promise<PluginError | undefined> {
    try {
      this.#checkOpen();
      await this.#read('');
      return undefined;
    } catch (error) {
      return error as PluginError;
    }
  }

  onCorrupt(listener: (problem: PluginError) => void): void {
    for (const problem of this.#found) listener(problem);
    this.#listeners.add(listener);
  }

  close(): Promise<void> {
    this.#closed ??= this.#turns.idle().then(() => this.#client.close());
    return this.#closed;
  }

  /** Reads, changes, and writes while the row is the one that was read; else all over again. */
  async #update(key: string, change: (current: unknown) => unknown): Promise<void> {
    const until = performance.now() + CONTEST;
    let wrote: Encoded | undefined;
    for (let tries = 0; ; tries += 1) {
      const kept = await this.#read(key);
      // A write whose answer was lost on its way has succeeded.
      if (kept !== undefined && wrote !== undefined && same(kept.revision, wrote.revision)) return;
      const next = change(kept && decode(key, kept.value, this.#client.name));
      if (next === undefined && kept === undefined) return;
      wrote = next === undefined ? undefined : encode(key, bytesOfKey(key), next);
      if (await this.#replace(key, kept, wrote)) return;
      if (performance.now() > until)
        throw createError(
          'storage/locked',
          `cannot change '${printable(key)}' in ${this.#client.name}: other processes change it again and again`,
          { details: { key: printable(key), database: this.#client.name } },
        );
      if (tries > 2) await setTimeout(Math.random() * Math.min(2 ** tries, 50));
    }
  }

  /** Writes a row in the place of the one that was read. False: another is there. */
  async #replace(key: string, kept: Kept | undefined, next: Encoded | undefined): Promise<boolean> {
    const bytes = bytesOfKey(key);
    const doing = `store '${printable(key)}'`;
    if (next === undefined) {
      const sql = `delete from ${this.#table} where key = $1 and revision = $2 returning 1 as done`;
      return (await this.#ask(doing, sql, bytes, kept?.revision ?? bytes)).length > 0;
    }
    const row = [bytes, next.value, next.digest, next.revision] as const;
    const done =
      kept === undefined
        ? await this.#ask(
            doing,
            `insert into ${this.#table} (key, value, digest, revision) values ($1, $2, $3, $4)
            on conflict (key) do nothing returning 1 as done`,
            ...row,
          )
        : await this.#ask(
            doing,
            `update ${this.#table} set value = $2, digest = $3, revision = $4
            where key = $1 and revision = $5 returning 1 as done`,
            ...row,
            kept.revision,
          );
    return done.length > 0;
  }

  /** A sound row. One that is damaged is set aside, and counts as absent. */
  async #read(key: string): Promise<Kept | undefined> {
    const bytes = bytesOfKey(key);
    const [row] = await this.#ask(
      `read '${printable(key)}'`,
      `select value, digest, revision from ${this.#table} where key = $1`,
      bytes,
    );
    if (row === undefined) return undefined;
    const kept = row as unknown as Kept;
    if (same(digestOf(bytes, kept.value), kept.digest)) return kept;
    await this.#setAside(key, bytes, kept.revision);
    // Another process may have written it meanwhile.
    return this.#read(key);
  }

  async #setAside(key: string, bytes: Uint8Array, revision: Uint8Array): Promise<void> {
    const doing = `set '${printable(key)}' aside`;
    const columns = 'key, revision, value, digest';
    await this.#ask(
      doing,
      `insert into ${this.#table}_corrupt (${columns})
      select ${columns} from ${this.#table} where key = $1 and revision = $2
      on conflict (key, revision) do nothing`,
      bytes,
      revision,
    );
    const gone = await this.#ask(
      doing,
      `delete from ${this.#table} where key = $1 and revision = $2 returning 1 as gone`,
      bytes,
      revision,
    );
    if (gone.length === 0) return;
    const { name } = this.#client;
    this.#tell(
      createError(
        'storage/corrupt',
        `'${printable(key)}' in ${name} is damaged: it was set aside in ${this.#table}_corrupt, and its key counts as absent`,
        { details: { key: printable(key), database: name } },
      ),
    );
  }

  /** Does something with all rows whose keys begin with a prefix. */
  #below(doing: string, what: string, prefix: string): Promise<readonly Row[]> {
    const first = bytesOfKey(prefix);
    const end = above(first);
    const sql = `${what} from ${this.#table} where key >= $1`;
    return end === undefined
      ? this.#ask(doing, sql, first)
      : this.#ask(doing, `${sql} and key < $2`, first, end);
  }

  #ask(doing: string, sql: string, ...parameters: readonly Parameter[]): Promise<readonly Row[]> {
    return ask(this.#client, doing, sql, ...parameters);
  }

  /** @throws PluginError `storage/failed` once it is closed. */
  #checkOpen(): void {
    if (this.#closed === undefined) return;
    const { name } = this.#client;
    throw createError('storage/failed', `the storage in ${name} was closed`, {
      details: { database: name },
    });
  }

  #tell(problem: PluginError): void {
    this.#found.push(problem);
    for (const tell of this.#listeners) tell(problem);
  }
}

/** The statements that make a table of values, and the one for its damaged ones. */
export const valueTable = (table: string, bytes: 'blob' | 'bytea'): readonly string[] => [
  `create table if not exists ${table} (key ${bytes} primary key, value ${bytes} not null,
    digest ${bytes} not null, revision ${bytes} not null)`,
  `create table if not exists ${table}_corrupt (key ${bytes} not null, revision ${bytes} not null,
    value ${bytes} not null, digest ${bytes} not null, primary key (key, revision))`,
];
