/** Routes of plugins that the manifest declares, over real connections: streams both ways, WebSockets, cookies. */
import { request } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { type HttpOptions, http } from '@plinth/http/host';
import { describe, expect, it } from 'vitest';
import { gateOf, rejection } from '../support/kernels.ts';
import type { TextPackage } from '../support/plugins.ts';
import { problem, routesOf, serve } from './serve.ts';
import { eventsOf } from './sse.ts';
import { handshake, openSocket } from './web-socket.ts';

function declaring(id: string, routes: readonly unknown[], handle: string): TextPackage {
  const made = routesOf(id, handle);
  return { ...made, manifest: { ...made.manifest, contributes: { http: { routes } } as never } };
}

const live = declaring(
  'test.live',
  [
    { method: 'POST', path: '/upload', body: 'stream' },
    { method: 'POST', path: '/early', body: 'stream' },
    { method: 'GET', path: '/ticks', summary: 'Ticks' },
    { method: 'GET', path: '/files/*path' },
    { method: 'GET', path: '/chat', socket: true },
    { method: 'GET', path: '/deaf', socket: true },
    { method: 'GET', path: '/closed', socket: true },
    { method: 'GET', path: '/headers', socket: true },
    { method: 'GET', path: '/endless', socket: true },
    { method: 'GET', path: '/flood', socket: true },
    { method: 'GET', path: '/bad', socket: true },
    { method: 'GET', path: '/die', socket: true },
    { method: 'GET', path: '/cookies' },
    { method: 'GET', path: '/bad-cookie' },
  ],
  `const { path, body, headers } = request;
   if (path === '/upload') {
     let size = 0; let first = 0;
     for await (const part of body) { size += part.byteLength; if (first++ === 0) await ctx.commands.execute('host:first'); }
     return { status: 200, body: String(size) };
   }
   if (path === '/early') return { status: 403 };
   if (path === '/ticks') return { status: 200, headers: { 'content-type': 'text/event-stream' },
     body: (async function* () { try { for (let n = 0; ; n++) { yield 'event: tick\\ndata: ' + n + '\\n\\n'; await ctx.commands.execute('host:tick'); } } finally { await ctx.own((own) => ctx.commands.execute('host:ended', undefined, own)); } })() };
   if (path === '/chat') return { status: 101, body: (async function* () {
     yield 'hello ' + call.user;
     for await (const message of body) yield typeof message === 'string' ? message.toUpperCase() : message;
     await ctx.own((own) => ctx.commands.execute('host:ended', undefined, own));
   })() };
   if (path === '/deaf') return { status: 101, body: (async function* () { yield 'deaf'; await new Promise(() => {}); })() };
   if (path === '/endless') return { status: 403, body: (async function* () { for (;;) yield 'x'.repeat(65536); })() };
   if (path === '/headers') return { status: 101, body: (async function* () { yield JSON.stringify(headers); })() };
   if (path === '/closed') return { status: 403, body: 'no' };
   if (path === '/flood') return { status: 101, body: (async function* () {
     try { for (;;) yield 'x'.repeat(65536); } finally { await ctx.own((own) => ctx.commands.execute('host:ended', undefined, own)); }
   })() };
   if (path === '/bad') return { status: 101, body: (async function* () { yield { an: 'object' }; })() };
   if (path === '/die') return { status: 101, body: (async function* () {
     yield 'half';
     await ctx.commands.execute('host:gate');
     setTimeout(() => { throw new Error('gone'); }, 0);
     await new Promise(() => {});
   })() };
   if (path === '/cookies') return { status: 200, headers: { 'set-cookie': ['a=1; Path=/; Domain=evil.test; Max-Age=60', 'b=2; Secure'], 'x-many': ['1', '2'] }, body: headers.cookie ?? 'none' };
   if (path === '/bad-cookie') return { status: 200, headers: { 'set-cookie': ['a=1\\u0000'] } };
   return { status: 200, body: JSON.stringify([path, request.queries, headers['x-request-id']]) };`,
);

