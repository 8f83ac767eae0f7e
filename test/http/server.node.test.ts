/** The server in Node: real sockets on loopback, plugins in workers. */
import { connect } from 'node:net';
import { http } from '@plinth/http/host';
import { describe, expect, it } from 'vitest';
import { gateOf, nextEvent, rejection } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';
import { problem, routesOf, serve } from './serve.ts';

const echo = routesOf(
  'test.echo',
  `if (request.path === '/endless') return { status: 200, body: (async function* () {
     try { for (;;) yield 'x'.repeat(65536); } finally { await ctx.commands.execute('host:ended'); }
   })() };
   if (request.path === '/broken') return { status: 200, body: (async function* () { yield 'half'; throw new Error('gone'); })() };
   if (request.path === '/die') return { status: 200, body: (async function* () {
     yield 'half';
     await ctx.commands.execute('host:gate');
     setTimeout(() => { throw new Error('gone'); }, 0);
     await new Promise(() => {});
   })() };
   if (request.path === '/die-first') { setTimeout(() => { throw new Error('gone'); }, 0); await new Promise(() => {}); }
   if (request.path === '/wait') { await ctx.commands.execute('host:gate'); return { status: 200, body: 'waited' }; }
   if (request.path === '/aborted') {
     const aborted = new Promise((resolve) => call.signal.addEventListener('abort', resolve));
     await ctx.commands.execute('host:reached');
     await aborted;
     await ctx.own((own) => ctx.commands.execute('host:aborted', undefined, own));
   }
   return { status: 200, body: JSON.stringify([request.method, request.path, request.body ?? null]) };`,
);
const notes = pluginOf('test.notes', "ctx.commands.handle('add', (text) => text.length);");

async function listening(options: Parameters<typeof http>[0] = {}) {
  const { kernel } = await serve([echo, notes], {
    expose: ['test.notes:add'],
    authenticate: () => 'ada',
    ...options,
  });
  const server = await kernel.extension(http).listen();
  return { kernel, ...server };
}

/** Sends bytes, and resolves with all that comes back until the other side closes. */
function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.setEncoding('latin1');
    socket.on('data', (data) => {
      answer += data;
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
    socket.write(text);
  });
}

