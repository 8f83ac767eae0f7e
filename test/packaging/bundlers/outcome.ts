/** Opens a built page, and reads what it leaves. */
import type { Browser } from 'playwright';
import { expect } from 'vitest';
import type { Shipping } from '../bundlers.ts';
import { serve } from './serve.ts';

/** The page's result, once nothing of a plugin is left in it. */
export async function outcomeOf(
  browser: Browser,
  project: string,
  shipping: Shipping,
): Promise<unknown> {
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
    // The browser tells of a worker's end a moment after it.
    await expect.poll(() => page.workers()).toEqual([]);
    return await page.evaluate(() => (globalThis as unknown as { outcome: unknown }).outcome);
  } finally {
    await page.close();
    await served.close();
  }
}
