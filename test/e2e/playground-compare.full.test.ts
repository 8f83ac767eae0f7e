/** The panel that compares runtimes, of the built page: with a real Node kernel behind it, and without. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import axe from 'axe-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ServedPlayground, servePlayground } from '../../demo-app/node/serve-playground.ts';
import { openSocket } from '../http/web-socket.ts';
import { allActive, expectComplaint, folder, open, page, tabTo } from './playground-page.ts';

const RUNTIMES = ['Web Worker', 'Sandbox', 'Node'];
let served: ServedPlayground;
const sockets = new Set<Duplex>();

beforeAll(async () => {
  served = await servePlayground({ site: folder });
  served.server.httpServer.on('upgrade', (_, socket: Duplex) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
});
afterAll(() => served?.close());

/** The panel of the page that has a Node kernel behind it. */
async function openServed(): Promise<void> {
  await page.goto(served.url);
  await allActive();
  await open('Compare');
}

const verdict = () => page.getByRole('status', { name: 'Verdict' });
const column = (runtime: string) => page.locator(`[data-runtime="${runtime}"]`);

/** Compares, and returns the verdict. */
async function compare(command: string, calls = 1): Promise<string> {
  await page.getByLabel('Command', { exact: true }).selectOption(command);
  await page.getByLabel('Calls in each runtime').selectOption(String(calls));
  await page.locator(`form[data-command="${command}"]`).waitFor();
  await page.getByRole('button', { name: 'Compare' }).click();
  const done = page.locator('.verdict[data-status="done"]').filter({ hasText: command });
  await done.waitFor();
  return done.innerText();
}

test('the same file answers the same in a worker, a sandbox and Node, each timed', async () => {
  await openServed();
  expect(await compare('demo.markdown:toHtml', 20)).toBe(
    'demo.markdown:toHtml: equal in 3 runtimes. The same file runs in each.',
  );
  const digests = new Set<string | null>();
  for (const runtime of RUNTIMES) {
    const card = column(runtime);
    expect(await card.locator('pre').innerText()).toContain('<h1>Hello <em>world</em></h1>');
    const facts = await card.locator('dl').innerText();
    expect(facts).toContain('20 of 20');
    expect(facts.match(/\d ms/g)).toHaveLength(2);
    digests.add(await card.locator('code[title]').getAttribute('title'));
  }
  expect([...digests]).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
});

test('an error has the same code in each', async () => {
  await openServed();
  await page.getByLabel('Command', { exact: true }).selectOption('demo.notes:get');
  await page.getByLabel('id (required)').fill('no id');
  await page.getByRole('button', { name: 'Compare' }).click();
  await verdict().filter({ hasText: 'demo.notes:get: the same error in 3' }).waitFor();
  for (const runtime of RUNTIMES)
    expect(await column(runtime).locator('pre').innerText()).toMatch(/^call\/invalid-input\n/);
  // What a plugin throws has no code of the kernel. The rogue itself can't be loaded in a sandbox.
  await compare('demo.rogue:throw');
  for (const runtime of ['Web Worker', 'Node'])
    expect(await column(runtime).locator('pre').innerText()).toMatch(/^call\/failed\n/);
  // The kernel logs the error, and a browser tells of each answer that is no success.
  expectComplaint('rogue threw');
  expectComplaint('Failed to load resource');
});

test('an answer that depends on the runtime names its place, and a stream is not read', async () => {
  await openServed();
  expect(await compare('demo.clock:now')).toContain('Sandbox and Node differ from Web Worker');
  await column('Node')
    .getByText(/^Differs at \$\.(time|ticks)/)
    .waitFor();
  expect(await compare('demo.digest:follow')).toContain('equal in 3 runtimes');
  expect(await column('Node').locator('pre').innerText()).toContain('A stream');
});

