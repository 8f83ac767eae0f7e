/** The built pages of `examples/spa-*`, served with their headers, as their users see them. */
import type { BrowserContext, BrowserContextOptions, Locator, Page } from 'playwright';
import { preview } from 'vite';
import { expect, onTestFinished } from 'vitest';
import { violationsIn } from '../support/axe.ts';
import { startChromium } from './site.ts';

/** A server of a built page. */
export interface Served {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves what was built, until the test ends. */
export async function serve(root: string, base = '/', outDir = 'dist'): Promise<Served> {
  const options = { host: '127.0.0.1', port: 0 };
  const server = await preview({
    root,
    base,
    logLevel: 'warn',
    build: { outDir },
    preview: options,
  });
  const close = () => server.close();
  onTestFinished(close);
  const address = server.httpServer.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return { url: `http://127.0.0.1:${address.port}${base}`, close };
}

/** One browser with its own storage, and what went wrong in its pages. */
export interface Tabs {
  readonly context: BrowserContext;
  /** Errors of consoles and of scripts, and what policies refused. */
  readonly errors: readonly string[];
  open(url: string): Promise<NotesPage>;
}

/** Starts a browser, until the test ends. */
export async function startTabs(options: BrowserContextOptions = {}): Promise<Tabs> {
  const browser = await startChromium();
  onTestFinished(() => browser.close());
  const context = await browser.newContext(options);
  const errors: string[] = [];
  context.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  context.on('weberror', (error) => errors.push(error.error().message));
  return {
    context,
    errors,
    async open(url) {
      const page = await context.newPage();
      await page.goto(url);
      return notesPage(page, page.locator('.notes-app').first());
    },
  };
}

/** What a user does in one application of a page. */
export interface NotesPage {
  readonly page: Page;
  readonly root: Locator;
  add(text: string): Promise<void>;
  /** The texts of the notes, as they are listed. */
  shows(...texts: readonly string[]): Promise<void>;
  /** Runs a command by the palette, with the keyboard. */
  command(words: string): Promise<void>;
  /** Waits for a notice. */
  notice(text: string): Promise<void>;
  /** Presses a button. */
  press(name: string): Promise<void>;
}

/** The application of a page that stands in an element. */
export function notesPage(page: Page, root: Locator): NotesPage {
  const press = (name: string) => root.getByRole('button', { name, exact: true }).click();
  return {
    ...{ page, root, press },
    async add(text) {
      await root.getByLabel('New note').fill(text);
      await press('Add');
      await root.getByRole('listitem').filter({ hasText: text }).waitFor();
    },
    async shows(...texts) {
      const list = root.getByRole('list', { name: 'Notes' }).getByRole('listitem');
      await expect
        .poll(
          async () => {
            const shown = await list.allInnerTexts();
            return [shown.length, texts.every((text, at) => shown[at]?.includes(text))];
          },
          { timeout: 30_000 },
        )
        .toEqual([texts.length, true]);
    },
    async command(words) {
      await page.keyboard.press('Control+k');
      await root.getByRole('combobox', { name: 'Search commands' }).fill(words);
      await root.getByRole('option', { selected: true }).waitFor();
      await page.keyboard.press('Enter');
    },
    notice: (text) => root.locator('.notice').getByText(text).last().waitFor(),
  };
}

/** What axe finds in a page that keeps people out. */
export async function barriers(page: Page): Promise<readonly string[]> {
  return (await violationsIn(page))
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, places }) => `${id}: ${places.join(' ')}`);
}
