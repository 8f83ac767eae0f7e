/** The rows of plugins: one for each plugin of each tenant. */
import { setTimeout } from 'node:timers/promises';
import { createError, type PluginError } from '@plinth/sdk/contract';
import { ask, type Client, type Parameter, type Row } from './client.js';
import { entryOf, type PluginRow, rowOf } from './plugin-row.js';
import { Turns } from './turns.js';

/** A plugin of a tenant. */
export interface PluginPlace {
  readonly tenant: string;
  readonly id: string;
}

/** Milliseconds for which a change is made again because others were faster. */
const CONTEST = 30_000;

/** Owns the table, and the order of changes in this process. */
export class PluginRows {
  readonly #client: Client;
  readonly #table: string;
  readonly #turns = new Turns();

  constructor(client: Client, table: string) {
    this.#client = client;
    this.#table = table;
  }

  /** The entry of a plugin; an error for a row that can't be read. */
  async get(place: PluginPlace): Promise<unknown> {
    await this.#turns.before(keyOf(place)).catch(() => {});
    const row = await this.#read(place);
    return row && entryOf(place.id, row);
  }

  /** The plugins of a tenant, or of all, and the bytes of their entries. */
  async all(tenant?: string): Promise<readonly (PluginPlace & { readonly bytes: number })[]> {
    const sql = `select tenant, id, length(metadata_json) as bytes from ${this.#table}`;
    const rows =
      tenant === undefined
        ? await this.#ask('list plugins', sql)
        : await this.#ask('list plugins', `${sql} where tenant = $1`, tenant);
    return rows.map((row) => ({
      tenant: String(row.tenant),
      id: String(row.id),
      bytes: Number(row.bytes),
    }));
  }

  async remove(place: PluginPlace): Promise<boolean> {
    const { tenant, id } = place;
    return this.#turns.change(keyOf(place), async () => {
      const sql = `delete from ${this.#table} where tenant = $1 and id = $2 returning 1 as gone`;
      return (await this.#ask(`forget ${id}`, sql, tenant, id)).length > 0;
    });
  }

  /** Deletes all rows of a tenant. */
  clear(tenant: string): Promise<void> {
    return this.#turns.clear(async () => {
      await this.#ask('forget plugins', `delete from ${this.#table} where tenant = $1`, tenant);
    });
  }

  /** Changes an entry while its row is the one that was read; else all over again. */
  update(place: PluginPlace, change: (current: unknown) => unknown): Promise<void> {
    return this.#turns.change(keyOf(place), async () => {
      const until = performance.now() + CONTEST;
      let wrote: string | undefined;
      for (let tries = 0; ; tries += 1) {
        const row = await this.#read(place);
        // A write whose answer was lost on its way has succeeded.
        if (wrote !== undefined && row?.metadata_json === wrote) return;
        const next = change(row && entryOf(place.id, row));
        if (next === undefined) {
          if (row === undefined || (await this.#remove(place, row))) return;
        } else {
          const made = rowOf(place.id, next, row);
          wrote = made.metadata_json;
          if (await this.#replace(place, row, made)) return;
        }
        if (performance.now() > until)
          throw createError(
            'storage/locked',
            `cannot change ${place.id} in ${this.#client.name}: other processes change it again and again`,
            { plugin: place.id, details: { database: this.#client.name } },
          );
        if (tries > 2) await setTimeout(Math.random() * Math.min(2 ** tries, 50));
      }
    });
  }

  /** What keeps it from working now. */
  async problem(): Promise<PluginError | undefined> {
    try {
      await this.#read({ tenant: '', id: '' });
      return undefined;
    } catch (error) {
      return error as PluginError;
    }
  }

  idle(): Promise<void> {
    return this.#turns.idle();
  }

  async #read({ tenant, id }: PluginPlace): Promise<PluginRow | undefined> {
    const [row] = await this.#ask(
      `read '${id}'`,
      `select name, version, path, status, metadata_json from ${this.#table}
      where tenant = $1 and id = $2`,
      tenant,
      id,
    );
    if (row === undefined) return undefined;
    const text = (name: string) => String(row[name] ?? '');
    return {
      name: text('name'),
      version: text('version'),
      path: text('path'),
      status: text('status'),
      metadata_json: text('metadata_json'),
    };
  }

  async #replace(
    { tenant, id }: PluginPlace,
    before: PluginRow | undefined,
    { name, version, path, status, metadata_json }: PluginRow,
  ): Promise<boolean> {
    const now = new Date().toISOString().replace('T', ' ').replace('Z', '');
    const values = [tenant, id, name, version, path, status, metadata_json, now] as const;
    const done =
      before === undefined
        ? await this.#ask(
            `keep ${id}`,
            `insert into ${this.#table} (tenant, id, name, version, path, status, metadata_json,
            created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $8)
            on conflict (tenant, id) do nothing returning 1 as done`,
            ...values,
          )
        : await this.#ask(
            `keep ${id}`,
            `update ${this.#table} set name = $3, version = $4, path = $5, status = $6,
            metadata_json = $7, updated_at = $8 where tenant = $1 and id = $2
            and metadata_json = $9 and status = $10 returning 1 as done`,
            ...values,
            before.metadata_json,
            before.status,
          );
    return done.length > 0;
  }

  async #remove({ tenant, id }: PluginPlace, before: PluginRow): Promise<boolean> {
    const sql = `delete from ${this.#table} where tenant = $1 and id = $2
      and metadata_json = $3 and status = $4 returning 1 as gone`;
    const { metadata_json, status } = before;
    return (await this.#ask(`forget ${id}`, sql, tenant, id, metadata_json, status)).length > 0;
  }

  #ask(doing: string, sql: string, ...parameters: readonly Parameter[]): Promise<readonly Row[]> {
    return ask(this.#client, doing, sql, ...parameters);
  }
}

const keyOf = ({ tenant, id }: PluginPlace): string => `${tenant}\0${id}`;

/** The statements that make the table. */
export const pluginTable = (table: string): readonly string[] => [
  `create table if not exists ${table} (tenant text not null, id text not null,
    name text not null, version text not null, path text not null, status text not null,
    metadata_json text not null default '{}', created_at timestamp not null,
    updated_at timestamp not null, primary key (tenant, id))`,
  `create unique index if not exists plugin_id_version on ${table} (tenant, id, version)`,
];
