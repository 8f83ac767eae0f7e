/** The calls benchmark in Chromium: prints rows as JSON. */
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright';
import { createServer } from 'vite';
import { chromiumArguments, findChromium } from '../../scripts/find-chromium.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const executablePath = findChromium();
const server = await createServer({
  root,
  configFile: false,
  logLevel: 'silent',
  cacheDir: `${root}node_modules/.vite-bench`,
  server: { host: '127.0.0.1', port: 0, hmr: false },
  appType: 'mpa',
  optimizeDeps: { noDiscovery: true, include: ['comlink', 'semver/classes/range.js', 'semver/classes/semver.js'] },
});
await server.listen();
const browser = await chromium.launch({ ...(executablePath && { executablePath }), args: [...chromiumArguments()] });
const page = await browser.newPage();
await page.route('**/bench.html', (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>bench</title>' }));
await page.goto(`${server.resolvedUrls?.local[0]}bench.html`);
const rows = await page.evaluate(
  `import('/test/bench/page.ts').then(({ run }) => run(location.origin + '/node_modules/comlink/dist/esm/comlink.mjs', ${Number(process.env.ROUNDS ?? 7)}, ${Number(process.env.MS ?? 150)}))`,
);
await browser.close();
await server.close();
console.log(JSON.stringify(rows));
