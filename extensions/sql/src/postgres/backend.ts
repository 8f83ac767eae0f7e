/** Databases in PostgreSQL: a role and a schema for each plugin in each tenant. */
import { createError, messageOf } from '@plinth/sdk/contract';
import { type Backend, WorkError } from '../backend/backend.js';
import type { Limits } from '../host/options.js';
import { PostgresData } from './data.js';
import { inTime } from './in-time.js';
import type { PostgresSettings } from './options.js';
import { Owner } from './owner.js';
import { Pool } from './pool.js';

/** Milliseconds in which the server answers a check. */
const CHECK = 2_000;

/** The databases of a server. */
export function databasesOf(settings: PostgresSettings, limits: Limits): Backend {
  const owner = new Owner(settings);
  const pool = new Pool(settings.connections);
  const check = checking(owner);
  return {
    dialect: 'postgres',
    database: async (tenant, plugin, report) =>
      new PostgresData({ tenant, plugin, owner, pool, limits, report }),
    has: async (tenant, plugin) => (await told(owner.find(tenant, plugin))) !== undefined,
    list: (tenant) => told(owner.sizes(tenant)),
    tenants: () => told(owner.tenants()),
    purge: (tenant, plugin) => told(owner.purge(tenant, plugin)),
    // All tenants are on one server.
    check: () => check(),
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

/** Asks the server whether it can be used: one question at a time, however many ask. */
function checking(owner: Owner): () => Promise<void> {
  let asked: Promise<void> | undefined;
  return async () => {
    asked ??= owner.check().finally(() => {
      asked = undefined;
    });
    try {
      if (await inTime(asked, CHECK)) return;
    } catch (error) {
      throw new Error(reasonOf(error), { cause: error });
    }
    owner.cut();
    throw new Error(`the database server does not answer within ${CHECK} ms`);
  };
}

/** What has failed, and what the network or the server says of it. Passwords are in none of it. */
function reasonOf(error: unknown): string {
  const { cause } = error as Error;
  // A host with several addresses fails with a list of failures.
  const [first] = (cause as Partial<AggregateError> | undefined)?.errors ?? [cause];
  return first === undefined ? messageOf(error) : `${messageOf(error)}: ${messageOf(first)}`;
}
