/**
 * Plugins of a page through Vite's dev server: a save swaps the plugin with its state, and what can't
 * be built or started is shown over the page while the version before still runs.
 */
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright';
import { build, createLogger, createServer, preview, type ViteDevServer } from 'vite';
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import { plinthPlugin } from '../../cli/dist/vite/index.js';
import { startChromium } from '../packaging/site.ts';

const source = (word: string, start = '') => `import { definePlugin } from '@plinth/sdk';
let count = 0;
export default definePlugin({
  activate(ctx) {
    ${start}
    ctx.commands.handle('add', () => {
      count += 1;
      return \`${word} \${count}\`;
    });
  },
  getState: () => count,
  restoreState(state) {
    count = Number(state);
  },
});
`;
const manifest = (id: string, version: string) =>
  JSON.stringify({ id, version, contributes: { commands: [{ id: 'add' }] } });
const PLUGIN = 'plugins/counter/src/index.ts';
const FILES = {
  'index.html':
    '<!doctype html><title>page</title><script type="module" src="/src/main.ts"></script>',
  'src/main.ts': `import { hotSwap } from '@plinth/cli/vite/client';
import { createKernel } from '@plinth/host-browser';
import counter from 'plinth:../plugins/counter';

const kernel = await createKernel({ sources: [counter] });
hotSwap(kernel, counter);
await kernel.start();
Object.assign(globalThis, {
  add: () => kernel.commands.execute('com.example.counter:add'),
  plugins: () => kernel.plugins.list().map(({ id, version, state }) => [id, version, state].join(' ')),
});
document.title = 'ready';
`,
  'plugins/counter/plugin.json': manifest('com.example.counter', '1.0.0'),
  // What Vite replaces in modules of the page stays as it is in plugins: they have a digest.
  [PLUGIN]: source('first', "ctx.logger.debug('import.meta.env.MODE process.env.NODE_ENV');"),
};

let browser: Browser;
let folder: string;
beforeAll(async () => {
  browser = await startChromium();
});
afterAll(() => browser?.close());
beforeEach(async () => {
  // Inside of the workspace, so that its packages are found.
  folder = await mkdtemp(fileURLToPath(new URL('.vite-', import.meta.url)));
  const made = folder;
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  await save(FILES);
});

/** Writes files, each at once, as most editors do. */
async function save(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(`${file}.tmp`, text);
    await rename(`${file}.tmp`, file);
  }
}

const addressOf = (server: Pick<ViteDevServer, 'resolvedUrls'>) =>
  server.resolvedUrls?.local[0] as string;

async function open(url: string): Promise<Page> {
  const page = await browser.newPage();
  onTestFinished(() => page.close());
  await page.goto(url);
  return page;
}
const ready = (page: Page) => page.waitForFunction(() => document.title === 'ready');
const add = (page: Page) =>
  page.evaluate(() => (globalThis as unknown as { add(): Promise<string> }).add());
const plugins = (page: Page) =>
  page.evaluate(() => (globalThis as unknown as { plugins(): string[] }).plugins());
const overlay = (page: Page) => page.locator('vite-error-overlay .message-body');
/** Waits until so many swaps were told. */
const swaps = (told: readonly string[], count: number) =>
  expect.poll(() => told.filter((text) => text.includes('swapped')).length).toBe(count);

/** A dev server of the folder, and what it has told. */
async function serve() {
  const told: string[] = [];
  const logger = createLogger('silent');
  logger.info = logger.error = (text) => void told.push(text);
  const server = await createServer({
    configFile: false,
    root: folder,
    customLogger: logger,
    cacheDir: join(folder, '.cache'),
    server: { host: '127.0.0.1', port: 0 },
    plugins: [plinthPlugin()],
  });
  onTestFinished(() => server.close());
  await server.listen();
  return { url: addressOf(server), told };
}

