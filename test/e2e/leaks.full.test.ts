/** After stop() no worker of the kernel is alive in the page, as counted by the browser. */
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright';
import { createServer } from 'vite';
import { expect, it } from 'vitest';
import { chromiumArguments, findChromium } from '../../scripts/find-chromium.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const executablePath = findChromium();

it('Chromium: no worker, lock or frame is left', async () => {
  const server = await createServer({
    root,
    configFile: false,
    logLevel: 'silent',
    cacheDir: `${root}node_modules/.vite-leaks`,
    server: { host: '127.0.0.1', port: 0, hmr: false },
    appType: 'mpa',
  });
  await server.listen();
  const browser = await chromium.launch({
    ...(executablePath && { executablePath }),
    args: [...chromiumArguments()],
  });
  try {
    const page = await browser.newPage();
    const base = server.resolvedUrls?.local[0] as string;
    await page.route('**/blank.html', (route) =>
      route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>blank</title>' }),
    );
    await page.goto(`${base}blank.html`);
    const run = `(async () => {
      const { createKernel, packageSource } = await import('/host-browser/dist/index.js');
      const code = "export default { activate(ctx) { ctx.commands.handle('ping', () => 'pong'); ctx.commands.handle('spin', () => { for (;;); }); setInterval(() => {}, 5); } };";
      const plugin = (id) => ({ manifest: { id, version: '1.0.0', main: 'p.js', engines: { plinth: '*' } }, code });
      const kernel = await createKernel({ sources: [packageSource([plugin('test.a'), plugin('test.b'), plugin('test.c')])] });
      await kernel.start();
      globalThis.kernel = kernel;
      kernel.commands.execute('test.b:spin').catch(() => {});
      return kernel.commands.execute('test.a:ping');
    })()`;
    const locks = () =>
      page.evaluate(async () => ((await navigator.locks.query()).held ?? []).length);
    for (let round = 0; round < 3; round++) {
      expect(await page.evaluate(run)).toBe('pong');
      expect(page.workers()).toHaveLength(3);
      expect(await locks()).toBe(3);
      await page.evaluate('globalThis.kernel.stop()');
      await expect.poll(() => page.workers().length, { timeout: 20_000 }).toBe(0);
      await expect.poll(locks, { timeout: 20_000 }).toBe(0);
      expect(page.frames()).toHaveLength(1);
    }
  } finally {
    await browser.close();
    await server.close();
  }
});
