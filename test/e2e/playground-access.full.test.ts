/** The playground is for everyone: what axe finds, the keyboard, colours, motion and small screens. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { violationsIn } from '../support/axe.ts';
import { open, page, run } from './playground-page.ts';

/** Most presses of the Tab key in one panel. */
const MOST_STOPS = 200;

let panels: readonly string[];

beforeEach(async () => {
  panels = await page.getByRole('navigation').getByRole('link').allInnerTexts();
});

afterEach(async () => {
  await page.emulateMedia({ colorScheme: null, forcedColors: null, reducedMotion: null });
});

/** Opens each panel, with something to show in it. */
async function inEachPanel(look: (panel: string) => Promise<void>): Promise<void> {
  await run('demo.notes:add', { text: 'milk' });
  for (const panel of panels) {
    await open(panel);
    await page.getByRole('heading', { name: panel, exact: true }).waitFor();
    await page.getByText('Loading…').waitFor({ state: 'detached' });
    await look(panel);
  }
}

test.each(['light', 'dark'] as const)('axe finds nothing in any panel: %s', async (colorScheme) => {
  await page.emulateMedia({ colorScheme });
  const found: string[] = [];
  await inEachPanel(async (panel) => {
    for (const { id, places } of await violationsIn(page))
      found.push(`${panel}: ${id}: ${places.join(' ')}`);
  });
  expect(found).toEqual([]);
});

test('the keyboard alone reaches everything in each panel', async () => {
  await inEachPanel(async (panel) => {
    expect(await missedByTab(), panel).toEqual([]);
  });
});

/** What can be used with a mouse, and is not reached by the Tab key or, in a list, by the arrows. */
async function missedByTab(): Promise<readonly string[]> {
  await page.evaluate(() => {
    const reached = new WeakSet<EventTarget>();
    const note = ({ target }: Event) => target !== null && reached.add(target);
    document.addEventListener('focusin', note);
    const usable = 'a[href], button, input, select, textarea, summary, [tabindex="0"]';
    const present = [...document.querySelectorAll<HTMLElement>(usable)];
    Object.assign(window, {
      left: () =>
        present
          // What has gone meanwhile can't be used either. Rows of a list are reached by its arrows.
          .filter((one) => one.isConnected && one.checkVisibility() && !reached.has(one))
          .filter((one) => one.tabIndex >= 0 || one.closest('.scroll') === null)
          .map((one) => one.outerHTML.slice(0, 200)),
    });
    (document.activeElement as HTMLElement | null)?.blur();
  });
  const left = () =>
    page.evaluate(() => (window as unknown as { left(): readonly string[] }).left());
  let missed = await left();
  for (let stops = 0; stops < MOST_STOPS && missed.length > 0; stops += 10) {
    for (let presses = 0; presses < 10; presses++) {
      // The Tab key is the editor's own, until Escape gives it back for one press.
      if ((await page.locator('.cm-editor:focus-within').count()) > 0)
        await page.keyboard.press('Escape');
      await page.keyboard.press('Tab');
    }
    missed = await left();
  }
  return missed;
}

test('arrow keys move through the rows of a list, which is one stop of the Tab key', async () => {
  await open('Events');
  await page.locator('li.event').nth(3).waitFor();
  await page.getByRole('button', { name: 'Pause' }).click();
  const list = page.getByRole('log');
  await list.focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  const second = list.getByRole('button').nth(1);
  expect(await second.evaluate((one) => one === document.activeElement)).toBe(true);
  await page.keyboard.press('Enter');
  const topic = (await second.locator('strong').innerText()).trim();
  await page.getByRole('heading', { name: topic, level: 3 }).waitFor();
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Tab');
  expect(await list.evaluate((one) => one.contains(document.activeElement))).toBe(false);
});

test('the list has the focus once its row that had it is scrolled away', async () => {
  await run('demo.rogue:flood', { events: 200, logs: 0 });
  await open('Events');
  await page.getByRole('button', { name: 'Pause' }).click();
  const list = page.getByRole('log');
  await list.focus();
  await page.keyboard.press('ArrowDown');
  const focused = page.locator(':focus');
  expect(await focused.evaluate((one) => one.tagName)).toBe('BUTTON');
  await list.evaluate((one) => one.scrollTo(0, one.scrollHeight));
  await expect.poll(() => list.evaluate((one) => one === document.activeElement)).toBe(true);
  await page.keyboard.press('ArrowDown');
  expect(await focused.evaluate((one) => one.tagName)).toBe('BUTTON');
});

test('the menu can be skipped', async () => {
  await page.keyboard.press('Tab');
  const skip = page.getByRole('button', { name: 'Skip the menu' });
  expect(await skip.evaluate((one) => one === document.activeElement)).toBe(true);
  expect((await skip.boundingBox())?.y).toBeGreaterThanOrEqual(0);
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  const inMain = page.getByRole('main').locator(':focus');
  expect(await inMain.count()).toBe(1);
});

test('states are told apart where the system sets the colours', async () => {
  await page.emulateMedia({ forcedColors: 'active' });
  await run('demo.notes:add', { text: 'milk' });
  const background = (selector: string) =>
    page
      .locator(selector)
      .first()
      .evaluate((one) => getComputedStyle(one).backgroundColor);
  const around = await background('body');
  expect(await background('nav a[aria-current]')).not.toBe(
    await background('nav a:not([aria-current])'),
  );
  expect(await background('.waterfall .bar')).not.toBe(around);
  await open('Graph');
  const edge = page.locator('.edge path').first();
  await edge.waitFor();
  expect(await edge.evaluate((one) => getComputedStyle(one).stroke)).not.toBe(around);
});

test('nothing moves for those who want no motion', async () => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await inEachPanel(async (panel) => {
    const moving = await page.evaluate(() =>
      document.getAnimations().map((one) => (one.effect as KeyframeEffect).target?.outerHTML),
    );
    expect(moving, panel).toEqual([]);
  });
});

test.each([
  [1280, 800],
  [390, 844],
  [360, 740],
])('every panel fits a screen of %i × %i', async (width, height) => {
  await page.setViewportSize({ width, height });
  await inEachPanel(async (panel) => {
    const needed = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(needed, panel).toBeLessThanOrEqual(width);
  });
});
