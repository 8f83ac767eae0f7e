/** A page with databases, built from the packed packages: the worker and SQLite are found. */
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { outcomeOf } from './bundlers/outcome.ts';
import { ship } from './bundlers/project.ts';
import { SHIPPINGS } from './bundlers.ts';
import { type Packed, pack } from './packed.ts';
import { startChromium } from './site.ts';

/** Enough for a tool that must be downloaded first. */
const TIMEOUT = 400_000;
/** Tools that know `new Worker(new URL(…))`. */
const KNOWS = ['Vite dev', 'Vite build', 'webpack build', 'Rspack build'];
/** What is copied beside the bundle of another tool. */
const FILES = ['database-worker.js', 'sqlite3.wasm'];

let packed: Packed;
let browser: Browser;
beforeAll(async () => {
  [packed, browser] = await Promise.all([pack(), startChromium()]);
});
afterAll(async () => {
  await browser?.close();
  await packed?.remove();
});

const shippingOf = (name: string) => {
  const found = SHIPPINGS.find(({ tool, way }) => `${tool} ${way}` === name);
  if (found === undefined) throw new Error(`${name} is not in the list`);
  return found;
};

it.each(KNOWS)('%s needs no settings', { timeout: TIMEOUT }, async (name) => {
  const shipping = shippingOf(name);
  const project = await ship(packed, shipping, 'sql');
  expect(await outcomeOf(browser, project, shipping)).toEqual([['buy milk']]);
});

it('esbuild build needs two files beside the bundle', { timeout: TIMEOUT }, async () => {
  const shipping = shippingOf('esbuild build');
  const project = await ship(packed, shipping, 'sql');
  expect(await outcomeOf(browser, project, shipping).catch(String)).toMatch(/database-worker/);
  const from = join(project, 'node_modules/@plinth/sql/dist/browser');
  for (const file of FILES) await cp(join(from, file), join(project, 'dist', file));
  expect(await outcomeOf(browser, project, shipping)).toEqual([['buy milk']]);
});
