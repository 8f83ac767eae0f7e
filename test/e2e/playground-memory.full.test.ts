/** Plugins that are reloaded again and again leave nothing behind in the page. */
import type { CDPSession } from 'playwright';
import { expect, test } from 'vitest';
import { card, open, page } from './playground-page.ts';

const NAMES = ['Notes', 'Search', 'Markdown', 'Clock', 'Digest', 'Rogue'];
const RELOADS = 100;
/** Bytes that one reload may leave: an entry of a log or two, until the log is full. */
const MOST_EACH = 10_000;

test('memory and workers stay as they are over 100 reloads', { timeout: 400_000 }, async () => {
  const session = await page.context().newCDPSession(page);
  await reload(RELOADS / 2);
  const before = await usedBy(session);
  await reload(RELOADS);
  const after = await usedBy(session);
  console.log(`${before.heap} B of heap before ${RELOADS} reloads, ${after.heap} B after`);
  expect(after.heap - before.heap).toBeLessThan(MOST_EACH * RELOADS);
  expect(after.listeners - before.listeners).toBeLessThan(RELOADS / 4);
  expect(after.nodes - before.nodes).toBeLessThan(RELOADS / 4);
  await expect.poll(() => page.workers().length).toBe(NAMES.length);
});

async function reload(times: number): Promise<void> {
  await open('Plugins');
  for (let count = 0; count < times; count++) {
    const name = NAMES[count % NAMES.length] as string;
    const press = card(`demo.${name.toLowerCase()}`).getByRole('button', {
      name: `Reload ${name}`,
    });
    await press.click();
    await expect.poll(() => press.getAttribute('aria-busy')).toBe('false');
  }
}

/** What is in use once the lists of the page are cleared and the garbage is collected. */
async function usedBy(session: CDPSession) {
  for (const list of ['Traces', 'Events']) {
    await open(list);
    await page.getByRole('button', { name: 'Clear', exact: true }).click();
  }
  await open('Plugins');
  // Twice, since what is finalized by the first is collected by the second.
  for (let times = 0; times < 2; times++) await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  const { jsEventListeners, nodes } = await session.send('Memory.getDOMCounters');
  return { heap: usedSize, listeners: jsEventListeners, nodes };
}
