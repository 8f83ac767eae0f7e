/** Rows from any source that a plugin offers. */
import * as v from 'valibot';
import { command, contract } from '../contract/contract.js';

const scalar = v.union([v.string(), v.number(), v.boolean(), v.null()]);

const column = v.object({
  name: v.string(),
  type: v.picklist(['string', 'number', 'boolean', 'date', 'json']),
});

const condition = v.object({
  column: v.string(),
  operator: v.picklist(['=', '!=', '<', '<=', '>', '>=', 'in', 'contains']),
  value: v.union([scalar, v.array(scalar)]),
});

const query = v.object({
  source: v.string(),
  /** Absent: all columns. */
  columns: v.optional(v.array(v.string())),
  /** All conditions must hold. */
  where: v.optional(v.array(condition), []),
  orderBy: v.optional(
    v.array(v.object({ column: v.string(), descending: v.optional(v.boolean(), false) })),
    [],
  ),
  limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 100),
  offset: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 0),
});

/**
 * Lists sources of rows and answers queries about them.
 *
 * @example
 * const { rows } = await kernel.client(DataProvider).query({ source: 'orders', where: [{ column: 'total', operator: '>', value: 100 }] });
 */
export const DataProvider = contract('plinth.data-provider@1', {
  sources: command({
    output: v.array(
      v.object({ id: v.string(), title: v.optional(v.string()), columns: v.array(column) }),
    ),
  }),
  query: command({
    input: query,
    output: v.object({
      rows: v.array(v.record(v.string(), v.unknown())),
      total: v.optional(v.number()),
    }),
    errors: {
      unknownSource: v.object({ source: v.string() }),
      unknownColumn: v.object({ column: v.string() }),
    },
    idempotent: true,
  }),
});
