/** Databases in PostgreSQL: a role and a schema for each plugin in each tenant. */
import { createError } from '@plinth/sdk/contract';
import { type Backend, WorkError } from '../backend/backend.js';
import type { Limits } from '../host/options.js';
import { PostgresData } from './data.js';
import type { PostgresSettings } from './options.js';
import { Owner } from './owner.js';
import { Pool } from './pool.js';

/** The databases of a server. */
export function databasesOf(settings: PostgresSettings, limits: Limits): Backend {
  const owner = new Owner(settings);
  const pool = new Pool(settings.connections);
  return {
    dialect: 'postgres',
    database: async (tenant, plugin, report) =>
      new PostgresData({ tenant, plugin, owner, pool, limits, report }),
    has: async (tenant, plugin) => (await told(owner.find(tenant, plugin))) !== undefined,
    list: (tenant) => told(owner.sizes(tenant)),
    purge: (tenant, plugin) => told(owner.purge(tenant, plugin)),
    // Each transaction has a connection of its own, and learns of its loss itself.
    onLost: () => () => {},
    async close() {
      await pool.close();
      await owner.close();
    },
  };
}

/** The application hears why its question has no answer. */
async function told<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof WorkError)) throw error;
    const code = error.kind === 'unavailable' ? 'sql/interrupted' : 'sql/failed';
    throw createError(code, `sql({ postgres }): ${error.message}`, { cause: error.cause ?? error });
  }
}