test('the feed shows states and events of Node, and comes back where it was', async () => {
  await openServed();
  const feed = page.getByRole('region', { name: 'Node kernel' });
  const live = () => feed.getByRole('status').filter({ hasText: 'live' }).waitFor();
  await live();
  const visits = feed.locator('[data-node-plugin="demo.visits"]');
  await visits.filter({ hasText: 'active' }).waitFor();
  await compare('demo.notes:list');
  await feed.locator('[data-topic="plugin:command"]').first().waitFor();
  await served.runtime.kernel.config.set('demo.clock', { interval: 500 });
  await feed.locator('[data-topic="demo.clock:tick"]').first().waitFor();
  await served.runtime.kernel.config.set('demo.clock', { interval: 3_600_000 });
  // What happens while there is no connection is told by the next one.
  for (const socket of sockets) socket.destroy();
  await served.runtime.kernel.plugins.deactivate('demo.visits');
  await feed.locator('[data-topic="plugin:deactivated"]').first().waitFor();
  await live();
  await visits.filter({ hasText: 'unloaded' }).waitFor();
  expect(await feed.locator('[data-topic="gap"]').count()).toBe(0);
  await served.runtime.kernel.plugins.activate('demo.visits');
  await visits.filter({ hasText: 'active' }).waitFor();
});

test('a rogue that fills its memory in Node is ended by its limit, and started again', async () => {
  await openServed();
  await open('Chaos');
  const { plugins, events } = served.runtime.kernel;
  const restarted = new Promise((resolve) => events.once('plugin:restarted', resolve));
  await page.getByRole('button', { name: 'Fill memory in Node' }).click();
  await page
    .getByRole('status', { name: 'Fault' })
    .getByText(/^Fill memory in Node: .*memory/)
    .waitFor();
  await restarted;
  expect(plugins.get('demo.rogue')?.state).toBe('active');
  // The browser tells of the answer, which is an error.
  expectComplaint('Failed to load resource');
});

test('leaving the panel ends the sandboxes and the connections', async () => {
  await openServed();
  await compare('demo.markdown:toHtml');
  expect(await page.locator('iframe').count()).toBeGreaterThan(0);
  await open('Health');
  await expect.poll(() => page.locator('iframe').count()).toBe(0);
  await expect.poll(() => sockets.size).toBe(0);
  // Also while the sandboxes start.
  await open('Compare');
  await page.getByRole('button', { name: 'Compare' }).click();
  await page.locator('iframe').first().waitFor({ state: 'attached' });
  await open('Health');
  await expect.poll(() => page.locator('iframe').count(), { timeout: 60_000 }).toBe(0);
});

test('a comparison that goes on can be cancelled, and another one follows', async () => {
  await openServed();
  await page.getByLabel('Command', { exact: true }).selectOption('demo.rogue:spin');
  await page.getByLabel('ms', { exact: true }).fill('60000');
  await page.getByRole('button', { name: 'Compare' }).click();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await verdict().filter({ hasText: 'was cancelled' }).waitFor();
  expect(await compare('demo.markdown:toHtml')).toContain('equal in 3 runtimes');
});

test.each(['light', 'dark'] as const)('axe finds nothing in the panel: %s', async (colorScheme) => {
  await page.emulateMedia({ colorScheme });
  await openServed();
  await compare('demo.clock:now');
  await page.locator('[data-node-plugin]').first().waitFor();
  await page.evaluate(axe.source);
  const violations = await page.evaluate(
    `axe.run('main').then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' ')))`,
  );
  expect(violations).toEqual([]);
});

/** Asks the server of this test as a program does, with any headers. Resolves to status and body. */
const ask = (path: string, headers: Record<string, string>, body?: string) =>
  new Promise<readonly [number | undefined, string]>((resolve, reject) => {
    const asked = request(new URL(path, served.url), {
      method: body === undefined ? 'GET' : 'POST',
      headers,
    });
    asked.on('response', async (response) => {
      let text = '';
      for await (const part of response) text += String(part);
      resolve([response.statusCode, text]);
    });
    asked.on('error', reject);
    asked.end(body);
  });

