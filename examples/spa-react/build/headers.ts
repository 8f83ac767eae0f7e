/** The headers that a server sends with the built page. `vite preview` sends them too. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Plugin } from 'vite';

const policy = (directives: Readonly<Record<string, string>>): string =>
  Object.entries(directives)
    .map(([name, sources]) => `${name} ${sources}`.trim())
    .join('; ');

/** The page takes everything from its own server, and evaluates no text. */
const PAGE = policy({
  'default-src': "'none'",
  'script-src': "'self'",
  'style-src': "'self'",
  'img-src': "'self' data:",
  'connect-src': "'self'",
  'worker-src': "'self'",
  'frame-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
  'require-trusted-types-for': "'script'",
  'trusted-types': 'default',
});
/** A plugin in a worker is a module with the address `data:`. It has no network. */
const WORKER = policy({ 'default-src': "'none'", 'script-src': 'data:' });
/** Hardened JavaScript evaluates text, behind the wall of its frame. */
const frame = (script: string): string =>
  policy({
    'default-src': "'none'",
    'script-src': `'sha256-${createHash('sha256').update(script).digest('base64')}' 'unsafe-eval'`,
    'worker-src': 'data:',
    'frame-ancestors': "'self'",
  });

/** The headers of a path. `page` is the text of the frame's page. */
export function headersOf(path: string, page: string): Readonly<Record<string, string>> {
  const common = { 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer' };
  const named = (csp: string) => ({ ...common, 'Content-Security-Policy': csp });
  if (/\/plugin-worker[\w-]*\.js$/.test(path)) return named(WORKER);
  if (!path.endsWith('/plinth/plinth-frame.html')) return named(PAGE);
  const script = /<script>([\s\S]*)<\/script>/.exec(page)?.[1] ?? '';
  // Its address has the version, so it may be kept. Without a network it comes from there.
  return { ...named(frame(script)), 'Cache-Control': 'public, max-age=31536000, immutable' };
}

/** Sends them in `vite preview`. The dev server needs a weaker policy, and sends none. */
export const headers = (): Plugin => ({
  name: 'headers',
  async configurePreviewServer({ middlewares, config }) {
    const out = resolve(config.root, config.build.outDir);
    const page = await readFile(join(out, 'plinth/plinth-frame.html'), 'utf8');
    middlewares.use((request, response, next) => {
      const { pathname } = new URL(request.url ?? '/', 'http://localhost');
      const headers = Object.entries(headersOf(pathname, page));
      for (const [name, value] of headers) response.setHeader(name, value);
      // The preview server has its own mind about caches.
      if (!pathname.endsWith('/plinth/plinth-frame.html')) return next();
      response.setHeader('Content-Type', 'text/html').end(page);
    });
  },
});
