/** Two real tabs of one origin write to one database. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Site, serveBuilt, startChromium } from './site.ts';
import type { Tab } from './tabs/tab.ts';

const root = fileURLToPath(new URL('tabs', import.meta.url));
let out: string;
let site: Site;
let browser: Browser;

beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'plinth-tabs-'));
  [site, browser] = await Promise.all([
    serveBuilt(root, out, { index: join(root, 'index.html') }),
    startChromium(),
  ]);
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
  await rm(out, { recursive: true, force: true });
});

async function openTabs(count: number): Promise<readonly Page[]> {
  const context = await browser.newContext();
  return Promise.all(
    Array.from({ length: count }, async () => {
      const page = await context.newPage();
      await page.goto(site.url);
      await page.waitForFunction(() => 'tab' in globalThis);
      return page;
    }),
  );
}
const run = (page: Page, part: Exclude<keyof Tab, 'written'>, times: number) =>
  page.evaluate(([name, n]) => (globalThis as unknown as { tab: Tab }).tab[name](n), [
    part,
    times,
  ] as const);

it.each(['adapter', 'plugin'] as const)(
  'two tabs that update one key 300 times each lose nothing: %s',
  async (part) => {
    const [first, second] = (await openTabs(2)) as [Page, Page];
    await Promise.all([run(first, part, 300), run(second, part, 300)]);
    expect(await run(first, part, 0)).toBe(600);
    expect(await run(second, part, 0)).toBe(600);
  },
);

it('a tab that is closed while it writes does not affect the other one', async () => {
  const [first, second] = (await openTabs(2)) as [Page, Page];
  const cut = run(first, 'endless', 20).catch(() => 'cut');
  await first.waitForFunction(() => (globalThis as unknown as { tab: Tab }).tab.written > 100);
  await run(second, 'adapter', 50);
  await first.close();
  expect(await cut).toBe('cut');
  const before = (await run(second, 'adapter', 0)) as number;
  expect(await run(second, 'adapter', 50)).toBe(before + 50);
});