test('the Node kernel answers those alone who have the token, and no page of another origin', async () => {
  const { token } = served.runtime;
  const command = '/node/api/v1/commands/demo.clock:now';
  const bearer = (given: string) => ({ authorization: `Bearer ${given}` });
  expect(await ask(command, bearer(token), '')).toEqual([200, expect.stringContaining('ticks')]);
  for (const [headers, status] of [
    [{}, 401],
    [bearer('not-the-token-of-this-start'), 401],
    [{ ...bearer(token), origin: 'http://127.0.0.1:9' }, 403],
    [{ ...bearer(token), host: 'rebound.example' }, 403],
  ] as const)
    expect((await ask(command, headers, ''))[0]).toBe(status);
  const feed = `${served.url.replace('http', 'ws')}node/api/v1/events`;
  const protocols = (given: string) => ['plinth.events', `bearer.${given}`];
  await expect(openSocket(feed, protocols('not-the-token-of-this-start'))).rejects.toThrow('401');
  const other = { origin: 'http://127.0.0.1:9' };
  await expect(openSocket(feed, protocols(token), other)).rejects.toThrow('403');
  await expect(openSocket(feed, protocols(token), { host: 'rebound.example' })).rejects.toThrow(
    '421',
  );
  const [status, told] = await ask('/node/api/v1/plugins', { ...bearer(token), ...other });
  expect([status, told.includes('access-control')]).toEqual([200, false]);
});

test('the token is in no page that a script can read', async () => {
  const { token } = served.runtime;
  const opened = await ask('/', { 'sec-fetch-dest': 'document' });
  expect(opened).toEqual([200, expect.stringContaining(token)]);
  await openServed();
  expect(await page.content()).not.toContain(token);
  const read = `fetch('/').then((response) => response.text())`;
  expect(await page.evaluate(read)).not.toContain(token);
  const inWorker = `new Promise((resolve) => {
    const code = "fetch('${served.url}').then((one) => one.text()).then(postMessage)";
    const worker = new Worker(URL.createObjectURL(new Blob([code])));
    worker.onmessage = ({ data }) => resolve(data);
  })`;
  const seen = String(await page.evaluate(inWorker));
  expect(seen).toContain('Plinth playground');
  expect(seen).not.toContain(token);
});

test('without a Node kernel behind it, the page says so and compares two', async () => {
  await open('Compare');
  await page.getByText('This page was served without a Node kernel').waitFor();
  await tabTo(page.getByRole('button', { name: 'Compare' }));
  await page.keyboard.press('Enter');
  await verdict()
    .filter({ hasText: 'demo.markdown:toHtml: equal in 2 runtimes. The same file runs in each.' })
    .waitFor();
  expect(await column('Node').count()).toBe(0);
});

/** Starts the server as `npm start` does, in a process of its own. */
async function startProcess() {
  const module = fileURLToPath(new URL('../../demo-app/node/serve-playground.ts', import.meta.url));
  const code = `import { serveUntilInterrupted } from ${JSON.stringify(module)};
    await serveUntilInterrupted({ site: ${JSON.stringify(folder)} });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const url = await new Promise<string>((resolve, reject) => {
    let told = '';
    child.stdout.on('data', (part) => {
      told += String(part);
      const [, address] = /Playground: (\S+) /.exec(told) ?? [];
      if (address !== undefined) resolve(address);
    });
    child.on('exit', () => reject(new Error(`the server has ended: ${told}`)));
  });
  return { child, ended, url };
}

test('Ctrl+C ends server, kernel and process, also while a reader is connected', async () => {
  const { child, ended, url } = await startProcess();
  try {
    const [, opened] = await ask(url, { 'sec-fetch-dest': 'document' });
    const [, token = ''] = /name="plinth-node-token" content="([^"]+)"/.exec(opened) ?? [];
    const socket = await openSocket(`${url.replace('http', 'ws')}node/api/v1/events`, [
      'plinth.events',
      `bearer.${token}`,
    ]);
    child.kill('SIGINT');
    expect(await socket.closed).toMatchObject({ code: 1001 });
    expect(await ended).toEqual([0, null]);
  } finally {
    child.kill('SIGKILL');
  }
});
