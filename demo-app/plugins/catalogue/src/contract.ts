/** How the catalogue is edited. Its content is available as a `DataProvider`. */
import { command, contract } from '@plinth/sdk';
import * as v from 'valibot';

/** One product. `since` is a day, like `2026-01-31`. */
export const Product = v.object({
  id: v.pipe(v.string(), v.minLength(1), v.maxLength(100)),
  name: v.string(),
  category: v.optional(v.nullable(v.string()), null),
  price: v.pipe(v.number(), v.minValue(0)),
  stock: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 0),
  since: v.optional(v.nullable(v.pipe(v.string(), v.isoDate())), null),
});

export const Catalogue = contract('demo.catalogue@1', {
  put: command({ input: Product, output: v.object({ isNew: v.boolean() }) }),
  remove: command({
    input: v.object({ id: v.string() }),
    output: v.object({ removed: v.boolean() }),
    idempotent: true,
  }),
});
