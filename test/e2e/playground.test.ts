/** The built playground in a real browser, used as a person would. */
import { access } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright';
import { build, type PreviewServer, preview } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { chromiumArguments, findChromium } from '../../scripts/find-chromium.ts';

const demo = fileURLToPath(new URL('../../demo-app', import.meta.url));
const configFile = `${demo}/vite.config.ts`;
let server: PreviewServer;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let url: string;
let complaints: string[];

beforeAll(async () => {
  await access(`${demo}/dist/plugins/notes/plugin.js`).catch(() => {
    throw new Error('the demo plugins are not built: run the build first');
  });
  await build({ configFile, logLevel: 'warn' });
  server = await preview({ configFile, logLevel: 'warn', preview: { host: '127.0.0.1', port: 0 } });
  const address = server.httpServer.address();
  if (address === null || typeof address === 'string')
    throw new Error('the preview server has no port');
  url = `http://127.0.0.1:${address.port}/`;
  const executablePath = findChromium();
  browser = await chromium.launch({
    ...(executablePath !== undefined && { executablePath }),
    args: [...chromiumArguments()],
  });
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
});

beforeEach(async () => {
  context = await browser.newContext();
  page = await context.newPage();
  complaints = [];
  page.on('console', (message) => {
    // The kernel's reports about the misbehaving demo plugin are expected.
    if (message.text().includes('[kernel] demo.rogue')) return;
    // True on a slow machine, and harmless: the plugins are waited for below.
    if (message.text().includes('taken in when they come')) return;
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(url);
  await allActive();
});

afterEach(async () => {
  await context.close();
  expect(complaints).toEqual([]);
});

const allActive = () =>
  page
    .getByRole('status', { name: 'Kernel health' })
    .filter({ hasText: '5 of 5 plugins active' })
    .waitFor();
const card = (id: string) => page.locator(`[data-plugin="${id}"]`);
const stateOf = (id: string, state: string) =>
  card(id).locator(`.badge[data-state="${state}"]`).waitFor();
const event = (topic: string, text = '') =>
  page.locator(`#events [data-topic="${topic}"]`).filter({ hasText: text }).first().waitFor();

/**
 * Tabs until an element has the focus. What can't be reached this way can't be used without a
 * mouse.
 */
async function tabTo(label: string): Promise<void> {
  const target = page.getByLabel(label, { exact: true });
  for (let presses = 0; presses < 60; presses++) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`'${label}' cannot be reached with the keyboard`);
}

/** Runs a command with the keyboard alone and returns the text of the result panel. */
async function runByKeyboard(command: string, input: unknown): Promise<string> {
  await page.locator('body').press('Home');
  await tabTo('Command');
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.type(command);
  await page.keyboard.press('Escape');
  await tabTo('Input, as JSON');
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.press('Delete');
  if (input !== undefined) await page.keyboard.type(JSON.stringify(input));
  await page.keyboard.press('ControlOrMeta+Enter');
  const panel = page
    .getByRole('status', { name: 'Result' })
    .filter({ hasText: new RegExp(`${command} (answered|failed)`) });
  await panel.waitFor();
  return panel.innerText();
}

test('a note is added with the keyboard alone, and its event is shown', async () => {
  expect(await runByKeyboard('demo.notes:add', { text: '  from the keyboard ' })).toMatch(
    /answered[\s\S]*"id": "n1"/,
  );
  await event('demo.notes:added', '"from the keyboard"');
});

test('the rogue crashes and is restarted, while the notes go on', async () => {
  await runByKeyboard('demo.notes:add', { text: 'still here' });
  await card('demo.rogue').getByRole('button', { name: 'Crash' }).click();
  await event('plugin:crashed', 'demo.rogue');
  expect(await runByKeyboard('demo.notes:list', undefined)).toContain('still here');
  await event('plugin:restarted', 'demo.rogue');
  await stateOf('demo.rogue', 'active');
});

test('a plugin that was stopped by hand stays stopped until it is activated by hand', async () => {
  await card('demo.rogue').getByRole('button', { name: 'Deactivate' }).click();
  await stateOf('demo.rogue', 'unloaded');
  await page.getByRole('status', { name: 'Kernel health' }).filter({ hasText: '4 of 5' }).waitFor();
  await card('demo.rogue')
    .getByRole('button', { name: /^Activate/ })
    .click();
  await stateOf('demo.rogue', 'active');
});

test('the rogue spins until it is reloaded, while the notes go on', async () => {
  await page.getByLabel('Command', { exact: true }).fill('demo.rogue:spin');
  await page.getByLabel('Input, as JSON').fill('{}');
  await page.getByRole('button', { name: 'Run' }).click();
  await page.getByRole('status', { name: 'Result' }).filter({ hasText: 'is running' }).waitFor();
  expect(await runByKeyboard('demo.notes:list', undefined)).toContain('[]');
  await card('demo.rogue').getByRole('button', { name: 'Reload' }).click();
  await event('plugin:reloaded', 'demo.rogue');
  await stateOf('demo.rogue', 'active');
});

test.each(['demo.rogue:exit', 'demo.rogue:reject'])('%s ends the plugin', async (command) => {
  await page.getByLabel('Command', { exact: true }).fill(command);
  await page.getByRole('button', { name: 'Run' }).click();
  await event('plugin:crashed', 'demo.rogue');
  await event('plugin:restarted', 'demo.rogue');
  await stateOf('demo.rogue', 'active');
});

test.each([
  ['control', 6],
  ['noise', 1],
])('forged %s messages are refused', async (kind, sent) => {
  await page.getByLabel('Command', { exact: true }).fill('demo.rogue:forge');
  await page.getByLabel('Input, as JSON').fill(JSON.stringify({ kind }));
  await page.getByRole('button', { name: 'Run' }).click();
  if (kind === 'noise') await event('plugin:crashed', 'demo.rogue');
  else
    await page
      .getByRole('status', { name: 'Result' })
      .filter({ hasText: `"sent": ${sent}` })
      .waitFor();
  await event(kind === 'noise' ? 'plugin:crashed' : 'wire:refused', 'demo.rogue');
});

test('a note survives a reload of the page', async () => {
  await runByKeyboard('demo.notes:add', { text: 'kept over a reload' });
  await page.reload();
  await allActive();
  expect(await runByKeyboard('demo.notes:list', undefined)).toContain('kept over a reload');
});

test('a flood leaves at most 200 rows and a responsive page', async () => {
  expect(await runByKeyboard('demo.rogue:flood', { events: 20_000, logs: 20_000 })).toMatch(
    /"accepted": \d+/,
  );
  expect(await page.locator('#events li').count()).toBeLessThanOrEqual(200);
  await page.getByLabel('Filter events').fill('no such event');
  await page.getByText(/^0 shown of/).waitFor();
});

test('the page fits a narrow screen', async () => {
  await page.setViewportSize({ width: 360, height: 740 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
});