async function listening(options: HttpOptions = {}) {
  const { kernel } = await serve([live], { authenticate: () => 'ada', ...options });
  const { url, port } = await kernel.extension(http).listen();
  const at = `${url}/plugins/test.live`;
  return { kernel, url, port, at, socket: at.replace('http', 'ws') };
}

describe('declared routes', () => {
  it('are answered by the host where the plugin has none', async () => {
    const { at, kernel } = await listening();
    await kernel.plugins.deactivate('test.live');
    expect(await problem(await fetch(`${at}/nothing`))).toEqual([404, 'http/not-found']);
    const wrong = await fetch(`${at}/upload`);
    expect(wrong.headers.get('allow')).toBe('POST');
    expect(await problem(wrong)).toEqual([405, 'http/method']);
    expect(await problem(await fetch(`${at}/files/`))).toEqual([404, 'http/not-found']);
    expect(kernel.plugins.get('test.live')?.state).toBe('unloaded');
    const stopped = await fetch(`${at}/files/a`);
    expect(stopped.headers.get('retry-after')).not.toBeNull();
    expect((await problem(stopped))[0]).toBe(503);
  });

  it('get the rest of a path, all values of a query, and the id of the request', async () => {
    const { at } = await listening();
    const answer = await fetch(`${at}/files/a/b%20c?x=1&x=2&y=`);
    expect(await answer.json()).toEqual([
      '/files/a/b%20c',
      { x: ['1', '2'], y: [''] },
      answer.headers.get('x-request-id'),
    ]);
  });

  it('are in OpenAPI', async () => {
    const { url } = await listening();
    const document = (await (await fetch(`${url}/openapi.json`)).json()) as {
      paths: Record<string, object>;
    };
    expect(document.paths).toMatchObject({
      '/plugins/test.live/ticks': { get: { summary: 'Ticks' } },
      '/plugins/test.live/files/{path}': { get: { parameters: [{ name: 'path' }] } },
    });
  });

  it('are one path of OpenAPI when they differ in the names of parameters alone', async () => {
    const routes = [
      { method: 'GET', path: '/items/:id' },
      { method: 'DELETE', path: '/items/:key' },
    ];
    const { ask } = await serve([declaring('test.items', routes, '')], {
      authenticate: () => 'ada',
    });
    const { paths } = (await (await ask('/openapi.json')).json()) as { paths: object };
    const parameters = [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }];
    expect(paths).toEqual({
      '/plugins/test.items/items/{id}': {
        get: expect.objectContaining({ parameters }),
        delete: expect.objectContaining({ parameters }),
      },
    });
  });

  it.each([
    [{}, 'routes'],
    [{ routes: [{ method: 'FETCH', path: '/' }] }, "'method' is one of"],
    [{ routes: [{ method: 'GET', path: 'a' }] }, "'path' is written like"],
    [{ routes: [{ method: 'GET', path: '/*a/b' }] }, "'path' is written like"],
    [{ routes: [{ method: 'POST', path: '/', socket: true }] }, "'socket' is true"],
    [{ routes: [{ method: 'POST', path: '/', body: 'bytes' }] }, "'body' is 'stream'"],
    [{ routes: [{ method: 'GET', path: '/', sumary: '' }] }, "'sumary' is none of"],
    [{ routes: [null] }, 'is no object'],
  ])('that make no sense are refused with the manifest: %j', async (value, told) => {
    const made = routesOf('test.wrong', '');
    const { kernel } = await serve([
      { ...made, manifest: { ...made.manifest, contributes: { http: value } as never } },
    ]);
    const error = kernel.plugins.get('test.wrong')?.error;
    expect(error).toMatchObject({ code: 'manifest/invalid' });
    expect(error?.message).toContain('contributes.http: routes');
    expect(error?.message).toContain(told);
  });
});

