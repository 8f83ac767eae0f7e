/** Databases in built pages: under strict policies, in several tabs at once, and when one is closed. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContext, Page } from 'playwright';
import { build, type Rollup } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { startChromium } from '../packaging/site.ts';
import { full } from '../support/full.ts';
import type { Notes, SqlPage } from './sql-page/page.ts';

const root = fileURLToPath(new URL('sql-page', import.meta.url));
const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.html': 'text/html',
  '.wasm': 'application/wasm',
};
/** The policies of the page, and of the files of workers, which have their own. */
const PAGE = "default-src 'self'; img-src data:";
const PLUGINS = "default-src 'self'; script-src 'self' data:";
const WASM = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";

let out: string;
let files: readonly string[];
let server: Server;
let url: string;
let workerPolicy: string;
let browser: Browser;
let context: BrowserContext;

beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'plinth-sql-page-'));
  const built = (await build({
    configFile: false,
    root,
    logLevel: 'warn',
    build: { outDir: out, emptyOutDir: true, target: 'es2023' },
  })) as Rollup.RollupOutput;
  files = built.output.map(({ fileName }) => fileName);
  server = createServer(async (request, response) => {
    const path = request.url === '/' ? '/index.html' : (request.url ?? '');
    response.setHeader('Content-Type', TYPES[extname(path)] ?? 'text/plain');
    response.setHeader('Content-Security-Policy', policyOf(path));
    const content = await readFile(join(out, path)).catch(() => undefined);
    if (content === undefined) response.writeHead(404);
    response.end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  browser = await startChromium();
});
afterAll(async () => {
  await browser?.close();
  server?.close();
  await rm(out, { recursive: true, force: true });
});
beforeEach(async () => {
  workerPolicy = WASM;
  context = await browser.newContext();
});
afterEach(() => context.close());

const policyOf = (path: string) =>
  path.includes('database-worker') ? workerPolicy : path.includes('plugin-worker') ? PLUGINS : PAGE;

/** A page with a kernel. What it was told is kept is in `kept`. */
async function open(limits = {}): Promise<{ readonly page: Page; readonly kept: Set<number> }> {
  const page = await context.newPage();
  const kept = new Set<number>();
  await page.exposeFunction('acknowledged', (id: number) => void kept.add(id));
  await page.goto(url);
  await page.waitForFunction(() => 'sqlPage' in globalThis);
  await page.evaluate(
    (given) => (globalThis as unknown as { sqlPage: SqlPage }).sqlPage.start(given),
    limits,
  );
  return { page, kept };
}
const call = <N extends keyof Notes>(page: Page, name: N, ...values: Parameters<Notes[N]>) =>
  page.evaluate(
    ([what, given]) =>
      (globalThis as unknown as { sqlPage: SqlPage }).sqlPage.call(what as N, given as unknown[]),
    [name, values] as const,
  );
const TABLE = 'create table if not exists notes (id integer primary key, text text)';
const ids = async (page: Page) =>
  ((await call(page, 'query', 'select id from notes order by id')) as [number][]).map(([id]) => id);

it('the build has the worker and SQLite as files of their own, without what is never started', () => {
  expect(files.filter((file) => /database-worker.*\.js$/.test(file)).length).toBe(1);
  expect(files.filter((file) => file.endsWith('.wasm')).length).toBe(1);
  expect(files.filter((file) => /proxy|worker1/.test(file))).toEqual([]);
});

it('a page with a strict policy keeps its data, and loads SQLite when it is needed', async () => {
  const requested: string[] = [];
  context.on('request', (request) => requested.push(request.url()));
  const first = await open();
  expect(requested.filter((file) => /database-worker|\.wasm/.test(file))).toEqual([]);
  await call(first.page, 'query', TABLE);
  await call(first.page, 'write', 1, 4);
  await first.page.reload();
  expect(requested.some((file) => file.endsWith('.wasm'))).toBe(true);
  const second = await open();
  expect(await ids(second.page)).toEqual([1, 2, 3]);
});

it('without the policy for WebAssembly, a statement says what is missing', async () => {
  workerPolicy = "default-src 'self'";
  const { page } = await open();
  expect(await call(page, 'query', TABLE)).toMatch(/^sql\/interrupted: .*wasm-unsafe-eval/);
});

it('pages of one origin take turns: each writes, and nothing is lost', async () => {
  const [first, second] = [await open(), await open()];
  await call(first.page, 'query', TABLE);
  await Promise.all([call(first.page, 'write', 1, 101), call(second.page, 'write', 101, 201)]);
  expect(first.kept.size + second.kept.size).toBe(200);
  for (const { page } of [first, second]) expect((await ids(page)).length).toBe(200);
});

it('a page waits while another one has a transaction open, and says so when it takes too long', async () => {
  const [first, second] = [await open(), await open({ lock: 2_000 })];
  await call(first.page, 'query', TABLE);
  const lease = (await call(first.page, 'hold', 1)) as number;
  expect(await call(second.page, 'query', 'select id from notes')).toMatch(
    /^sql\/locked: .*another page/,
  );
  await call(first.page, 'commit', lease);
  expect(await ids(second.page)).toEqual([1]);
});

it('a full disk of the origin fails the statement, and loses nothing that was kept', async () => {
  const { page } = await open();
  await call(page, 'query', TABLE);
  const devtools = await context.newCDPSession(page);
  const origin = new URL(url).origin;
  await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 3_000_000 });
  let kept = 0;
  let answer: unknown;
  for (let id = 1; !(typeof answer === 'string'); id++) {
    answer = await call(
      page,
      'query',
      "insert into notes values (?, printf('%.*c', 100000, 'x'))",
      [id],
    );
    if (typeof answer !== 'string') kept = id;
  }
  expect(answer).toMatch(/^sql\/quota: /);
  expect(kept).toBeGreaterThan(3);
  await devtools.send('Storage.overrideQuotaForOrigin', { origin });
  expect((await ids(page)).length).toBe(kept);
  await call(page, 'write', 1_000, 1_010);
  expect((await ids(page)).length).toBe(kept + 10);
});

it('a page that is closed in the middle of its writes leaves the databases to the others', async () => {
  const witness = await open();
  await call(witness.page, 'query', TABLE);
  const kept = new Set<number>();
  for (let round = 0; round < (full ? 40 : 4); round++) {
    const writer = await open();
    const from = 1 + round * 1_000;
    const writing = call(writer.page, 'write', from, from + 1_000).catch(() => {});
    await expect.poll(() => writer.kept.size, { interval: 3 }).toBeGreaterThan(round % 7);
    await writer.page.close();
    await writing;
    for (const id of writer.kept) kept.add(id);
    const there = new Set(await ids(witness.page));
    expect([...kept].filter((id) => !there.has(id))).toEqual([]);
  }
  expect(await call(witness.page, 'query', 'pragma foreign_key_check')).toEqual([]);
});
