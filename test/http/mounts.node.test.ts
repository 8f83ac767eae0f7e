/** The handler in servers that the application has: Express, Fastify and `node:http`. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type HttpOptions, http, type Listeners } from '@plinth/http/host';
import express from 'express';
import fastify from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { pluginOf } from '../support/plugins.ts';
import { post, problem, routesOf, serve } from './serve.ts';
import { eventsOf } from './sse.ts';
import { openSocket } from './web-socket.ts';

const routes = [
  { method: 'GET', path: '/echo' },
  { method: 'POST', path: '/echo' },
  { method: 'POST', path: '/upload', body: 'stream' },
  { method: 'GET', path: '/ticks' },
  { method: 'GET', path: '/broken' },
  { method: 'GET', path: '/chat', socket: true },
];
const made = routesOf(
  'test.live',
  `const { path, body } = request;
   if (path === '/upload') { let size = 0; for await (const part of body) size += part.byteLength; return { status: 200, body: String(size) }; }
   if (path === '/ticks') return { status: 200, headers: { 'content-type': 'text/event-stream' },
     body: (async function* () { try { for (let n = 0; ; n++) { yield 'event: tick\\ndata: ' + n + '\\n\\n'; await new Promise((go) => setTimeout(go, 1)); } } finally { await ctx.own((own) => ctx.commands.execute('host:ended', undefined, own)); } })() };
   if (path === '/broken') return { status: 200, body: (async function* () { yield 'half'; throw new Error('gone'); })() };
   if (path === '/chat') return { status: 101, body: (async function* () { for await (const message of body) yield message; })() };
   return { status: 200, headers: { 'x-many': ['1', '2'] }, body: JSON.stringify([request.method, path, request.query, body ?? null]) };`,
);
const plugins = [
  { ...made, manifest: { ...made.manifest, contributes: { http: { routes } } as never } },
  pluginOf('test.notes', "ctx.commands.handle('add', (text) => text.length);"),
];
const tokens = { 'token-of-the-admin': { name: 'ada', role: 'admin' } } as const;

const open = new Set<Server>();
afterEach(async () => {
  await Promise.all(
    [...open].map((server) => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    }),
  );
  open.clear();
});

async function listenOn(server: Server): Promise<string> {
  open.add(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Each mounts the listeners below a path, and answers the address of that. */
const MOUNTS: Readonly<Record<string, (listeners: Listeners) => Promise<string>>> = {
  async 'node:http'({ request, upgrade }) {
    const server = createServer((incoming, outgoing) => {
      if (incoming.url === '/own') outgoing.end('own');
      else request(incoming, outgoing);
    });
    return listenOn(server.on('upgrade', upgrade));
  },
  async Express({ request, upgrade }) {
    const app = express();
    app.get('/own', (_, response) => void response.send('own'));
    app.use('/mk', request as RequestListener);
    const server = createServer(app);
    server.on('upgrade', (incoming, socket, head) => {
      incoming.url = incoming.url?.replace(/^\/mk/, '') ?? '';
      upgrade(incoming, socket, head);
    });
    return `${await listenOn(server)}/mk`;
  },
  async Fastify({ request, upgrade }) {
    const app = fastify();
    app.get('/own', () => 'own');
    app.register(async (mounted) => {
      // The handler reads the bodies itself.
      mounted.removeAllContentTypeParsers();
      mounted.addContentTypeParser('*', (_, __, done) => done(null));
      mounted.all('/*', (asked, reply) => {
        reply.hijack();
        request(asked.raw, reply.raw);
      });
    });
    await app.ready();
    return listenOn(app.server.on('upgrade', upgrade));
  },
};

describe.each(Object.keys(MOUNTS))('mounted in %s', (name) => {
  async function mounted(options: HttpOptions = {}) {
    const { kernel } = await serve(plugins, {
      expose: ['test.notes:*'],
      authenticate: () => 'ada',
      ...options,
    });
    const { admin, listeners } = kernel.extension(http);
    await admin(kernel, { tokens });
    const url = (await MOUNTS[name]?.(await listeners())) as string;
    return { kernel, url, at: `${url}/plugins/test.live` };
  }

  it('answers routes, commands, health and the admin API beside the application', async () => {
    const { url, at } = await mounted();
    expect(await (await fetch(`${url.replace('/mk', '')}/own`)).text()).toBe('own');
    const echo = await fetch(`${at}/echo?a=1`, post({ b: 2 }));
    expect(await echo.json()).toEqual(['POST', '/echo', { a: '1' }, '{"b":2}']);
    expect(echo.headers.get('x-many')).toBe('1, 2');
    const added = await fetch(`${url}/commands/test.notes:add`, post('hello'));
    expect(await added.json()).toBe(5);
    expect(await (await fetch(`${url}/health/ready`)).json()).toEqual({ status: 'ready' });
    const headers = { authorization: 'Bearer token-of-the-admin' };
    const disable = `${url}/api/v1/plugins/test.notes/disable`;
    expect((await fetch(disable, { method: 'POST', headers })).status).toBe(204);
    expect(await problem(await fetch(`${url}/nowhere`))).toEqual([404, 'http/not-found']);
  });

  it('streams both ways, and cuts what its plugin broke', async () => {
    const { at, kernel } = await mounted();
    const body = new Uint8Array(3_000_000);
    expect(await (await fetch(`${at}/upload`, { method: 'POST', body })).text()).toBe('3000000');
    const ended = Promise.withResolvers<void>();
    kernel.commands.handle('ended', () => ended.resolve());
    const client = new AbortController();
    const ticks = await eventsOf(await fetch(`${at}/ticks`, { signal: client.signal }));
    expect((await ticks.next()).data).toBe(0);
    client.abort();
    await ended.promise;
    await expect((await fetch(`${at}/broken`)).text()).rejects.toThrow();
  });

  it('opens WebSockets, and ends them with the kernel', async () => {
    const { at, url, kernel } = await mounted();
    const chat = await openSocket(`${at.replace('http', 'ws')}/chat`);
    chat.send('hi');
    expect(await chat.next()).toBe('hi');
    const events = await openSocket(`${url.replace('http', 'ws')}/api/v1/events`, [
      'plinth.events',
      'bearer.token-of-the-admin',
    ]);
    expect(String(await events.next())).toContain('hello');
    await kernel.stop();
    expect((await chat.closed).code).toBe(1001);
    expect((await events.closed).code).toBe(1001);
    // The server is the application's, and answers.
    expect(await problem(await fetch(`${at}/echo`))).toEqual([503, 'kernel/stopped']);
  });
});

it('behind a parser of bodies is told so, and no plugin gets an empty body', async () => {
  const { kernel } = await serve(plugins);
  const { request } = await kernel.extension(http).listeners();
  const app = express();
  app.use(express.json(), request as RequestListener);
  const url = await listenOn(createServer(app));
  const echo = await fetch(`${url}/plugins/test.live/echo`, post({ b: 2 }));
  expect(await problem(echo)).toEqual([500, 'http/body-read']);
  expect((await fetch(`${url}/plugins/test.live/echo`)).status).toBe(200);
});
