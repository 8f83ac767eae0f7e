/** The guided tour: by hand, done for the person at the page, and by the keyboard. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { allActive, card, open, page, result, run, tabTo } from './playground-page.ts';

const require = createRequire(new URL('../../extensions/ui/package.json', import.meta.url));
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const dock = () => page.getByRole('region', { name: 'Guided tour', exact: true });
const press = (name: string) => dock().getByRole('button', { name, exact: true }).click();
/** Waits for a step, and for what has ended the one before. */
const at = async (place: number, outcome: string | RegExp = '') => {
  await dock().getByText(`${place} of 7`).waitFor();
  if (outcome !== '') await dock().getByText(outcome).waitFor();
};
const finished = () => dock().getByText('That was the tour.').waitFor();

/** What axe finds in a part of the page. */
async function barriers(selector: string): Promise<readonly string[]> {
  await page.evaluate(axe);
  return page.evaluate(async (part) => {
    const { run } = (globalThis as unknown as { readonly axe: Axe }).axe;
    const { violations } = await run(part);
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  }, selector);
}
interface Axe {
  run(part: string): Promise<{
    readonly violations: readonly {
      readonly id: string;
      readonly nodes: readonly { readonly html: string }[];
    }[];
  }>;
}

test('each step goes on by what has really happened', async () => {
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await at(1);
  await run('demo.notes:add', { text: 'milk' });
  await at(2, /demo\.notes:add has answered in/);
  await open('Chaos');
  await page.getByRole('button', { name: 'Crash', exact: true }).click();
  // The rogue is restarted by itself, which ends the third step.
  await at(4, /demo\.rogue runs again after \d+ ms\. Meanwhile demo\.\w+ has answered/);
  await open('Permissions');
  await page.getByLabel('Plugin').selectOption('demo.rogue');
  await page.getByRole('button', { name: 'Let it ask for a right' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Refuse' }).click();
  await at(5, 'demo.rogue did not get commands.execute demo.notes:list');
  await page.getByText('(refused)').waitFor();
  const tick = page.getByRole('button', { name: 'Tick now' });
  const ticks = page
    .getByRole('region', { name: 'Clock', exact: true })
    .getByText(/[1-9]\d* ticks/);
  await open('Views');
  await tick.click();
  await ticks.waitFor();
  await open('Plugins');
  await card('demo.clock').getByRole('button', { name: 'Reload' }).click();
  await at(6, /demo\.clock was replaced after tick \d+, and has gone on with tick \d+/);
  await open('Views');
  await ticks.waitFor();
  await tick.click();
  await at(7, 'demo.clock has answered the press');
  await open('Compare');
  await page.locator('main button[type="submit"]').click();
  await finished();
  await press('End the tour');
  await dock().waitFor({ state: 'detached' });
  await page.reload();
  await allActive();
  expect(await dock().count()).toBe(0);
  expect(await page.getByRole('button', { name: 'Start', exact: true }).count()).toBe(0);
});

test('each step can be done for the person at the page', async () => {
  await page.getByRole('button', { name: 'Guided tour' }).click();
  const help = dock().locator('button[aria-busy="false"]').filter({ hasText: 'Do it for me' });
  const steps: readonly (readonly [next: number, outcome: string | RegExp])[] = [
    [2, /demo\.notes:add has answered in/],
    // The third step ends by itself: the rogue is restarted.
    [4, /demo\.rogue runs again after/],
    [5, 'demo.rogue did not get commands.execute demo.notes:list'],
    [6, 'demo.clock was replaced after tick'],
    [7, 'demo.clock has answered the press'],
  ];
  for (const [next, outcome] of steps) {
    await help.click();
    await at(next, outcome);
  }
  await help.click();
  await finished();
});

test('the rogue can be crashed again to see it recover', async () => {
  await page.getByRole('button', { name: 'Guided tour' }).click();
  await press('Skip');
  await at(2);
  await press('Skip');
  await at(3);
  await press('Do it for me');
  await at(4, /demo\.rogue runs again after/);
});

test('a request that was refused before ends its step without a question', async () => {
  const skipToDeny = async () => {
    await page.getByRole('button', { name: 'Guided tour' }).click();
    for (let step = 1; step < 4; step++) {
      await at(step);
      await press('Skip');
    }
    await at(4);
  };
  await skipToDeny();
  await press('Do it for me');
  await at(5, 'demo.rogue did not get');
  await press('End');
  await skipToDeny();
  await page.getByLabel('Plugin').selectOption('demo.rogue');
  await page.getByRole('button', { name: 'Let it ask for a right' }).click();
  await at(5, 'demo.rogue did not get');
});

test('the tour is used with the keyboard, leaves the page usable, and goes on after a reload', async () => {
  await tabTo(page.getByRole('button', { name: 'Guided tour' }));
  await page.keyboard.press('Enter');
  const focused = () => page.evaluate(() => document.activeElement?.textContent ?? '');
  await expect.poll(focused).toBe('Guided tour');
  await tabTo(dock().getByRole('link', { name: 'Open the panel' }));
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Commands', exact: true }).waitFor();
  await tabTo(dock().getByRole('button', { name: 'Skip' }));
  await page.keyboard.press('Enter');
  await at(2);
  expect(await focused()).toBe('Skip');
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await result().filter({ hasText: 'answered' }).waitFor();
  await page.reload();
  await allActive();
  await at(2);
  await tabTo(dock().getByRole('button', { name: 'End' }));
  await page.keyboard.press('Enter');
  await dock().waitFor({ state: 'detached' });
  expect((await focused()).trim()).toBe('Guided tour');
});

test.each(['light', 'dark'] as const)(
  'axe finds nothing in the dock, the offer and the views: %s',
  async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    expect(await barriers('.offer')).toEqual([]);
    await page.getByRole('button', { name: 'Guided tour' }).click();
    await press('Do it for me');
    await at(2, /has answered/);
    expect(await barriers('.tour')).toEqual([]);
    await open('Views');
    await page.getByText('1 added here').or(page.getByText('0 added here')).waitFor();
    expect(await barriers('main')).toEqual([]);
    await page.keyboard.press('ControlOrMeta+k');
    await page.getByRole('option').first().waitFor();
    expect(await barriers('dialog.palette')).toEqual([]);
  },
);

test.each([
  [1280, 800],
  [390, 844],
  [360, 740],
])('the dock fits a screen of %i × %i', async (width, height) => {
  await page.setViewportSize({ width, height });
  await page.getByRole('button', { name: 'Guided tour' }).click();
  for (let step = 1; step <= 7; step++) {
    await at(step);
    const box = await dock().boundingBox();
    expect(box?.x).toBeGreaterThanOrEqual(0);
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(width);
    expect((box?.y ?? 0) + (box?.height ?? 0)).toBeLessThanOrEqual(height);
    expect(box?.height).toBeLessThan(height / 2);
    await press('Skip');
  }
  await finished();
});
