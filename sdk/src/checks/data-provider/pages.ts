/** Checks of the options `limit` and `offset`, and of the total. */
import { type Checks, ensure } from '../check.js';
import { MOST_ROWS, type Probe } from './probe.js';
import { type Condition, type Query, valuesOf } from './rows.js';

/** Checks of pages. */
export function pages(probe: Probe): Checks {
  return { ...limits(probe), ...totals(probe) };
}

const DEFAULT_LIMIT = 100;

function limits(probe: Probe): Checks {
  return {
    'limit and offset: pages are exactly the whole': async () => {
      for (const whole of await probe.wholes()) await probe.ensurePaged(whole, {}, whole.rows);
    },
    'limit and offset: pages of what is chosen are exactly that': async () => {
      for (const whole of await probe.wholes()) {
        for (const { name: column } of whole.source.columns) {
          const values = valuesOf(whole.rows, column);
          const value = values[values.length >> 1];
          if (value === undefined) continue;
          const where: Condition[] = [{ column, operator: '!=', value }];
          await probe.ensurePaged(
            whole,
            { where },
            await probe.rowsOf({ source: whole.source.id, where, limit: MOST_ROWS }),
          );
        }
      }
    },
    'limit: none is none, and 100 when absent': async () => {
      for (const { source, rows } of await probe.wholes()) {
        ensure(
          (await probe.rowsOf({ source: source.id, limit: 0 })).length === 0,
          `'${source.id}' has rows at limit 0`,
        );
        const { length } = await probe.rowsOf({ source: source.id });
        ensure(
          length === Math.min(rows.length, DEFAULT_LIMIT),
          `'${source.id}' answers ${length} of ${rows.length} rows when no limit is given`,
        );
      }
    },
  };
}

function totals(probe: Probe): Checks {
  return {
    'total: all rows that are chosen, whatever the page, when it is given': async () => {
      for (const { source, rows } of await probe.wholes()) {
        const ensureTotal = async (query: Partial<Query>, expected: number) => {
          for (const page of [{ limit: 1 }, { limit: 1, offset: 1 }, { limit: 0 }]) {
            const { total } = await probe.client.query({ source: source.id, ...query, ...page });
            ensure(
              total === undefined || total === expected,
              `the total of '${source.id}' should be ${expected}, not ${total}`,
              { ...page },
            );
          }
        };
        await ensureTotal({}, rows.length);
        for (const { name: column } of source.columns) {
          const value = valuesOf(rows, column)[0];
          if (value === undefined) continue;
          const where: Condition[] = [{ column, operator: '=', value }];
          await ensureTotal(
            { where },
            (await probe.rowsOf({ source: source.id, where, limit: MOST_ROWS })).length,
          );
        }
      }
    },
  };
}
