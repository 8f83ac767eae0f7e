/** Hostile clients and plugins over real sockets: nothing of them holds the server, or looks like a success. */
import { connect, type Socket } from 'node:net';
import { type HttpOptions, http } from '@plinth/http/host';
import { describe, expect, it } from 'vitest';
import { rejection } from '../support/kernels.ts';
import { problem, routesOf, serve } from './serve.ts';

const hostile = routesOf(
  'test.hostile',
  `const { path } = request;
   const stream = (parts) => ({ status: 200, headers: { 'content-type': 'text/plain' }, body: parts() });
   if (path === '/held') return stream(async function* () { yield 'held'; await new Promise(() => {}); });
   if (path === '/slow') return stream(async function* () { yield 'one'; await new Promise(() => {}); });
   if (path === '/part') return stream(async function* () { yield 'one'; yield 'x'.repeat(5000); });
   if (path === '/object') return stream(async function* () { yield 'one'; yield { two: 2 }; });
   if (path === '/sync') return { status: 200, body: { [Symbol.iterator]: 1 } };
   if (path === '/length') return { status: 200, headers: { 'content-length': '3', 'transfer-encoding': 'chunked', connection: 'upgrade' }, body: 'longer' };
   if (path === '/split') return { status: 200, headers: { 'x-a': ['fine', 'b\\r\\nset-cookie: c=d'] } };
   if (path === '/many') return { status: 200, headers: { 'x-a': Array.from({ length: 100 }, () => 'b') } };
   if (path === '/nested') return { status: 200, headers: { 'x-a': [['b']] } };
   if (path === '/status') return { status: 101, body: 'x' };
   if (path === '/die') return stream(async function* () {
     yield 'half';
     await ctx.commands.execute('host:die');
     setTimeout(() => { throw new Error('gone'); }, 0);
     await new Promise(() => {});
   });
   return { status: 200, body: path };`,
);

async function listening(options: HttpOptions = {}) {
  const { kernel } = await serve([hostile], options);
  const { url, port } = await kernel.extension(http).listen();
  return { kernel, url, port, at: `${url}/plugins/test.hostile` };
}

/** Connects, and resolves once the connection is there. */
async function dial(port: number, text = ''): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => {});
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  socket.write(text);
  return socket;
}

/** All that comes until the other side ends. */
async function wholeOf(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (data) => {
    text += data;
  });
  await new Promise<void>((resolve) => {
    socket.once('end', resolve);
    socket.once('close', () => resolve());
  });
  return text;
}

describe('hostile plugins', () => {
  it('never have a part of an answer taken for the whole', async () => {
    const { at, kernel } = await listening({ limits: { timeout: 2_000, answer: 1_000 } });
    let begun = Promise.withResolvers<void>();
    kernel.commands.handle('die', () => begun.promise);
    for (const path of ['slow', 'part', 'object', 'die']) {
      begun = Promise.withResolvers();
      const answer = await fetch(`${at}/${path}`);
      begun.resolve();
      expect((await rejection(answer.text())).message, path).toBeDefined();
    }
    await expect.poll(async () => (await fetch(`${at}/`)).status).toBe(200);
  });

  it('have the connection reset in HTTP/1.0, where its end is the end of the answer', async () => {
    const { port, at, kernel } = await listening({ limits: { answer: 1_000 } });
    let begun = Promise.withResolvers<void>();
    kernel.commands.handle('die', () => begun.promise);
    for (const path of ['part', 'object', 'die']) {
      begun = Promise.withResolvers();
      const socket = connect({ port, host: '127.0.0.1' });
      const ended = new Promise<string>((resolve) => {
        socket.on('error', ({ code }: NodeJS.ErrnoException) => resolve(String(code)));
        socket.on('end', () => resolve('a whole answer'));
      });
      socket.on('data', () => begun.resolve());
      socket.write(`GET /plugins/test.hostile/${path} HTTP/1.0\r\nHost: app.test\r\n\r\n`);
      expect([path, await ended]).toEqual([path, 'ECONNRESET']);
    }
    await expect.poll(async () => (await fetch(`${at}/`)).status).toBe(200);
  });

  it('have malformed answers refused, and framing is the server’s', async () => {
    const { at } = await listening({ limits: { answer: 1_000 } });
    for (const path of ['sync', 'split', 'many', 'nested', 'status'])
      expect([path, ...(await problem(await fetch(`${at}/${path}`)))]).toEqual([
        path,
        502,
        'call/invalid-output',
      ]);
    const length = await fetch(`${at}/length`);
    expect([await length.text(), length.headers.get('connection')]).toEqual([
      'longer',
      'keep-alive',
    ]);
  });
});

