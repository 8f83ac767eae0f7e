/**
 * One small application, built with every tool of the list: its plugin answers from a worker and,
 * where there are walls, from behind them.
 */
import type { Browser } from 'playwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { program, ship } from './bundlers/project.ts';
import { serve } from './bundlers/serve.ts';
import { SHIPPINGS, type Shipping } from './bundlers.ts';
import { type Packed, pack } from './packed.ts';
import { startChromium } from './site.ts';

/** Enough for a tool that must be downloaded first. */
const TIMEOUT = 400_000;

let packed: Packed;
let browser: Browser;
beforeAll(async () => {
  [packed, browser] = await Promise.all([pack(), startChromium()]);
});
afterAll(async () => {
  await browser?.close();
  await packed?.remove();
});

describe.each(
  SHIPPINGS.map(
    (shipping) => [`${shipping.tool} ${shipping.version}, ${shipping.way}`, shipping] as const,
  ),
)('%s', (_, shipping) => {
  it('ships the application', { timeout: TIMEOUT }, async () => {
    const project = await ship(packed, shipping);
    const outcome =
      shipping.run === undefined
        ? await open(project, shipping)
        : JSON.parse(await program(project, shipping.run));
    expect(outcome).toEqual({
      worker: 'hello Ada',
      sandbox:
        shipping.noSandbox === undefined
          ? 'hello Ada'
          : expect.stringContaining(shipping.noSandbox),
    });
  });
});

/** The page's result, once nothing of a plugin is left in it. */
async function open(project: string, shipping: Shipping): Promise<unknown> {
  const served = await serve(project, shipping);
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => void complaints.push(error.message));
  page.on('console', (message) => {
    // The connection of Vite's client ends with its worker; there is no icon.
    const known = /\/@vite\/|\/favicon\.ico$/.test(message.location().url);
    if (message.type() === 'error' && !known) complaints.push(message.text());
  });
  try {
    await page.goto(served.url);
    await page.waitForFunction(() => 'outcome' in globalThis, undefined, { timeout: 120_000 });
    expect(complaints).toEqual([]);
    expect(page.workers()).toEqual([]);
    return await page.evaluate(() => (globalThis as unknown as { outcome: unknown }).outcome);
  } finally {
    await page.close();
    await served.close();
  }
}
