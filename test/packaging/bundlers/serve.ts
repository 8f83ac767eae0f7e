/** Serves a built application: by Vite's own server, or by a plain one. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Shipping } from '../bundlers.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/** A served page, until it is closed. */
export interface Served {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves a built project. */
export function serve(project: string, { way, policies }: Shipping): Promise<Served> {
  return way === 'dev' ? serveDev(project) : serveFiles(join(project, 'dist'), policies);
}

async function serveDev(project: string): Promise<Served> {
  // The Vite that the project has installed.
  const entry = pathToFileURL(join(project, 'node_modules/vite/dist/node/index.js'));
  const { createServer } = (await import(entry.href)) as typeof import('vite');
  const server = await createServer({
    root: project,
    logLevel: 'warn',
    server: { host: '127.0.0.1', port: 0 },
  });
  await server.listen();
  const url = server.resolvedUrls?.local[0];
  if (url === undefined) throw new Error('the server has no URL');
  return { url, close: () => server.close() };
}

async function serveFiles(folder: string, policies: Shipping['policies'] = {}): Promise<Served> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const path = normalize(pathname === '/' ? '/index.html' : pathname);
    const policy = policies[path] ?? policies['*'];
    readFile(join(folder, path)).then(
      (bytes) => {
        const type = TYPES[extname(path)] ?? 'application/octet-stream';
        response
          .writeHead(200, {
            'Content-Type': type,
            ...(policy !== undefined && { 'Content-Security-Policy': policy }),
          })
          .end(bytes);
      },
      () => void response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}
