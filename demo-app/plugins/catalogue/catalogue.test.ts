/** The catalogue in a worker, as a source of rows. */

import type { Kernel, KernelOptions } from '@plinth/kernel';
import { DataProvider } from '@plinth/sdk/contracts';
import { contractChecks } from '@plinth/sdk/testing';
import { afterEach, expect, test } from 'vitest';
import { lastingStorage, startBuilt } from '../../testing/demo-kernel.ts';
import { Catalogue } from './src/contract.ts';

const kernels: Kernel[] = [];
const start = async (options?: KernelOptions) => {
  const kernel = await startBuilt(['catalogue'], options);
  kernels.push(kernel);
  return kernel;
};

afterEach(async () => {
  await Promise.all(kernels.splice(0).map((kernel) => kernel.stop()));
});

const fill = async (kernel: Kernel, count: number) => {
  const { put } = kernel.client(Catalogue);
  const products = Array.from({ length: count }, (_, index) => ({
    id: `p${index}`,
    name: `Product ${String.fromCharCode(65 + (index % 7))}`,
    category: index % 4 === 0 ? null : `c${index % 3}`,
    price: (index * 7) % 11,
    stock: index % 5,
    since: index % 6 === 0 ? null : `2026-0${1 + (index % 9)}-15`,
  }));
  await Promise.all(products.map((product) => put(product)));
};

test('it is a DataProvider', async () => {
  const kernel = await start();
  await fill(kernel, 12);
  for (const { run } of contractChecks(DataProvider, kernel.client(DataProvider), {
    source: 'products',
  }))
    await run();
});

test('null is last in both orders, and no comparison with it is true', async () => {
  const kernel = await start();
  await fill(kernel, 6);
  const { query } = kernel.client(DataProvider);
  for (const descending of [false, true]) {
    const { rows } = await query({
      source: 'products',
      orderBy: [{ column: 'category', descending }],
    });
    expect(rows.map(({ category }) => category).slice(-2)).toEqual([null, null]);
  }
  expect(
    await query({
      source: 'products',
      where: [{ column: 'category', operator: '<', value: 'z' }],
      limit: 0,
    }),
  ).toEqual({ rows: [], total: 4 });
  expect(
    await query({
      source: 'products',
      where: [{ column: 'category', operator: '=', value: null }],
      limit: 0,
    }),
  ).toEqual({ rows: [], total: 2 });
});

test('put() replaces a product, and remove() returns whether there was one to remove', async () => {
  const { put, remove } = (await start()).client(Catalogue);
  expect(await put({ id: 'tea', name: 'Tea', price: 3 })).toEqual({ isNew: true });
  expect(await put({ id: 'tea', name: 'Tea', price: 4 })).toEqual({ isNew: false });
  expect(await remove({ id: 'tea' })).toEqual({ removed: true });
  expect(await remove({ id: 'tea' })).toEqual({ removed: false });
});

test('products survive a restart', async () => {
  const storage = lastingStorage();
  const before = await start({ storage });
  await before.client(Catalogue).put({ id: 'tea', name: 'Tea', price: 3 });
  await before.stop();
  const { rows } = await (await start({ storage }))
    .client(DataProvider)
    .query({ source: 'products', columns: ['name', 'price'] });
  expect(rows).toEqual([{ name: 'Tea', price: 3 }]);
});
