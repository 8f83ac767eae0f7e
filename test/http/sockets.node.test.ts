/** WebSockets of the server in Node: events of the admin API. */
import { connect } from 'node:net';
import { type HttpOptions, http } from '@plinth/http/host';
import { describe, expect, it } from 'vitest';
import { pluginOf } from '../support/plugins.ts';
import { serve } from './serve.ts';
import { handshake, openSocket, type TestSocket } from './web-socket.ts';

const notes = pluginOf('test.notes', "ctx.commands.handle('add', (text) => text);");
const tokens = {
  'token-of-the-viewer': { name: 'vera', role: 'viewer' },
  'token-of-the-admin': { name: 'ada', role: 'admin' },
} as const;
const PROTOCOLS = ['plinth.events', 'bearer.token-of-the-viewer'];

async function listening(options: HttpOptions = {}) {
  const { kernel } = await serve([notes], options);
  await kernel.extension(http).admin(kernel, { tokens });
  const { url, port } = await kernel.extension(http).listen();
  const at = (query = '') => `${url.replace('http', 'ws')}/api/v1/events${query}`;
  return { kernel, url, port, at };
}

interface Told {
  readonly event: string;
  readonly cursor: string;
  readonly data: Record<string, unknown>;
}

async function until(socket: TestSocket, event: string): Promise<Told[]> {
  const found: Told[] = [];
  while (found.at(-1)?.event !== event) found.push(JSON.parse(String(await socket.next())) as Told);
  return found;
}

