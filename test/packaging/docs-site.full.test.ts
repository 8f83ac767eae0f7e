/** The site of the documentation is built without a dead link, and works from a static server. */
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { preview } from 'vite';
import { expect, it, onTestFinished } from 'vitest';
import { startChromium } from './site.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

it('shows its pages, finds an error code, and asks no other server', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['scripts/docs-site.ts'], {
    cwd: root,
    env: { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` },
  });
  expect(stdout).toMatch(/has \d+ pages without a dead link/);

  const server = await preview({
    configFile: false,
    root: join(root, 'docs/.vitepress'),
    appType: 'mpa',
    preview: { host: '127.0.0.1', port: 0 },
  });
  onTestFinished(() => server.close());
  const address = server.httpServer.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const url = `http://127.0.0.1:${address.port}`;
  const browser = await startChromium();
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  const others: string[] = [];
  const faults: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:'))
      others.push(request.url());
  });
  page.on('pageerror', (error) => faults.push(error.message));

  await page.goto(url);
  await page.getByRole('link', { name: 'for authors' }).click();
  await page.getByRole('heading', { level: 1, name: 'Getting started: write a plugin' }).waitFor();
  await page.getByRole('button', { name: 'Search' }).click();
  await page.getByRole('searchbox').fill('storage/quota');
  await page.locator('.results .result').first().waitFor();
  await page.locator('.results .result', { hasText: 'Error codes' }).first().click();
  await page.getByRole('heading', { level: 1, name: 'Error codes' }).waitFor();
  await page.goto(`${url}/api/index.html`);
  await page.getByRole('heading', { name: 'Plinth' }).first().waitFor();
  expect(others).toEqual([]);
  expect(faults).toEqual([]);
}, 300_000);
