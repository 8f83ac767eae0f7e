/**
 * One small application, built with every tool of the list: its plugin answers from a worker and,
 * where there are walls, from behind them.
 */
import type { Browser } from 'playwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { outcomeOf } from './bundlers/outcome.ts';
import { program, ship } from './bundlers/project.ts';
import { SHIPPINGS } from './bundlers.ts';
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
        ? await outcomeOf(browser, project, shipping)
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