describe('WebSockets of the admin API', () => {
  it('tell what happens, and go on after a cursor', async () => {
    const { kernel, at } = await listening();
    const socket = await openSocket(at(), PROTOCOLS);
    expect(socket.protocol).toBe('plinth.events');
    await kernel.plugins.disable('test.notes');
    const seen = await until(socket, 'plugin:disabled');
    expect(seen[0]?.event).toBe('hello');
    expect(seen.at(-1)?.data).toMatchObject({ plugin_id: 'test.notes' });
    socket.close();
    await kernel.plugins.enable('test.notes');
    const again = await openSocket(at(`?cursor=${seen.at(-1)?.cursor}`), PROTOCOLS);
    const names = (await until(again, 'plugin:enabled')).map(({ event }) => event);
    expect(names).not.toContain('plugin:disabled');
    expect(names).not.toContain('gap');
    again.close();
    const lost = await openSocket(at('?cursor=00000000.3'), PROTOCOLS);
    expect((await until(lost, 'gap')).at(-1)?.data).toHaveProperty('to');
    lost.close();
  });

  it('open by a ticket, and not by a token in the address', async () => {
    const { url, at } = await listening();
    const made = await fetch(`${url}/api/v1/tickets`, {
      method: 'POST',
      headers: { authorization: 'Bearer token-of-the-viewer' },
    });
    const { ticket } = (await made.json()) as { ticket: string };
    const socket = await openSocket(at(`?ticket=${ticket}`));
    await until(socket, 'hello');
    socket.close();
    expect(await handshake(at(`?ticket=${ticket}`))).toBe(401);
    expect(await handshake(at('?token=token-of-the-viewer'))).toBe(401);
    expect(await handshake(at(), { 'sec-websocket-protocol': 'bearer.token-of-the-viewer' })).toBe(
      400,
    );
  });

  it('are refused to pages of other origins, and when they are malformed', async () => {
    const { at, port } = await listening();
    const headers = { authorization: 'Bearer token-of-the-viewer' };
    expect(await handshake(at(), { ...headers, origin: 'https://evil.test' })).toBe(403);
    expect(await handshake(at(), { ...headers, origin: `http://127.0.0.1:${port}` })).toBe(101);
    expect(await handshake(at('?values=true'), headers)).toBe(403);
    expect(await handshake(at(), { ...headers, 'sec-websocket-key': 'short' })).toBe(426);
    expect(await handshake(at(), { ...headers, 'sec-websocket-version': '12' })).toBe(426);
    // An offer to speak something else is left alone.
    expect(await handshake(at(), { ...headers, upgrade: 'h2c' })).toBe(200);
    expect(await handshake(at().replace('/api/v1/events', '/nowhere'), headers)).toBe(404);
    expect(await handshake(at().replace('events', 'plugins'), headers)).toBe(400);
    expect(await handshake(at(), { ...headers, host: 'a b' })).toBe(400);
  });

  it('leave nothing behind when the application answers with something else', async () => {
    const { kernel, at } = await listening({ limits: { streams: 1 } });
    const { fetch: answer, listen } = kernel.extension(http);
    const { url } = await listen({ fetch: async (request) => (await answer(request)).clone() });
    const headers = { authorization: 'Bearer token-of-the-viewer' };
    const copied = `${url.replace('http', 'ws')}/api/v1/events`;
    for (let n = 0; n < 3; n++) {
      await expect.poll(() => handshake(copied, headers)).toBe(426);
      await expect.poll(() => handshake(at(), headers)).toBe(101);
    }
  });

  it('are read only', async () => {
    const { at } = await listening();
    const socket = await openSocket(at(), PROTOCOLS);
    socket.send('hello');
    expect(await socket.closed).toMatchObject({ code: 1008 });
  });

  it('cut off a reader that is too slow, with the reason', async () => {
    const { kernel, at } = await listening();
    const query = '?topic=plugin:command&values=true';
    const socket = await openSocket(at(query), ['plinth.events', 'bearer.token-of-the-admin']);
    socket.pause();
    const big = 'x'.repeat(30_000);
    for (let n = 0; n < 500; n++) await kernel.commands.execute('test.notes:add', big);
    socket.resume();
    expect(await socket.closed).toMatchObject({ code: 1013, reason: 'too slow' });
    const next = await openSocket(at(), PROTOCOLS);
    await until(next, 'hello');
    next.close();
  });

  it('end with the kernel, also half-open ones, and leave nothing', async () => {
    const { kernel, at, port } = await listening();
    const socket = await openSocket(at(), PROTOCOLS);
    await until(socket, 'hello');
    const silent = connect(port, '127.0.0.1');
    await new Promise<void>((resolve) => silent.once('connect', resolve));
    silent.write(
      'GET /api/v1/events HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Authorization: Bearer token-of-the-viewer\r\nSec-WebSocket-Version: 13\r\n' +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    await new Promise<void>((resolve) => silent.once('data', () => resolve()));
    // It answers no goodbye: it is cut.
    const cut = new Promise<void>((resolve) => silent.once('close', () => resolve()));
    silent.on('error', () => {});
    await kernel.stop();
    expect(await socket.closed).toMatchObject({ code: 1001, reason: 'the server is stopping' });
    await cut;
  });

  it('are as many as are allowed, and 256 can be open at once', async () => {
    const { at } = await listening();
    const all = await Promise.all(Array.from({ length: 256 }, () => openSocket(at(), PROTOCOLS)));
    const headers = { authorization: 'Bearer token-of-the-viewer' };
    expect(await handshake(at(), headers)).toBe(503);
    for (const socket of all) socket.close();
    await Promise.all(all.map(({ closed }) => closed));
    await expect.poll(() => handshake(at(), headers)).toBe(101);
  });
});

describe('WebSockets of events for users', () => {
  const options: HttpOptions = {
    authenticate: ({ headers }) =>
      headers.get('authorization') === 'Bearer token-of-ada' ? 'ada' : undefined,
    events: { topics: ['test.shop:*'], authorize: () => true },
  };
  const shop = pluginOf(
    'test.shop',
    "ctx.commands.handle('sell', (text) => ctx.events.emit('sold', text));",
    { permissions: { events: { emit: ['test.shop:*'] } } },
  );
  const listen = async (more: HttpOptions = {}) => {
    const { kernel } = await serve([shop], { ...options, ...more });
    const { url } = await kernel.extension(http).listen();
    const at = (query = '') => `${url.replace('http', 'ws')}/events?topic=test.shop:*${query}`;
    return { kernel, at, sell: (text: string) => kernel.commands.execute('test.shop:sell', text) };
  };
  const OFFERED = ['plinth.events', 'bearer.token-of-ada'];

  it('tell them, resume after a cursor, and tell a gap', async () => {
    const { at, sell } = await listen();
    const socket = await openSocket(at(), OFFERED);
    expect(socket.protocol).toBe('plinth.events');
    const [hello] = await until(socket, 'hello');
    await sell('a');
    const [first] = await until(socket, 'message');
    expect(first?.data).toEqual({ topic: 'test.shop:sold', source: 'test.shop', payload: 'a' });
    socket.cut();
    await sell('b');
    for (const [cursor, payloads] of [
      [first?.cursor, ['b']],
      [hello?.cursor, ['a', 'b']],
    ] as const) {
      const again = await openSocket(at(`&cursor=${cursor}`), OFFERED);
      const told = await until(again, 'hello');
      for (const _ of payloads) told.push(...(await until(again, 'message')));
      expect(told.slice(1).map(({ data }) => data.payload)).toEqual(payloads);
      again.close();
    }
    const lost = await openSocket(at('&cursor=00000000.3'), OFFERED);
    expect((await until(lost, 'gap')).at(-1)?.data).toMatchObject({ from: '00000000.3' });
    lost.close();
  });

  it('are for users alone, from pages of the own origin, and say nothing to a writer', async () => {
    const { at } = await listen();
    expect(await handshake(at())).toBe(401);
    const wrong = { 'sec-websocket-protocol': 'plinth.events, bearer.token-of-eve' };
    expect(await handshake(at(), wrong)).toBe(401);
    const offered = { 'sec-websocket-protocol': OFFERED.join(', ') };
    expect(await handshake(at(), { ...offered, origin: 'https://evil.test' })).toBe(403);
    expect(await handshake(at(), { 'sec-websocket-protocol': OFFERED[1] ?? '' })).toBe(400);
    const socket = await openSocket(at(), OFFERED);
    socket.send('hello');
    expect((await socket.closed).code).toBe(1008);
  });

  it('end with the kernel and when they are too slow, and free their place', async () => {
    const { kernel, at, sell } = await listen({ limits: { streams: 1, queue: 4 } });
    const slow = await openSocket(at(), OFFERED);
    await until(slow, 'hello');
    expect(await handshake(at(), { 'sec-websocket-protocol': OFFERED.join(', ') })).toBe(503);
    slow.pause();
    // More than what connections hold between them, at once: an end waits 2 s for its answer.
    const text = 'x'.repeat(60_000);
    await Promise.all(Array.from({ length: 400 }, () => sell(text)));
    slow.resume();
    expect(await slow.closed).toEqual({ code: 1013, reason: 'too slow' });
    const next = await openSocket(at(), OFFERED);
    await kernel.stop();
    expect(await next.closed).toEqual({ code: 1001, reason: 'the server is stopping' });
  });
});