describe('streams of plugins', () => {
  it('read an upload while it arrives', async () => {
    const { at, kernel } = await listening();
    const first = Promise.withResolvers<void>();
    kernel.commands.handle('first', () => first.resolve());
    const body = Readable.toWeb(
      Readable.from(
        (async function* () {
          yield Buffer.alloc(1_000);
          await first.promise;
          for (let n = 0; n < 40; n++) yield Buffer.alloc(65_536);
        })(),
      ),
    ) as ReadableStream<Uint8Array>;
    const answer = await fetch(`${at}/upload`, {
      method: 'POST',
      body,
      duplex: 'half',
    } as RequestInit);
    expect(await answer.text()).toBe(String(1_000 + 40 * 65_536));
  });

  it('end an upload that is too large, that stops, or that is not read', async () => {
    const { at, kernel, port } = await listening({ limits: { upload: 100_000, timeout: 2_000 } });
    kernel.commands.handle('first', () => {});
    const large = await fetch(`${at}/upload`, { method: 'POST', body: new Uint8Array(200_000) });
    expect(await problem(large)).toEqual([413, 'http/too-large']);
    const early = await fetch(`${at}/early`, { method: 'POST', body: new Uint8Array(50_000) });
    expect(early.status).toBe(403);
    const socket = connect(port, '127.0.0.1');
    socket.write(
      'POST /plugins/test.live/upload HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\nConnection: close\r\n\r\nab',
    );
    let answer = '';
    for await (const part of socket) answer += part;
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('stop reading when the client has gone in the middle of an upload', async () => {
    const { at, kernel } = await listening();
    const first = Promise.withResolvers<void>();
    kernel.commands.handle('first', () => first.resolve());
    const asked = request(`${at}/upload`, { method: 'POST' });
    asked.on('error', () => {});
    asked.write(Buffer.alloc(1_000));
    await first.promise;
    asked.destroy();
    await expect.poll(async () => (await kernel.plugins.usage('test.live')).calls.serving).toBe(0);
    expect((await fetch(`${at}/files/a`)).status).toBe(200);
  });

  it('send Server-Sent Events as they come, until the reader leaves', async () => {
    const { at, kernel } = await listening();
    const ended = Promise.withResolvers<void>();
    let tick = Promise.withResolvers<void>();
    kernel.commands.handle('tick', () => tick.promise);
    kernel.commands.handle('ended', () => ended.resolve());
    const events = await eventsOf(await fetch(`${at}/ticks`));
    expect(await events.next()).toEqual({ event: 'tick', data: 0 });
    const before = tick;
    tick = Promise.withResolvers();
    before.resolve();
    expect(await events.next()).toEqual({ event: 'tick', data: 1 });
    await events.cancel();
    tick.resolve();
    await ended.promise;
  });

  it('set several headers of a name, and cookies of their own alone', async () => {
    const { at, url } = await listening({ cookies: true });
    const headers = { cookie: 'session=secret; test.live~a=7; test.other~a=8' };
    const answer = await fetch(`${at}/cookies`, { headers });
    expect(await answer.text()).toBe('a=7');
    expect(answer.headers.getSetCookie()).toEqual([
      'test.live~a=1; Path=/plugins/test.live; HttpOnly; Max-Age=60; SameSite=Lax',
      'test.live~b=2; Path=/plugins/test.live; HttpOnly; Secure; SameSite=Lax',
    ]);
    expect(answer.headers.get('x-many')).toBe('1, 2');
    expect((await fetch(`${at}/bad-cookie`)).status).toBe(502);
    const closed = await listening();
    expect(closed.url).not.toBe(url);
    const none = await fetch(`${closed.at}/cookies`, { headers });
    expect([await none.text(), none.headers.getSetCookie()]).toEqual(['none', []]);
  });
});

describe('WebSockets of plugins', () => {
  it('carry texts and bytes both ways, and end with the client', async () => {
    const { socket, kernel } = await listening();
    const ended = Promise.withResolvers<void>();
    kernel.commands.handle('ended', () => ended.resolve());
    const chat = await openSocket(`${socket}/chat`);
    expect(await chat.next()).toBe('hello ada');
    chat.send('hi');
    expect(await chat.next()).toBe('HI');
    chat.send(new Uint8Array([1, 2]));
    expect(await chat.next()).toEqual(new Uint8Array([1, 2]));
    for (let n = 0; n < 200; n++) chat.send(`n${n}`);
    for (let n = 0; n < 200; n++) expect(await chat.next()).toBe(`N${n}`);
    chat.close();
    await ended.promise;
    await chat.closed;
  });

  it('show their plugin no token', async () => {
    const { socket } = await listening({
      authenticate: ({ headers }) => headers.get('authorization') ?? undefined,
    });
    const opened = await openSocket(`${socket}/headers`, ['plinth.socket', 'bearer.hunter2']);
    expect(opened.protocol).toBe('plinth.socket');
    const headers = String(await opened.next());
    expect(headers).toContain('x-request-id');
    expect(headers).not.toMatch(/hunter2|sec-websocket/);
    expect((await opened.closed).code).toBe(1000);
  });

  it('are opened by what is declared, asked for, and answered with 101', async () => {
    const { socket, at } = await listening();
    expect(await problem(await fetch(`${at}/chat`))).toEqual([426, 'http/upgrade']);
    expect(await handshake(`${socket}/files/a`)).toBe(400);
    expect(await handshake(`${socket}/closed`)).toBe(403);
    expect(await handshake(`${socket}/endless`)).toBe(403);
    expect(await handshake(`${socket}/none`)).toBe(404);
    expect(await handshake(`${socket}/chat`, { origin: 'https://evil.test' })).toBe(403);
    expect((await rejection(openSocket(`${socket}/closed`))).message).toContain('403');
  });

  it('end with a reason when the plugin ends, dies or sends nonsense', async () => {
    const { socket, kernel } = await listening();
    const { open } = gateOf(kernel);
    const bad = await openSocket(`${socket}/bad`);
    expect((await bad.closed).code).toBe(1011);
    const dying = await openSocket(`${socket}/die`);
    expect(await dying.next()).toBe('half');
    open();
    expect((await dying.closed).code).toBe(1011);
  });

  it('hold back both sides: a client that floods, and one that reads nothing', async () => {
    const { socket, kernel } = await listening({ limits: { timeout: 2_000, body: 70_000 } });
    const ended = Promise.withResolvers<void>();
    kernel.commands.handle('ended', () => ended.resolve());
    const deaf = await openSocket(`${socket}/deaf`);
    expect(await deaf.next()).toBe('deaf');
    for (let n = 0; n < 500; n++) deaf.send('x'.repeat(65_536));
    deaf.cut();
    const slow = await openSocket(`${socket}/flood`);
    slow.pause();
    await ended.promise;
    slow.resume();
    expect((await slow.closed).code).toBe(1011);
    const large = await openSocket(`${socket}/chat`);
    await large.next();
    large.send('x'.repeat(70_001));
    expect((await large.closed).code).toBe(1009);
  });

  it('count for their plugin, and end with the kernel', async () => {
    const { socket, kernel, at } = await listening({ limits: { plugin: 2, streams: 2 } });
    const [one, two] = [await openSocket(`${socket}/deaf`), await openSocket(`${socket}/deaf`)];
    expect(await problem(await fetch(`${at}/files/a`))).toEqual([503, 'http/overloaded']);
    one.close();
    await one.closed;
    await expect.poll(async () => (await fetch(`${at}/files/a`)).status).toBe(200);
    await kernel.stop();
    expect(await two.closed).toEqual({ code: 1001, reason: 'the server is stopping' });
  });
});
