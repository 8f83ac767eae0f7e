/** The headers that a server sends with the built page. `vite preview` sends them too. */
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
const FRAME = policy({
  'default-src': "'none'",
  'script-src': "'self' 'unsafe-eval'",
  'worker-src': 'data:',
  'frame-ancestors': "'self'",
});

/** The headers of a path. */
export function headersOf(path: string): Readonly<Record<string, string>> {
  const csp = /\/plugin-worker[\w-]*\.js$/.test(path)
    ? WORKER
    : path.endsWith('/plinth-frame.html')
      ? FRAME
      : PAGE;
  return {
    'Content-Security-Policy': csp,
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
  };
}

/** Sends them in `vite preview`. The dev server needs a weaker policy, and sends none. */
export const headers = (): Plugin => ({
  name: 'headers',
  configurePreviewServer(server) {
    server.middlewares.use((request, response, next) => {
      const { pathname } = new URL(request.url ?? '/', 'http://localhost');
      for (const [name, value] of Object.entries(headersOf(pathname)))
        response.setHeader(name, value);
      next();
    });
  },
});