describe('hostile clients', () => {
  it('reach nothing by tricks in the target', async () => {
    const { port } = await listening();
    const targets = [
      '/plugins/test.hostile/..%2f..%2fapi/v1/plugins',
      '/plugins/test.hostile/%2e%2e/%2e%2e/api/v1/plugins',
      '/plugins/@scope/name/x',
      '/plugins/@scope%2fname/x',
      '/plugins/test.hostile%00/x',
      '/plugins/test.hostile/a%5c..%5cb',
      '/plugins/test.hostile\\..\\x',
      '/plugins//test.hostile/x',
      '/PLUGINS/test.hostile/x',
      '/./plugins/test.hostile/../../api/v1/plugins',
    ];
    for (const target of targets) {
      const socket = await dial(
        port,
        `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
      );
      const answer = await wholeOf(socket);
      expect([target, answer.slice(0, 10)]).toEqual([target, 'HTTP/1.1 4']);
      socket.destroy();
    }
  });

  it('that hold 256 streams are held back, and leave nothing', async () => {
    const { at, kernel } = await listening({ limits: { plugin: 256 } });
    const clients = Array.from({ length: 256 }, () => new AbortController());
    const held = await Promise.all(
      clients.map(async ({ signal }) => {
        const answer = await fetch(`${at}/held`, { signal });
        const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
        return (await reader.read()).value?.byteLength;
      }),
    );
    expect(held.every((size) => size === 4)).toBe(true);
    const more = await fetch(`${at}/`);
    expect(more.headers.get('retry-after')).toBe('1');
    expect(await problem(more)).toEqual([503, 'http/overloaded']);
    for (const client of clients) client.abort();
    await expect.poll(async () => (await fetch(`${at}/`)).status).toBe(200);
    await kernel.stop();
    await expect(fetch(`${at}/`)).rejects.toThrow();
  });

  it('that leave their half open are cut off', async () => {
    const { port, url } = await listening({ limits: { timeout: 200 } });
    const upgrade = await dial(
      port,
      'GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    );
    const cut = new Promise<void>((resolve) => upgrade.once('close', () => resolve()));
    expect(await wholeOf(upgrade)).toContain('HTTP/1.1 404');
    // The end of the other side is seen by writing.
    const probe = setInterval(() => upgrade.write('x'), 100);
    await cut;
    clearInterval(probe);
    const half = await dial(port, 'POST /plugins/test.hostile/x HTTP/1.1\r\nHost: a\r\n');
    half.end('Content-Length: 10\r\n\r\nab');
    expect(await wholeOf(half)).toMatch(/^(HTTP\/1\.1 4\d\d |$)/);
    half.destroy();
    expect((await fetch(`${url}/health`)).status).toBe(200);
  });

  it('that drip a body, or send one to nothing, get an answer in time', async () => {
    const { port, kernel } = await listening({ limits: { timeout: 1_000 } });
    await kernel.extension(http).admin(kernel, {
      tokens: { 'token-of-the-admin': { name: 'ada', role: 'admin' } },
    });
    for (const [target, status] of [
      ['/plugins/test.hostile/x', 408],
      ['/nowhere', 404],
      ['/api/v1/plugins/test.hostile/disable', 401],
      ['/api/v1/plugins', 401],
    ] as const) {
      const socket = await dial(
        port,
        `POST ${target} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\nConnection: close\r\n\r\n{`,
      );
      const drip = setInterval(() => socket.write(' '), 50);
      const answer = await wholeOf(socket);
      clearInterval(drip);
      socket.destroy();
      expect([target, answer.slice(0, 12)]).toEqual([target, `HTTP/1.1 ${status}`]);
    }
  });

  it('that connect and say nothing leave nothing when the kernel stops', async () => {
    const { port, kernel } = await listening();
    const silent = await Promise.all(Array.from({ length: 64 }, () => dial(port)));
    const closed = silent.map((socket) => wholeOf(socket));
    const sockets = () =>
      process.getActiveResourcesInfo().filter((one) => one === 'TCPServerWrap').length;
    const before = sockets();
    await kernel.stop();
    expect((await Promise.all(closed)).every((text) => text === '')).toBe(true);
    expect(sockets()).toBe(before - 1);
    for (const socket of silent) socket.destroy();
  });
});
