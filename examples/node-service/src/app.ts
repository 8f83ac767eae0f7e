/** What stands in front of the plugins: their old addresses, metrics, and the log of requests. */

import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { http } from '@plinth/http/host';
import { Hono } from 'hono';
import type { NodeKernel } from './kernel.ts';
import { log } from './log.ts';
import type { Settings } from './settings.ts';
import type { Telemetry } from './telemetry.ts';
import { tenantIn } from './tenants.ts';

/** The addresses that the old program had, and the plugins that answer them. */
const FEATURES: Readonly<Record<string, string>> = {
  '/notes': 'com.example.notes',
  '/blog': 'com.example.blog',
};
const STYLE = readFileSync(new URL('style.css', import.meta.url), 'utf8');

export interface AppParts {
  readonly kernel: NodeKernel;
  readonly settings: Settings;
  readonly telemetry: Telemetry;
}

/** Makes the handler of all requests. */
export function createApp({ kernel, settings, telemetry }: AppParts): Hono {
  const { fetch } = kernel.extension(http);
  // Paths are normalized before they are routed, as the kernel does it.
  const app = new Hono({ getPath: ({ url }) => new URL(url).pathname });

  app.use(async (c, next) => {
    const began = performance.now();
    const { pathname } = new URL(c.req.url);
    const route = Object.keys(FEATURES).find((one) => pathname.startsWith(`${one}/`)) ?? '/';
    const tenant = tenantIn(c.req.raw, settings) ?? '';
    const { method } = c.req;
    await telemetry.request(
      { method, route, tenant: settings.tenants.has(tenant) ? tenant : '' },
      async () => {
        await next();
        // Browsers ask for a password then. Plugins know nothing of how users sign in.
        if (c.res.status === 401 && route !== '/')
          c.res.headers.set('www-authenticate', 'Basic realm="PaperTrail", charset="UTF-8"');
        return c.res;
      },
    );
    const { status, headers } = c.res;
    const took = Math.round(performance.now() - began);
    const request = headers.get('x-request-id') ?? undefined;
    log('info', 'answered', { method, path: pathname, status, took, tenant, request });
  });

  app.get('/', (c) => c.redirect('/blog/'));
  app.get('/style.css', (c) => c.body(STYLE, 200, { 'content-type': 'text/css; charset=utf-8' }));
  app.get('/metrics', async (c) => {
    if (!isBearer(c.req.header('authorization'), settings.metricsToken)) return c.body(null, 401);
    return c.body(await telemetry.metrics(), 200, { 'content-type': 'text/plain; version=0.0.4' });
  });
  for (const [path, plugin] of Object.entries(FEATURES)) {
    app.get(path, (c) => c.redirect(`${path}/`, 308));
    app.all(`${path}/*`, (c) => {
      // The service's own host has no features: a request there would start them for no tenant.
      if (tenantIn(c.req.raw, settings) === undefined) return c.notFound();
      const url = new URL(c.req.url);
      url.pathname = `/plugins/${plugin}${url.pathname.slice(path.length)}`;
      return fetch(new Request(url, c.req.raw));
    });
  }
  app.all('/plugins/*', (c) => c.notFound());
  // Health, the admin API, and 404 for the rest.
  app.all('*', (c) => fetch(c.req.raw));
  app.onError((error, c) => {
    log('error', `a request failed: ${error.message}`, { path: new URL(c.req.url).pathname });
    return c.body(null, 500);
  });
  return app;
}

function isBearer(header: string | undefined, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(header ?? ''), digest(`Bearer ${token}`));
}
