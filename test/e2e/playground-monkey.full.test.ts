/**
 * A monkey presses, types and scrolls at random in every panel, faults included. The page must stay
 * whole: no error of its own, a menu that works, and plugins that answer. `VITE_PLINTH_SEED=…`
 * repeats a run.
 */
import type { Locator } from 'playwright';
import { expect, test } from 'vitest';
import { randomOf } from '../host/fuzz-frames.ts';
import { seedFor } from '../host/soak.ts';
import { card, expectComplaint, open, page, run, stateOf, url } from './playground-page.ts';

const DURATION = 150_000;
/** The plugin that the monkey may not stop, which shows that the others go on. */
const WITNESS = /Clock$/;

const TEXTS = [
  '',
  'demo.rogue:flood',
  'demo.digest:follow',
  'demo.rogue:spin',
  'demo.notes:add',
  'plugin:crashed',
  '<img src=x onerror="document.title=1">',
  '\u202Egnp.exe\u0000',
  '{"text":',
  '{"events": 100000, "logs": 10000}',
  '{"__proto__": {"polluted": true}}',
  '-1',
  '1e308',
  '💥'.repeat(500),
  'x'.repeat(20_000),
  'javascript:document.title=1',
  './plugins/calculator/plugin.json',
  './plugins/none/plugin.json',
];
const KEYS = [
  ...['Tab', 'Shift+Tab', 'Enter', 'Space', 'Escape', 'ArrowDown', 'ArrowUp', 'End', 'Home'],
  ...['PageDown', 'Control+Enter', 'Control+A', 'Delete', 'a', '<'],
];

/** Inputs that are pressed and not written. */
const PRESSED: ReadonlySet<string> = new Set(['checkbox', 'radio', 'range']);

class Monkey {
  readonly #random: () => number;
  readonly done: string[] = [];

  constructor(seed: number) {
    this.#random = randomOf(seed);
  }

  #one<T>(of: readonly T[]): T {
    return of[Math.floor(this.#random() * of.length)] as T;
  }

  /** Does one thing. What has gone or is covered meanwhile is left alone. */
  async act(panels: readonly string[]): Promise<void> {
    const chance = this.#random();
    if (chance < 0.06) return this.#open(this.#one(panels));
    if (chance < 0.3) return this.#press(this.#one(KEYS));
    const usable = page
      .locator('main, dialog[open], header')
      .locator('a[href], button, input, select, textarea, summary, .scroll')
      .filter({ visible: true });
    const target = usable.nth(Math.floor(this.#random() * (await usable.count())));
    await this.#use(target).catch((error: unknown) => {
      if (!/Timeout|detached|not attached|intercepts/.test(String(error))) throw error;
    });
  }

  async #open(panel: string): Promise<void> {
    // A dialog that is asked for meanwhile is above the menu.
    await page.evaluate((hash) => {
      location.hash = hash;
    }, `#/${panel.toLowerCase()}`);
    this.#note(`open ${panel}`);
  }

  async #press(key: string): Promise<void> {
    this.#note(`press ${key}`);
    await page.keyboard.press(key);
  }

  async #use(target: Locator): Promise<void> {
    const timeout = { timeout: 1_000 };
    const [tag, name, type] = await target.evaluate(
      (one) =>
        [
          one.localName,
          one.getAttribute('aria-label') ?? one.textContent?.slice(0, 40) ?? '',
          one.getAttribute('type') ?? '',
        ] as const,
      undefined,
      timeout,
    );
    if (WITNESS.test(name)) return;
    this.#note(`${tag} ${name}`);
    if (tag === 'select') {
      const options = await target.locator('option').count();
      await target.selectOption({ index: Math.floor(this.#random() * options) }, timeout);
    } else if (tag === 'section') {
      await target.evaluate((one, by) => one.scrollBy(0, by), (this.#random() - 0.3) * 4_000);
    } else if (type === 'file') {
      const file = {
        name: 'a file',
        mimeType: 'text/plain',
        buffer: Buffer.from(this.#one(TEXTS)),
      };
      await target.setInputFiles(file, timeout);
    } else if ((tag === 'input' && !PRESSED.has(type)) || tag === 'textarea') {
      const text = type === 'number' ? this.#one(['', '0', '-1', '7']) : this.#one(TEXTS);
      await target.fill(text, timeout);
    } else {
      await target.click({ ...timeout, noWaitAfter: true });
    }
  }

  #note(what: string): void {
    this.done.push(what);
    if (this.done.length > 40) this.done.shift();
  }
}

test('a monkey breaks nothing but what it is meant to break', { timeout: 400_000 }, async () => {
  const seed = seedFor(Date.now() % 1_000_000);
  const monkey = new Monkey(seed);
  try {
    await letLoose(monkey);
    await isWhole();
  } catch (cause) {
    throw new Error(`seed ${seed}, the last deeds: ${monkey.done.join(', ')}`, { cause });
  }
  // The kernel tells of faults, and the browser of addresses that lead nowhere.
  for (const part of ['[kernel]', '[demo.', 'Failed to load resource']) expectComplaint(part);
});

async function letLoose(monkey: Monkey): Promise<void> {
  const panels = await page.getByRole('navigation').getByRole('link').allInnerTexts();
  const navigated = page.url().split('#')[0];
  const end = performance.now() + DURATION;
  let deeds = 0;
  while (performance.now() < end) {
    await monkey.act(panels);
    deeds += 1;
    if (page.url().split('#')[0] !== navigated)
      throw new Error(`the page has gone to ${page.url()}`);
  }
  console.log(`${deeds} deeds`);
}

/** The menu works, no panel has failed, the witness answers, and another plugin starts. */
async function isWhole(): Promise<void> {
  const dialog = page.getByRole('dialog');
  for (let asked = 0; asked < 10 && (await dialog.isVisible()); asked++)
    await page.keyboard.press('Escape');
  expect(await page.title()).toContain('Plinth playground');
  const panels = await page.getByRole('navigation').getByRole('link').allInnerTexts();
  for (const panel of panels) {
    await open(panel);
    await page.getByRole('heading', { name: panel, exact: true }).waitFor();
    expect(await page.getByText('This panel failed').count()).toBe(0);
  }
  await endFaults();
  // Keys reach its buttons, too.
  await install('clock');
  for (const label of ['Enable', 'Resume', 'Activate']) {
    const button = card('demo.clock').getByRole('button', { name: new RegExp(`^${label}\\b`) });
    if ((await button.count()) === 0 || (await button.isDisabled())) continue;
    await button.click();
    break;
  }
  await stateOf('demo.clock', 'active');
  expect(await run('demo.clock:now')).toContain('answered');
  await install('calculator');
}

/** Installs a plugin that is not there any more. */
async function install(name: string): Promise<void> {
  await open('Plugins');
  if ((await card(`demo.${name}`).count()) > 0) return;
  await page.getByText('Install a plugin from an address').click();
  await page.getByLabel('Address of its plugin.json').fill(`${url}plugins/${name}/plugin.json`);
  await page.getByRole('button', { name: 'Install', exact: true }).click();
  await stateOf(`demo.${name}`, 'active');
}

/** A full disk or lost calls would go on in what is looked at. */
async function endFaults(): Promise<void> {
  await open('Chaos');
  const on = page
    .getByRole('region', { name: 'Faults around the plugins' })
    .getByRole('button', { pressed: true });
  while ((await on.count()) > 0) await on.first().click();
}
