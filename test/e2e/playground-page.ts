/**
 * The built playground in a real browser, and what a person does with it. It is served as plain
 * files below a path, as any web server may do.
 */
import { once } from 'node:events';
import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, normalize, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { chromiumArguments, findChromium } from '../../scripts/find-chromium.ts';

const demo = fileURLToPath(new URL('../../demo-app', import.meta.url));
const BASE = '/some/path/';
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
};
/** The built page. */
export let folder: string;
let server: Server;
let browser: Browser;
let context: BrowserContext;
export let page: Page;
export let url: string;
let complaints: string[];

beforeAll(async () => {
  await access(`${demo}/dist/plugins/notes/plugin.js`).catch(() => {
    throw new Error('the demo plugins are not built: run the build first');
  });
  folder = await mkdtemp(join(tmpdir(), 'playground-'));
  await build({
    configFile: `${demo}/vite.config.ts`,
    logLevel: 'error',
    build: { outDir: folder, emptyOutDir: true },
  });
  server = serve(folder).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${BASE}`;
  const executablePath = findChromium();
  browser = await chromium.launch({
    ...(executablePath !== undefined && { executablePath }),
    args: [...chromiumArguments()],
  });
});

afterAll(async () => {
  await browser?.close();
  server?.closeAllConnections();
  server?.close();
  await rm(folder, { recursive: true, force: true });
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

export const allActive = () =>
  page
    .getByRole('status', { name: 'Kernel health' })
    .filter({ hasText: '6 of 6 plugins active' })
    .waitFor();
/** Waits until the code of the panel that is shown is loaded. */
export const loaded = () => page.locator('[data-loading]').waitFor({ state: 'detached' });
/** Opens a panel by its link. */
export const open = async (panel: string) => {
  await page.getByRole('navigation').getByRole('link', { name: panel, exact: true }).click();
  await page.getByRole('heading', { name: panel, exact: true }).waitFor();
  await loaded();
};
export const card = (id: string) => page.locator(`[data-plugin="${id}"]`);
export const stateOf = (id: string, state: string) =>
  card(id).locator(`.badge[data-state="${state}"]`).waitFor();
/** Waits for an event, in the panel of events with the filter set to it. */
export const event = async (topic: string, text = '') => {
  await open('Events');
  await page.getByLabel('Filter events').fill(`${topic} ${text}`);
  await page.locator(`[data-topic="${topic}"]`).first().waitFor();
};
export const result = () => page.getByRole('status', { name: 'Result' });

/**
 * Tabs until an element has the focus. What can't be reached this way can't be used without a
 * mouse.
 */
export async function tabTo(target: Locator): Promise<void> {
  for (let presses = 0; presses < 60; presses++) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`'${target}' cannot be reached with the keyboard`);
}

/** Shows a command with its input as JSON. */
export async function choose(command: string, input: unknown): Promise<void> {
  await open('Commands');
  await page.getByLabel('Command', { exact: true }).fill(command);
  // The form of the command has the choice, if any, from the start.
  await page.locator(`form[data-command="${command}"]`).waitFor();
  const json = page.getByRole('button', { name: 'Edit as JSON', pressed: false });
  if ((await json.count()) > 0) await json.click();
  await page.getByLabel('Input, as JSON').fill(input === undefined ? '' : JSON.stringify(input));
}

/** Runs a command with the keyboard and returns the text of the result panel. */
export async function run(command: string, input?: unknown): Promise<string> {
  await choose(command, input);
  await page.keyboard.press('ControlOrMeta+Enter');
  const panel = result().filter({ hasText: new RegExp(`${command} (answered|failed)`) });
  await panel.waitFor();
  return panel.innerText();
}

/** Files that a test adds to the site, by path. */
export const added = new Map<string, string>();

/** What the server was asked for and has sent, by path. A test clears it. */
export const sent = new Map<string, string | Buffer>();

function serve(site: string): Server {
  return createServer(async ({ url: address = '' }, response) => {
    const path = decodeURI(new URL(address, 'http://localhost').pathname);
    const file = normalize(join(site, path.endsWith('/') ? 'index.html' : path.slice(BASE.length)));
    try {
      if (!path.startsWith(BASE) || !file.startsWith(site + sep)) throw new Error('outside');
      const content = added.get(path.slice(BASE.length)) ?? (await readFile(file));
      sent.set(path, content);
      response.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream');
      response.end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
}

/** Takes back what the console told about a fault that the test has made. */
export function expectComplaint(part: string): void {
  complaints = complaints.filter((text) => !text.includes(part));
}
