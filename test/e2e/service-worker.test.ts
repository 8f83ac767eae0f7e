/** HTTP in a Service Worker: pages of Chromium ask plugins of a kernel that runs there. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright';
import { build } from 'rolldown';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startChromium } from '../packaging/site.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const ENTRY = `${root}service-worker.js`;
/** A Service Worker can't start workers, so its plugins run inline. */
const WORKER = `
  import { createKernel, inlineHost, memoryStorage, packageSource } from '@plinth/kernel';
  import { http } from '@plinth/http/host';
  import { routes } from '@plinth/http';
  const manifest = { id: 'test.notes', version: '1.0.0', main: 'plugin.js', engines: { plinth: '^1.0.0' },
    provides: ['plinth.http-routes@1'], permissions: { contracts: { provide: ['plinth.http-routes'] } } };
  const plugin = { activate(ctx) { routes(ctx, {
    'GET /notes/:id': ({ params, query }) => ({ json: [params.id, query.q] }),
    'POST /notes': ({ json }, call) => ({ status: 201, json: [json(), call.user] }),
    'GET /ticks': () => ({ headers: { 'content-type': 'text/event-stream' }, body: (async function* () {
      for (let n = 0; n < 3; n++) { yield 'data: ' + n + '\\n\\n'; await new Promise((go) => setTimeout(go, 5)); }
    })() }),
    'GET /broken': () => ({ body: (async function* () { yield 'half'; throw new Error('gone'); })() }),
  }); } };
  const started = (async () => {
    const kernel = await createKernel({ host: inlineHost(), isolation: 'inline', storage: memoryStorage(),
      telemetry: { log: false }, sources: [packageSource([{ manifest, plugin }])],
      extensions: [http({ authenticate: () => 'ada' })] });
    await kernel.start();
    await kernel.extension(http).admin(kernel, { tokens: { 'token-of-the-admin': { name: 'ada', role: 'admin' } } });
    return kernel;
  })();
  self.addEventListener('install', (event) => event.waitUntil(started.then(() => self.skipWaiting())));
  self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
  self.addEventListener('fetch', (event) => {
    const { pathname } = new URL(event.request.url);
    if (/^\\/(plugins|api|health)\\//.test(pathname))
      event.respondWith(started.then((kernel) => kernel.extension(http).fetch(event.request)));
    if (pathname === '/listen')
      event.respondWith(started.then((kernel) => kernel.extension(http).listen()).then(
        () => new Response('listens'), ({ code, message }) => new Response(code + ' ' + message)));
  });`;

let server: Server;
let browser: Browser;
let page: Page;
const errors: string[] = [];

beforeAll(async () => {
  const { output } = await build({
    input: ENTRY,
    cwd: root,
    platform: 'browser',
    write: false,
    logLevel: 'silent',
    plugins: [
      {
        name: 'worker',
        resolveId: (id) => (id === ENTRY ? id : undefined),
        load: (id) => (id === ENTRY ? WORKER : undefined),
      },
    ],
    // A Service Worker can't import while it runs.
    output: { format: 'iife', codeSplitting: false },
  });
  const script = output[0].code;
  server = createServer(({ url }, response) => {
    const isScript = url === '/sw.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.statusCode = isScript || url === '/' ? 200 : 404;
    response.end(isScript ? script : '<!doctype html><title>page</title>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  browser = await startChromium();
  page = await browser.newPage();
  page.on('pageerror', ({ message }) => errors.push(message));
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await page.evaluate(async () => {
    await navigator.serviceWorker.register('/sw.js');
    await navigator.serviceWorker.ready;
    if (navigator.serviceWorker.controller === null)
      await new Promise((resolve) =>
        navigator.serviceWorker.addEventListener('controllerchange', resolve, { once: true }),
      );
  });
});
afterAll(async () => {
  await browser?.close();
  server?.closeAllConnections();
  server?.close();
});

interface Sent {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

const ask = (path: string, init: Sent = {}) =>
  page.evaluate(
    async ([address, how]) => {
      const response = await fetch(address, how);
      return [response.status, await response.text()] as const;
    },
    [path, init] as const,
  );

it('answers pages with routes of plugins', async () => {
  expect(await ask('/plugins/test.notes/notes/7?q=x')).toEqual([200, '["7","x"]']);
  const headers = { 'content-type': 'application/json' };
  expect(
    await ask('/plugins/test.notes/notes', { method: 'POST', headers, body: '{"a":1}' }),
  ).toEqual([201, '[{"a":1},"ada"]']);
  expect((await ask('/plugins/test.none/'))[0]).toBe(404);
  expect((await ask('/health/ready'))[1]).toBe('{"status":"ready"}');
  expect((await ask('/listen'))[1]).toMatch(/^kernel\/invalid-option .*a browser has no server/);
});

it('streams, and breaks what a plugin did not finish', async () => {
  const ticks = await page.evaluate(
    () =>
      new Promise<string[]>((resolve, reject) => {
        const found: string[] = [];
        const source = new EventSource('/plugins/test.notes/ticks');
        source.onmessage = ({ data }) => {
          found.push(data);
          if (found.length < 3) return;
          source.close();
          resolve(found);
        };
        source.onerror = () => reject(new Error('the stream has failed'));
      }),
  );
  expect(ticks).toEqual(['0', '1', '2']);
  const broken = await page.evaluate(async () => {
    const response = await fetch('/plugins/test.notes/broken');
    return response.text().then(
      () => 'whole',
      () => 'broken',
    );
  });
  expect(broken).toBe('broken');
});

it('has the admin API', async () => {
  const headers = { authorization: 'Bearer token-of-the-admin' };
  expect((await ask('/api/v1/plugins'))[0]).toBe(401);
  const disable = '/api/v1/plugins/test.notes/disable';
  expect((await ask(disable, { method: 'POST', headers }))[0]).toBe(204);
  expect((await ask('/plugins/test.notes/notes/7'))[0]).toBe(404);
  expect(errors).toEqual([]);
});
