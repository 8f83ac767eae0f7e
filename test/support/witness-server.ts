/**
 * A server that counts requests, for attacks that try to reach it. Started once per test run,
 * queried over HTTP from any runtime.
 */
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The address of the witness; the rest of the path is a token with its own count. */
    witness: string;
  }
}

/** Answers by the end of the path: a pixel, a picture that loads another, and what is too large. */
const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const IMAGES: Readonly<Record<string, readonly [type: string, body: Buffer]>> = {
  '.png': ['image/png', Buffer.from(PIXEL, 'base64')],
  '.svg': [
    'image/svg+xml',
    Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>parent.pwned = 1</script></svg>'),
  ],
  '.gif': ['image/gif', Buffer.alloc(600_000)],
};

/** Runs before the tests; the returned function runs after them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const seen = new Map<string, string[]>();
  const note = (url: string, what: string) => {
    const token = /[0-9a-f-]{36}/.exec(url)?.[0] ?? '';
    const list = seen.get(token);
    if (list === undefined) seen.set(token, [what]);
    else list.push(what);
  };
  const sockets = new Set<Socket>();
  const server = createServer(({ url = '', method = '' }, response) => {
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.setHeader('Access-Control-Allow-Headers', '*');
    response.setHeader('Cross-Origin-Resource-Policy', 'cross-origin');
    if (url.startsWith('/seen/'))
      return void response.end(JSON.stringify(seen.get(url.slice('/seen/'.length)) ?? []));
    note(url, `${method} ${url.slice(0, 120)}`);
    const [type, body] = IMAGES[/\.[a-z]+$/.exec(url)?.[0] ?? ''] ?? [];
    if (type !== undefined) {
      response.setHeader('Content-Type', type);
      return void response.end(body);
    }
    response.setHeader('Content-Type', 'text/javascript');
    response.end('export default 1;');
  });
  server.on('upgrade', ({ url = '' }, socket) => {
    note(url, `UPGRADE ${url.slice(0, 120)}`);
    socket.end();
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  project.provide('witness', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
}
