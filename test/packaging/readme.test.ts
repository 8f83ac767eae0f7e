/**
 * The page of `@plinth/host-browser`'s README, built by Vite, runs the plugin of `@plinth/sdk`'s
 * README in Chromium.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { buildPlugin } from '../../scripts/build-plugins.ts';
import { codeOf } from '../docs/readme-code.ts';
import { serveBuilt, startChromium } from './site.ts';

it('greets on the console of the page', async () => {
  const folder = await mkdtemp(fileURLToPath(new URL('../docs/.readme-', import.meta.url)));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'src'));
  await writeFile(join(folder, 'src/index.ts'), codeOf('sdk', 'ts'));
  await writeFile(join(folder, 'plugin.json'), codeOf('sdk', 'json'));
  await writeFile(join(folder, 'main.ts'), codeOf('host-browser', 'ts'));
  const index = join(folder, 'index.html');
  await writeFile(index, '<!doctype html><script type="module" src="main.ts"></script>');
  await buildPlugin(folder, join(folder, 'public/plugins/greeter'));

  const site = await serveBuilt(folder, join(folder, 'dist'), { index });
  onTestFinished(() => site.close());
  const browser = await startChromium();
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  const logged = page.waitForEvent('console', (message) => message.type() === 'log');
  const [message] = await Promise.all([logged, page.goto(site.url)]);
  expect(message.text()).toBe('Hello, Ada!');
});
