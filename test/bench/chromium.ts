/** One row in Chromium, named by the first argument: prints its result as JSON. */
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright';
import { createServer, type ViteDevServer } from 'vite';
import { chromiumArguments, findChromium } from '../../scripts/find-chromium.ts';
import type { RowName } from './goals.ts';
import { bundleParsedEcho, bundleViews } from './guest-bundle.ts';
import type { PageOptions } from './page.ts';
import { canReadMemory, privateMemory, READS_MEMORY, withoutMemory } from './private-memory.ts';
import { printAndExit, type RowResult } from './result.ts';
import { measureCold } from './rows/cold.ts';
import { bytesPerWorker, measureMemory } from './rows/memory.ts';
import { bytesPerReload, measureReloadMemory } from './rows/reload-memory.ts';
import { measureSize } from './rows/size.ts';
import { measureViews } from './rows/views.ts';
import { AUDIENCE, COLD, CROWD, MILLISECONDS, ROUNDS } from './settings.ts';
import { pause } from './statistics.ts';

/** Milliseconds until a started worker is idle. */
const SETTLE = 500;
const PAGE = '/bench.html';
const guestCode = await readFile(
  fileURLToPath(new URL('./plugin-worker.js', import.meta.resolve('@plinth/host-browser'))),
  'utf8',
);

const root = fileURLToPath(new URL('../..', import.meta.url));
await printAndExit(run(process.argv[2] as RowName));

async function run(row: RowName): Promise<RowResult> {
  if (row === 'size') return { outcomes: await measureSize('@plinth/host-browser') };
  if (READS_MEMORY.has(row) && !canReadMemory) return { outcomes: withoutMemory(row) };
  const server = await serve();
  try {
    const url = new URL(PAGE, server.resolvedUrls?.local[0]).href;
    const options: PageOptions = {
      rounds: ROUNDS,
      milliseconds: MILLISECONDS,
      cold: COLD,
      crowd: CROWD,
      audience: AUDIENCE.chromium,
      comlinkUrl: new URL('/node_modules/comlink/dist/esm/comlink.mjs', url).href,
      guestCode,
      parsedEcho: await bundleParsedEcho(),
    };
    return await runWith(row, url, JSON.stringify(options));
  } finally {
    await server.close();
  }
}

/** Rows with many processes start a browser for each sample; the others run in one page. */
async function runWith(row: RowName, url: string, options: string): Promise<RowResult> {
  if (row === 'memory')
    return {
      outcomes: await measureMemory(ROUNDS, (kind) =>
        inBrowser(url, (page, browser) =>
          probeMemory(`idleWorkers('${kind}', ${options})`, bytesPerWorker, page, browser),
        ),
      ),
    };
  if (row === 'reload-memory')
    return {
      outcomes: await measureReloadMemory(ROUNDS, (kind) =>
        inBrowser(url, (page, browser) =>
          probeMemory(`reloads('${kind}', ${options})`, bytesPerReload, page, browser),
        ),
      ),
    };
  if (row === 'cold')
    return {
      outcomes: await measureCold(ROUNDS, (kind) =>
        inBrowser(url, (page) => inPage<number>(page, `cold('${kind}', ${options})`)),
      ),
    };
  if (row === 'views') {
    const code = await bundleViews();
    return { outcomes: await inBrowser(url, (page) => measureViews(page, code, ROUNDS)) };
  }
  return inBrowser(url, (page) => inPage<RowResult>(page, `run('${row}', ${options})`));
}

async function serve(): Promise<ViteDevServer> {
  const server = await createServer({
    root,
    configFile: false,
    logLevel: 'silent',
    cacheDir: `${root}node_modules/.vite-bench`,
    server: { host: '127.0.0.1', port: 0, hmr: false },
    appType: 'mpa',
    plugins: [
      {
        name: 'bench',
        configureServer: ({ middlewares }) => void middlewares.use(servePageAndGuest),
      },
    ],
    optimizeDeps: {
      noDiscovery: true,
      include: ['comlink', 'valibot', 'semver/classes/range.js', 'semver/classes/semver.js'],
    },
  });
  await server.listen();
  return server;
}

/**
 * The file that guests boot from, as a web server delivers it. A development server's own work per
 * request would count as the guests'.
 */
function servePageAndGuest(
  { url = '' }: IncomingMessage,
  response: ServerResponse,
  next: () => void,
): void {
  const { pathname } = new URL(url, 'http://localhost');
  if (pathname === PAGE)
    response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>bench</title>');
  else if (pathname === '/host-browser/dist/plugin-worker.js') {
    response
      .setHeader('Content-Type', 'text/javascript')
      .setHeader('Cache-Control', 'public, max-age=3600, immutable')
      .end(guestCode);
  } else next();
}

/** Runs something in a fresh browser. Rejects when an error escapes in its page. */
async function inBrowser<T>(
  url: string,
  work: (page: Page, browser: Browser) => Promise<T>,
): Promise<T> {
  const executablePath = findChromium();
  const browser = await chromium.launch({
    ...(executablePath && { executablePath }),
    args: [...chromiumArguments()],
  });
  try {
    const page = await browser.newPage();
    const escaped = new Promise<never>((_, reject) => {
      page.on('pageerror', reject);
      page.on('crash', () => reject(new Error('the page crashed')));
    });
    await page.goto(url);
    return await Promise.race([work(page, browser), escaped]);
  } finally {
    await browser.close();
  }
}

/** @param call an expression over page.ts. */
function inPage<T>(page: Page, call: `${string}(${string})`): Promise<T> {
  return page.evaluate(`import('/test/bench/page.ts').then((functions) => functions.${call})`);
}

/**
 * @param prepare an expression over page.ts that resolves to the function that the page runs as
 * often as `measure` asks.
 */
async function probeMemory(
  prepare: `${string}(${string})`,
  measure: typeof bytesPerWorker,
  page: Page,
  browser: Browser,
): Promise<number> {
  await page.evaluate(
    `import('/test/bench/page.ts').then((functions) => functions.${prepare}).then((work) => { globalThis.benchWork = work; })`,
  );
  const session = await browser.newBrowserCDPSession();
  const pages = await page.context().newCDPSession(page);
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  // A browser keeps an unused renderer too; those that exist before the workers include the page's.
  const renderers = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id);
  const read = async () => {
    await pause(SETTLE);
    // Collects garbage in the heap of every worker: otherwise it is random which of them have done
    // so.
    await pages.send('Memory.simulatePressureNotification', { level: 'critical' });
    await pages.send('HeapProfiler.collectGarbage');
    await pause(SETTLE);
    const bytes = await Promise.all(renderers.map(privateMemory));
    return bytes.reduce((sum, one) => sum + one, 0);
  };
  return measure(read, (howMany) => page.evaluate(`globalThis.benchWork(${howMany})`));
}