it('a save swaps the plugin with its state, and neither the page nor its state is lost', async () => {
  const { url, told } = await serve();
  const page = await open(url);
  await ready(page);
  await page.evaluate(() => Object.assign(globalThis, { kept: true }));
  expect(await add(page)).toBe('first 1');

  await save({ [PLUGIN]: source('second') });
  await swaps(told, 1);
  expect(await add(page)).toBe('second 2');

  await save({ [PLUGIN]: 'export default {\n' });
  await expect
    .poll(() => overlay(page).allInnerTexts())
    .toEqual([expect.stringContaining('src/index.ts:2:')]);
  expect(told.join('\n')).toContain('src/index.ts:2:');
  expect(await add(page)).toBe('second 3');

  await save({ [PLUGIN]: source('third', "throw new Error('not today');") });
  await expect
    .poll(() => overlay(page).allInnerTexts())
    .toEqual([expect.stringContaining('not today')]);
  expect(told.join('\n')).toContain('not today');
  expect(await add(page)).toBe('second 4');

  await save({ [PLUGIN]: source('fourth') });
  await swaps(told, 2);
  expect(await add(page)).toBe('fourth 5');
  expect(await overlay(page).count()).toBe(0);
  expect(await page.evaluate(() => 'kept' in globalThis)).toBe(true);
});

it('the first save after the start may be wrong, too', async () => {
  const { url, told } = await serve();
  const page = await open(url);
  await ready(page);
  expect(await add(page)).toBe('first 1');
  await save({ [PLUGIN]: 'export default {\n' });
  await overlay(page).waitFor();
  await save({ [PLUGIN]: source('second') });
  await swaps(told, 1);
  expect(await add(page)).toBe('second 2');
  await save({ [PLUGIN]: 'export default {\n' });
  await overlay(page).waitFor();
  await save({ [PLUGIN]: source('second') });
  await overlay(page).waitFor({ state: 'detached' });
  expect(await add(page)).toBe('second 3');
});

it('another version and another id take the place of the plugin', async () => {
  const { url, told } = await serve();
  const page = await open(url);
  await ready(page);
  const saveAs = (id: string, version: string) =>
    save({ 'plugins/counter/plugin.json': manifest(id, version) });
  await saveAs('com.example.counter', '0.9.0');
  await swaps(told, 1);
  expect(await plugins(page)).toEqual(['com.example.counter 0.9.0 active']);
  await saveAs('com.example.other', '0.9.0');
  await swaps(told, 2);
  expect(await plugins(page)).toEqual(['com.example.other 0.9.0 active']);
});

it('a page whose plugin cannot be built loads once it can', async () => {
  await save({ [PLUGIN]: 'export default {\n' });
  const { url } = await serve();
  const page = await open(url);
  await overlay(page).waitFor();
  await save({ [PLUGIN]: source('mended') });
  await ready(page);
  expect(await add(page)).toBe('mended 1');
});

it('imports have types', () => {
  const tsc = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url));
  const options = ['--ignoreConfig', '--noEmit', '--strict', '--module', 'preserve'];
  const place = ['--target', 'es2023', '--lib', 'es2023,esnext.disposable,dom', '--types', ''];
  const { stdout } = spawnSync(process.execPath, [tsc, ...options, ...place, 'src/main.ts'], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect(stdout).toBe('');
});

it('a build has the plugin in the page', async () => {
  const common = { configFile: false, root: folder, logLevel: 'silent' } as const;
  await build({ ...common, plugins: [plinthPlugin()], build: { target: 'es2023' } });
  const server = await preview({ ...common, preview: { host: '127.0.0.1', port: 0 } });
  onTestFinished(() => server.close());
  const page = await open(addressOf(server));
  await ready(page);
  expect(await add(page)).toBe('first 1');
});

it('a swap is soon', async () => {
  const { url, told } = await serve();
  const page = await open(url);
  await ready(page);
  const times = () => told.flatMap((text) => /swapped .* (\d+) ms/.exec(text)?.[1] ?? []);
  for (let count = 1; count <= 10; count++) {
    await save({ [PLUGIN]: source(`save ${count}`) });
    await swaps(told, count);
  }
  console.log(`swaps in ms: ${times().join(', ')}`);
  expect(Math.min(...times().map(Number))).toBeLessThan(300);
});
