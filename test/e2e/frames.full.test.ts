/**
 * Guests in frames under the policies of real pages: where they run, where they refuse to start and
 * say why, and that none is left.
 */

import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright';
import { build, type Rollup } from 'vite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { chromiumArguments, findChromium } from '../../scripts/find-chromium.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const executablePath = findChromium();
const PAGE = `
  import { browserHost, createKernel, packageSource } from '@plinth/host-browser';
  const code = "export default { activate(ctx) { ctx.commands.handle('ping', () => 'pong ' + typeof indexedDB + ' ' + Object.isFrozen(Array.prototype)); ctx.commands.handle('spin', () => { for (;;); }); } };";
  const plugin = (id) => ({ manifest: { id, version: '1.0.0', main: 'p.js', engines: { plinth: '*' }, activation: ['startup'] }, code });
  globalThis.run = async (isolation, frame, ready) => {
    const kernel = await createKernel({ host: browserHost({ frame }), isolation, limits: { ready, deactivate: 500 }, sources: [packageSource([plugin('test.a'), plugin('test.b')])] });
    await kernel.start();
    globalThis.kernel = kernel;
    kernel.commands.execute('test.b:spin').catch(() => {});
    return kernel.commands.execute('test.a:ping').catch((error) => kernel.plugins.explain('test.a').because);
  };`;

let server: Server;
let base: string;
let browser: Browser;
/** Path of the file that workers start from. */
let workerFile: string | undefined;
/** The policy of the page, by its path. */
const POLICIES: Readonly<Record<string, string | undefined>> = {
  '/open.html': undefined,
  '/strict.html': "default-src 'self'",
  '/noframes.html': "default-src 'self'; frame-src 'none'",
};

beforeAll(async () => {
  const output = (await build({
    configFile: false,
    logLevel: 'silent',
    root,
    plugins: [
      {
        name: 'page',
        resolveId: (id) => (id === 'virtual:page' ? '\0page' : undefined),
        load: (id) => (id === '\0page' ? PAGE : undefined),
      },
      {
        name: 'from the workspace',
        enforce: 'pre',
        resolveId: (id) =>
          id === '@plinth/host-browser' ? `${root}host-browser/dist/index.js` : undefined,
      },
    ],
    build: {
      write: false,
      minify: false,
      rolldownOptions: {
        input: 'virtual:page',
        output: {
          entryFileNames: 'page.js',
          chunkFileNames: '[name].js',
          assetFileNames: '[name][extname]',
        },
      },
    },
  })) as Rollup.RollupOutput;
  const files = new Map<string, string | Uint8Array>(
    output.output.map((file) => [
      `/${file.fileName}`,
      file.type === 'chunk' ? file.code : file.source,
    ]),
  );
  for (const name of ['plinth-frame.html', 'plinth-frame.js'])
    files.set(`/${name}`, await readFile(`${root}host-browser/dist/${name}`, 'utf8'));
  workerFile = [...files.keys()].find((path) => path.includes('plugin-worker'));
  server = createServer((request, response) => {
    const path = request.url ?? '';
    const policy = path === workerFile ? "script-src 'self'" : POLICIES[path];
    if (policy !== undefined) response.setHeader('Content-Security-Policy', policy);
    response.setHeader('Content-Type', path.endsWith('.js') ? 'text/javascript' : 'text/html');
    if (Object.hasOwn(POLICIES, path))
      response.end(
        '<!doctype html><title>page</title><body><script type="module" src="/page.js"></script></body>',
      );
    else if (files.has(path)) response.end(files.get(path));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  browser = await chromium.launch({
    ...(executablePath && { executablePath }),
    args: [...chromiumArguments()],
  });
});
afterAll(async () => {
  await browser?.close();
  server?.close();
});

async function at(path: string): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(base + path);
  await page.waitForFunction("typeof globalThis.run === 'function'");
  return page;
}
/** @param ready milliseconds that a guest has to start: short where it can't start. */
const run = (page: Page, isolation: string, frame?: string, ready = 30_000) =>
  page.evaluate(`run('${isolation}', ${JSON.stringify(frame)}, ${ready})`);

it.each([
  ['/open.html', 'sandbox', undefined, 'pong undefined true'],
  ['/strict.html', 'sandbox', '/plinth-frame.html', 'pong undefined true'],
  ['/strict.html', 'process', '/plinth-frame.html', 'pong undefined false'],
])(
  '%s: %s with the frame %s answers, and nothing is left behind',
  async (path, isolation, frame, answer) => {
    const page = await at(path);
    expect(await run(page, isolation, frame)).toBe(answer);
    expect(page.frames()).toHaveLength(3);
    await page.evaluate('kernel.stop()');
    await expect.poll(() => page.frames().length).toBe(1);
    await expect.poll(() => page.workers().length, { timeout: 20_000 }).toBe(0);
    await page.close();
  },
);

it.each([
  ['/strict.html', undefined, /plinth-frame\.html/],
  ['/strict.html', '/missing.html', /is plinth-frame\.html .*served at/],
  ['/noframes.html', '/plinth-frame.html', /Content-Security-Policy/],
])(
  '%s with the frame %s: fails closed, and names the wall and the cure',
  async (path, frame, message) => {
    const page = await at(path);
    expect(await run(page, 'sandbox', frame, 2_000)).toMatch(message);
    await page.evaluate('kernel.stop()');
    await expect.poll(() => page.frames().length).toBe(1);
    await page.close();
  },
);

it('a worker whose own policy refuses modules from data: URLs says so, without quoting the bundle', async () => {
  const page = await at('/open.html');
  const because = await run(page, 'worker');
  expect(because).toMatch(
    /cannot load test\.a: test\.a\/p\.js threw while loading: .*Content-Security-Policy of the worker's own file has to allow 'script-src data:'/,
  );
  expect(because).not.toContain('pong');
  await page.evaluate('kernel.stop()');
  await page.close();
});
