/** Keeps products, and offers them as a source of rows. */
import { definePlugin } from '@plinth/sdk';
import { DataProvider } from '@plinth/sdk/contracts';
import * as v from 'valibot';
import { Catalogue, Product } from './contract.ts';
import { columnsOf, select } from './query.ts';

type Product = v.InferOutput<typeof Product>;

const PREFIX = 'product:';
const PRODUCTS = {
  id: 'products',
  title: 'Products',
  columns: [
    { name: 'id', type: 'string' },
    { name: 'name', type: 'string' },
    { name: 'category', type: 'string' },
    { name: 'price', type: 'number' },
    { name: 'stock', type: 'number' },
    { name: 'since', type: 'date' },
  ],
} as const;

export default definePlugin({
  provides: [DataProvider, Catalogue],
  async activate(ctx) {
    const { storage } = ctx;
    const products = new Map<string, Product>();
    for (const key of await storage.keys(PREFIX))
      products.set(key, v.parse(Product, await storage.get(key)));

    ctx.provide(DataProvider, {
      sources: () => [{ ...PRODUCTS, columns: [...PRODUCTS.columns] }],
      query(query, call) {
        if (query.source !== PRODUCTS.id) call.fail('unknownSource', { source: query.source });
        const column = columnsOf(query).find(
          (name) => !PRODUCTS.columns.some((one) => one.name === name),
        );
        if (column !== undefined) call.fail('unknownColumn', { column });
        return select([...products.values()], query);
      },
    });
    ctx.provide(Catalogue, {
      async put(product) {
        const key = PREFIX + product.id;
        await storage.set(key, product);
        const isNew = !products.has(key);
        products.set(key, product);
        return { isNew };
      },
      async remove({ id }) {
        const removed = await storage.delete(PREFIX + id);
        products.delete(PREFIX + id);
        return { removed };
      },
    });
  },
});
