/**
 * Pages with restrictions: plain http on a LAN name, Trusted Types, cross-origin isolation. The
 * kernel works, or names the cure.
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
const PAGE = `
  import { browserHost, createKernel, packageSource } from '@plinth/host-browser';
  import { createWorker } from '@plinth/host-browser/inline';
  const code = "export default { activate(ctx) { ctx.commands.handle('ping', () => 'pong'); } };";
  globalThis.run = async (isolation, { inline = false, frame, files, secrets, ready = 30_000 } = {}) => {
    const manifest = { id: 'test.a', version: '1.0.0', main: 'p.js', engines: { plinth: '*' }, ...(files && { files: { 'p.js': files } }) };
    const kernel = await createKernel({
      host: browserHost({ ...(inline && { createWorker }), frame }), isolation, limits: { ready },
      ...(secrets && { secrets: { key: new Uint8Array(32) } }),
      telemetry: { log: false }, sources: [packageSource([{ manifest, code }])],
    });
    await kernel.start();
    globalThis.kernel = kernel;
    return kernel.commands.execute('test.a:ping').catch((error) => kernel.plugins.explain('test.a').because ?? error.message);
  };`;
const TRUSTED = "require-trusted-types-for 'script'";
const HEADERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '/open.html': {},
  '/trusted.html': { 'Content-Security-Policy': `${TRUSTED}; trusted-types plinth` },
  '/untrusted.html': { 'Content-Security-Policy': `${TRUSTED}; trusted-types other` },
  '/isolated.html': {
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
  },
};

let server: Server;
let port: number;
let browser: Browser;
/** Headers of all files except pages. */
let fileHeaders: Readonly<Record<string, string>> = {};

beforeAll(async () => {
  const paths: Readonly<Record<string, string>> = {
    '@plinth/host-browser': 'index.js',
    '@plinth/host-browser/inline': 'inline.js',
  };
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
          paths[id] === undefined ? undefined : `${root}host-browser/dist/${paths[id]}`,
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
  server = createServer((request, response) => {
    const path = request.url ?? '';
    for (const [name, value] of Object.entries(HEADERS[path] ?? fileHeaders))
      response.setHeader(name, value);
    response.setHeader('Content-Type', path.endsWith('.js') ? 'text/javascript' : 'text/html');
    if (Object.hasOwn(HEADERS, path))
      response.end(
        '<!doctype html><title>page</title><body><script type="module" src="/page.js"></script></body>',
      );
    else if (files.has(path)) response.end(files.get(path));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
  const executablePath = findChromium();
  browser = await chromium.launch({
    ...(executablePath && { executablePath }),
    args: [...chromiumArguments(), '--host-resolver-rules=MAP plinth.lan 127.0.0.1'],
  });
});
afterAll(async () => {
  await browser?.close();
  server?.close();
});

async function at(path: string, host = '127.0.0.1'): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(`http://${host}:${port}${path}`);
  await page.waitForFunction("typeof globalThis.run === 'function'");
  return page;
}
const run = (page: Page, isolation: string, options: object = {}) =>
  page.evaluate(`run('${isolation}', ${JSON.stringify(options)})`);

it.each(['inline', 'worker', 'sandbox'])(
  'a page over plain http on a LAN name has a kernel: %s',
  async (isolation) => {
    const page = await at('/open.html', 'plinth.lan');
    expect(
      await page.evaluate('[isSecureContext, typeof crypto.subtle, typeof crypto.randomUUID]'),
    ).toEqual([false, 'undefined', 'undefined']);
    expect(await run(page, isolation)).toBe('pong');
    expect(await page.evaluate('kernel.audit.verify().then(({ ok }) => ok)')).toBe(true);
    await page.evaluate('kernel.stop()');
    await page.close();
  },
);

it('digests are checked there, and operations that need keys name the need when used', async () => {
  const page = await at('/open.html', 'plinth.lan');
  expect(await run(page, 'worker', { files: 'f'.repeat(64) })).toMatch(/SHA-256/);
  await page.evaluate('kernel.stop()');
  expect(await run(page, 'worker', { secrets: true })).toBe('pong');
  expect(
    await page.evaluate(
      "kernel.secrets.set('test.a', 'key', 'value').then(() => 'set', (error) => error.code + ' ' + error.message)",
    ),
  ).toMatch(/^runtime\/insecure-context .*https/);
  await page.evaluate('kernel.stop()');
  await page.close();
});

it.each([
  ['worker', { inline: true }],
  ['sandbox', { frame: '/plinth-frame.html' }],
] as const)(
  'a page with Trusted Types has plugins through its allowed policy, or from a file: %s',
  async (isolation, options) => {
    const page = await at('/trusted.html');
    expect(await run(page, isolation, options)).toBe('pong');
    await page.evaluate('kernel.stop()');
    await page.close();
  },
);

it.each([
  ['/trusted.html', 'worker', { inline: false }, /trusted-types plinth/],
  ['/untrusted.html', 'worker', { inline: true }, /trusted-types plinth/],
  [
    '/trusted.html',
    'sandbox',
    {},
    /Trusted Types.*browserHost\(\{ frame: '\/plinth-frame.html' \}\)/,
  ],
] as const)(
  '%s: %s that Trusted Types refuse get an error that names the cure',
  async (path, isolation, options, cure) => {
    const page = await at(path);
    expect(await run(page, isolation, options)).toMatch(cure);
    await page.evaluate('kernel.stop()');
    await page.close();
  },
);

it('a cross-origin isolated page names the headers of the files it cannot load, and has plugins once they are set', async () => {
  const page = await at('/isolated.html');
  expect(await page.evaluate('crossOriginIsolated')).toBe(true);
  expect(await run(page, 'worker')).toMatch(/Cross-Origin-Embedder-Policy: require-corp/);
  await page.evaluate('kernel.stop()');
  expect(await run(page, 'worker', { inline: true })).toBe('pong');
  await page.evaluate('kernel.stop()');
  expect(await run(page, 'sandbox')).toBe('pong');
  await page.evaluate('kernel.stop()');
  expect(await run(page, 'sandbox', { frame: '/plinth-frame.html', ready: 3_000 })).toMatch(
    /Cross-Origin-Embedder-Policy: require-corp/,
  );
  await page.evaluate('kernel.stop()');
  await page.close();
  fileHeaders = {
    'Cross-Origin-Embedder-Policy': 'require-corp',
    'Cross-Origin-Resource-Policy': 'cross-origin',
  };
  const again = await at('/isolated.html');
  for (const [isolation, options] of [
    ['worker', {}],
    ['sandbox', { frame: '/plinth-frame.html' }],
  ] as const) {
    expect(await run(again, isolation, options)).toBe('pong');
    await again.evaluate('kernel.stop()');
  }
  await again.close();
});