describe('the server in Node', () => {
  it.each([
    [{ host: '' }, 'host'],
    [{ host: null }, 'host'],
    [{ host: 5 }, 'host'],
    [{ port: null }, 'port'],
    [{ prot: 8080 }, 'prot'],
    [{ fetch: 5 }, 'fetch'],
    [null, 'listen()'],
    [5, 'listen()'],
    [[], 'listen()'],
    [Promise.resolve({ port: 0 }), 'listen()'],
  ])('binds nothing for a place that is none: %o', async (where, option) => {
    const { kernel } = await serve([]);
    const error = await rejection(kernel.extension(http).listen(where as never));
    expect([error.code, error.details?.option]).toEqual(['kernel/invalid-option', option]);
  });

  it('is refused once the kernel has stopped', async () => {
    const { kernel } = await serve([]);
    const { listen, listeners } = kernel.extension(http);
    await kernel.stop();
    expect(await rejection(listen())).toMatchObject({ code: 'kernel/stopped' });
    expect(await rejection(listeners())).toMatchObject({ code: 'kernel/stopped' });
  });

  it('answers routes, commands and health, and a free port is chosen', async () => {
    const { url, port } = await listening();
    expect(url).toBe(`http://127.0.0.1:${port}`);
    const body = JSON.stringify('hello');
    const headers = { 'content-type': 'application/json' };
    const init = { method: 'POST', headers, body };
    expect(await (await fetch(`${url}/commands/test.notes:add`, init)).json()).toBe(5);
    expect(await (await fetch(`${url}/plugins/test.echo/a`, init)).json()).toEqual([
      'POST',
      '/a',
      '"hello"',
    ]);
    expect(await (await fetch(`${url}/health/ready`)).json()).toEqual({ status: 'ready' });
  });

  it('stops a stream whose client has gone, and cuts one that its plugin broke', async () => {
    const { url, kernel } = await listening();
    const ended = Promise.withResolvers<void>();
    kernel.commands.handle('ended', () => ended.resolve());
    const client = new AbortController();
    const endless = await fetch(`${url}/plugins/test.echo/endless`, { signal: client.signal });
    await (endless.body as ReadableStream<Uint8Array>).getReader().read();
    client.abort();
    await ended.promise;
    const broken = await fetch(`${url}/plugins/test.echo/broken`);
    await expect(broken.text()).rejects.toThrow();
  });

  it('tells a client that the plugin died, and is there for the next', async () => {
    const { url, kernel } = await listening();
    const { open } = gateOf(kernel);
    const died = await fetch(`${url}/plugins/test.echo/die`);
    open();
    await expect(died.text()).rejects.toThrow();
    await expect.poll(async () => (await fetch(`${url}/plugins/test.echo/`)).status).toBe(200);
    const first = await fetch(`${url}/plugins/test.echo/die-first`);
    expect((await problem(first))[0]).toBe(502);
    await expect.poll(async () => (await fetch(`${url}/plugins/test.echo/`)).status).toBe(200);
  });

  it('ends the call of a client that has gone', async () => {
    const { url, kernel } = await listening();
    const reached = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<void>();
    kernel.commands.handle('reached', () => reached.resolve());
    kernel.commands.handle('aborted', () => aborted.resolve());
    const client = new AbortController();
    const answer = rejection(fetch(`${url}/plugins/test.echo/aborted`, { signal: client.signal }));
    await reached.promise;
    client.abort();
    expect((await answer).name).toBe('AbortError');
    await aborted.promise;
  });

  it('takes changes and lets answers be read by pages of listed origins alone', async () => {
    const { url } = await listening({ origins: ['https://app.example.com'] });
    const send = (origin: string, path = '/commands/test.notes:add') =>
      fetch(url + path, {
        method: 'POST',
        headers: { origin, 'content-type': 'application/json' },
        body: '"a"',
      });
    for (const origin of ['https://evil.test', 'null', 'https://app.example.com.evil.test']) {
      expect(await problem(await send(origin))).toEqual([403, 'http/origin']);
      expect(await problem(await send(origin, '/plugins/test.echo/'))).toEqual([
        403,
        'http/origin',
      ]);
      const read = await fetch(`${url}/health`, { headers: { origin } });
      expect([read.status, read.headers.has('access-control-allow-origin')]).toEqual([200, false]);
    }
    // A proxy that ends TLS leaves the host as it is.
    expect((await send(url.replace('http:', 'https:'))).status).toBe(200);
    const allowed = await send('https://app.example.com');
    expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([
      200,
      'https://app.example.com',
    ]);
    expect(allowed.headers.has('access-control-allow-credentials')).toBe(false);
    // A cache that has the answer to one must not give it to the other.
    expect((await fetch(`${url}/health`)).headers.get('vary')).toBe('origin');
  });

  it('answers preflights of listed origins alone', async () => {
    const { url } = await listening({ origins: ['https://app.example.com'] });
    const ask = (origin: string) =>
      fetch(`${url}/plugins/test.echo/`, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'PUT' },
      });
    const allowed = await ask('https://app.example.com');
    expect([allowed.status, allowed.headers.get('access-control-allow-methods')]).toEqual([
      204,
      'GET, POST, PUT, PATCH, DELETE',
    ]);
    const refused = await ask('https://evil.test');
    expect([refused.status, refused.headers.has('access-control-allow-origin')]).toEqual([
      405,
      false,
    ]);
  });

  it('refuses what could be taken for two requests', async () => {
    const { port } = await listening();
    const start = 'POST /plugins/test.echo/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n';
    for (const [what, text] of [
      ['two lengths', `${start}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
      ['lengths that differ', `${start}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`],
      ['another coding', `${start}Transfer-Encoding: xchunked\r\n\r\nab`],
      ['a folded header', `${start}X-A: b\r\n c: d\r\nContent-Length: -1\r\n\r\n`],
      ['a space in a name', `${start}Content-Length : 0\r\n\r\n`],
      ['no host', 'GET /health HTTP/1.1\r\nConnection: close\r\n\r\n'],
      ['a bad target', 'GET health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
    ] as const)
      expect([what, (await raw(port, text)).slice(0, 12)]).toEqual([what, 'HTTP/1.1 400']);
    const big = `GET /health HTTP/1.1\r\nHost: a\r\nX-Big: ${'b'.repeat(20_000)}\r\n\r\n`;
    expect((await raw(port, big)).slice(0, 12)).toBe('HTTP/1.1 431');
  });

  it('survives hosts, methods and targets of every kind', async () => {
    const { port, url } = await listening();
    const closing = 'Connection: close\r\n\r\n';
    for (const text of [
      `GET http://evil.test/health HTTP/1.1\r\nHost: a\r\n${closing}`,
      `GET /health HTTP/1.1\r\nHost: a b/../c\r\n${closing}`,
      `GET /health HTTP/1.1\r\nHost: ${'a'.repeat(5_000)}\r\n${closing}`,
      `TRACE /plugins/test.echo/ HTTP/1.1\r\nHost: a\r\n${closing}`,
      `OPTIONS * HTTP/1.1\r\nHost: a\r\n${closing}`,
      `GET //evil.test/health HTTP/1.1\r\nHost: a\r\n${closing}`,
      `GET /%00 HTTP/1.1\r\nHost: a\r\n${closing}`,
    ])
      expect(await raw(port, text), text.slice(0, 40)).toMatch(/^HTTP\/1\.1 [2-5]\d\d /);
    expect((await fetch(`${url}/health`)).status).toBe(200);
  });

  it('refuses a body that comes too slowly, or is larger than it says', async () => {
    const slow = await listening({ limits: { timeout: 200 } });
    const start = 'POST /plugins/test.echo/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n';
    expect(await raw(slow.port, `${start}Content-Length: 5\r\n\r\nab`)).toMatch(/^HTTP\/1\.1 408 /);
    const { port } = await listening({ limits: { body: 10 } });
    expect(await raw(port, `${start}Content-Length: 11\r\n\r\n`)).toMatch(/^HTTP\/1\.1 413 /);
    const chunks = `${start}Transfer-Encoding: chunked\r\n\r\nb\r\n${'x'.repeat(11)}\r\n`;
    expect(await raw(port, chunks)).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('finishes requests in flight when the kernel stops, and leaves nothing open', async () => {
    const { url, kernel, port } = await listening();
    const { reached, open } = gateOf(kernel);
    const waiting = fetch(`${url}/plugins/test.echo/wait`);
    await reached;
    const stopped = kernel.stop();
    open();
    expect(await (await waiting).text()).toBe('waited');
    await stopped;
    expect((await rejection(raw(port, ''))).message).toContain('ECONNREFUSED');
  });

  it('finishes requests of other tenants, which stop at the same time as the one that listens', async () => {
    const { url, kernel } = await listening({
      tenant: ({ headers }) => headers.get('x-tenant') ?? undefined,
    });
    const [acme, witness] = [kernel.tenant('acme'), kernel.tenant('witness')];
    await Promise.all([acme.start(), witness.start()]);
    const { reached, open } = gateOf(acme);
    const headers = { 'x-tenant': 'acme' };
    const waiting = fetch(`${url}/plugins/test.echo/wait`, { headers });
    await reached;
    const over = nextEvent(witness, 'kernel:stopped');
    const stopped = kernel.stop();
    await over;
    open();
    expect(await (await waiting).text()).toBe('waited');
    await stopped;
  });

  it('serves tenants and routes of the application', async () => {
    const { kernel } = await serve([echo, notes]);
    const { url } = await kernel.extension(http).listen({
      fetch(request) {
        const { hostname, pathname } = new URL(request.url);
        if (pathname === '/own') return new Response('own');
        const tenant = hostname === 'localhost' ? kernel.tenant('acme') : kernel;
        return tenant.extension(http).fetch(request);
      },
    });
    await kernel.tenant('acme').start();
    await kernel.plugins.uninstall('test.echo');
    expect(await (await fetch(`${url}/own`)).text()).toBe('own');
    expect((await fetch(`${url}/plugins/test.echo/`)).status).toBe(404);
    const acme = url.replace('127.0.0.1', 'localhost');
    expect((await fetch(`${acme}/plugins/test.echo/`)).status).toBe(200);
    await expect((await fetch(`${acme}/plugins/test.echo/broken`)).text()).rejects.toThrow();
  });

  it('asks the application for the tenant of a request', async () => {
    const { url, kernel } = await listening({
      tenant: ({ headers }) => {
        const name = headers.get('x-tenant');
        if (name === 'bad') throw new Error('the password is hunter2');
        return name ?? undefined;
      },
    });
    await kernel.tenant('acme').start();
    await kernel.plugins.uninstall('test.echo');
    const status = async (name: string) => {
      const headers = new Headers(name === '' ? [] : [['x-tenant', name]]);
      return problem(await fetch(`${url}/plugins/test.echo/x`, { headers }));
    };
    const acme = await fetch(`${url}/plugins/test.echo/x`, { headers: { 'x-tenant': 'acme' } });
    expect(acme.status).toBe(200);
    expect(await status('')).toEqual([404, 'plugin/not-found']);
    expect(await status('beta')).toEqual([404, 'http/tenant']);
    expect(await status('__proto__')).toEqual([404, 'http/tenant']);
    expect(await status('bad')).toEqual([500, 'call/failed']);
    await kernel.tenant('acme').stop();
    expect(await status('acme')).toEqual([404, 'http/tenant']);
  });

  it('says why it can not listen', async () => {
    const { kernel, port } = await listening();
    const { listen } = kernel.extension(http);
    const error = await rejection(listen({ port }));
    expect([error.code, error.message]).toEqual([
      'kernel/invalid-option',
      expect.stringContaining(`can't listen on 127.0.0.1:${port}`),
    ]);
    expect((await rejection(listen({ port: 1.5 }))).code).toBe('kernel/invalid-option');
  });

  it('serves 256 clients at once', async () => {
    const { url } = await listening({ limits: { plugin: 256 } });
    const asked = Array.from({ length: 256 }, () => fetch(`${url}/plugins/test.echo/`));
    const statuses = (await Promise.all(asked)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(256);
  });
});
