/** `ctx.fetch` in Node: what a plugin can and can't reach, as seen by the servers. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Kernel } from '@plinth/kernel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHost } from '#host';
import { rejection, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}
interface Loopback {
  readonly origin: string;
  readonly seen: Seen[];
  /** Resolves with the next request. */
  next(): Promise<void>;
  close(): void;
}
async function serve(answer: (request: Seen, response: ServerResponse) => void): Promise<Loopback> {
  const seen: Seen[] = [];
  let heard = () => {};
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const piece of request) body += String(piece);
    const one = {
      method: request.method ?? '',
      url: request.url ?? '',
      headers: request.headers,
      body,
    };
    seen.push(one);
    heard();
    answer(one, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    next: () => new Promise((resolve) => (heard = resolve)),
    close: () => server.closeAllConnections(),
  };
}

let api: Loopback;
let other: Loopback;
beforeAll(async () => {
  other = await serve((_, response) => response.end('secret'));
  api = await serve(({ url }, response) => {
    const { pathname, searchParams } = new URL(url, 'http://x');
    const to = (status: number, location: string) => response.writeHead(status, { location }).end();
    if (pathname === '/to')
      return to(Number(searchParams.get('status') ?? 302), searchParams.get('url') ?? '');
    if (pathname === '/round') return to(302, '/round');
    if (pathname === '/large') return void response.end(Buffer.alloc(17_000_000));
    if (pathname === '/slow') return undefined;
    response.writeHead(pathname === '/missing' ? 404 : 200, [
      ['Content-Type', 'application/json'],
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
    ]);
    response.end(JSON.stringify({ hello: 'ü' }));
  });
});
afterAll(() => {
  api.close();
  other.close();
});

const plugin = (fetch: string[]) =>
  pluginOf(
    'test.net',
    `ctx.commands.handle('get', async ([url, options]) => {
       const response = await ctx.fetch(url, options);
       return { status: response.status, ok: response.ok, url: response.url, redirected: response.redirected, text: await response.text(), type: response.headers.get('Content-Type'), cookies: response.headers.get('set-cookie') };
     });
     ctx.commands.handle('cancel', async (url) => { const stop = new AbortController(); const asked = ctx.fetch(url, { signal: stop.signal }); setTimeout(() => stop.abort(), 50); return asked; });`,
    { permissions: { network: { fetch } } },
  );
const get = (kernel: Kernel, url: string, options?: object) =>
  kernel.commands.execute('test.net:get', [url, options]) as Promise<Record<string, unknown>>;
const refused = async (kernel: Kernel, url: string, options?: object) =>
  (await rejection(get(kernel, url, options))).code;

for (const setting of [
  { isolation: 'worker', createHost },
  { isolation: 'sandbox', createHost },
  { isolation: 'inline' },
] satisfies Setting[]) {
  describe(`node ${setting.isolation}: ctx.fetch`, () => {
    const start = (scopes: string[]) =>
      startKernel(setting, [plugin(scopes)], { host: createHost() });

    it('sends the request as given and returns the response', async () => {
      const kernel = await start([api.origin]);
      api.seen.length = 0;
      expect(
        await get(kernel, `${api.origin}/a?b=1#c`, {
          method: 'post',
          headers: { 'X-One': '1', authorization: 'Bearer t' },
          body: 'größe',
        }),
      ).toEqual({
        status: 200,
        ok: true,
        url: `${api.origin}/a?b=1`,
        redirected: false,
        text: '{"hello":"ü"}',
        type: 'application/json',
        cookies: 'a=1, b=2',
      });
      expect(await get(kernel, `${api.origin}/missing`)).toMatchObject({ status: 404, ok: false });
      expect(api.seen).toMatchObject([
        {
          method: 'POST',
          url: '/a?b=1',
          body: 'größe',
          headers: { 'x-one': '1', authorization: 'Bearer t' },
        },
        { method: 'GET', url: '/missing' },
      ]);
      // Nothing of the previous response is sent along.
      expect(api.seen[1]?.headers.cookie).toBeUndefined();
    });

    it('carries the trace context of the call that it is made for', async () => {
      const kernel = await start([api.origin]);
      api.seen.length = 0;
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
      const own = '00-11111111111111111111111111111111-2222222222222222-01';
      const traced = (options?: object) =>
        kernel.commands.execute('test.net:get', [`${api.origin}/a`, options], { traceparent });
      await traced();
      await traced({ headers: { traceparent: own } });
      await get(kernel, `${api.origin}/a`);
      expect(api.seen.map(({ headers }) => headers.traceparent)).toEqual([
        traceparent,
        own,
        undefined,
      ]);
    });

    it('reaches nothing that is not granted, in any spelling of the URL', async () => {
      const kernel = await start([`${api.origin}/v1/*`, 'https://api.example.com']);
      api.seen.length = other.seen.length = 0;
      const urls = [
        `${api.origin}/v2/x`,
        `${api.origin}/v1/../v2`,
        `${api.origin}/v1`,
        `${other.origin}/v1/x`,
        `${api.origin.replace('http', 'https')}/v1/x`,
        `https://api.example.com.evil.test/`,
        `https://api.example.com:8443/`,
        `http://api.example.com/`,
      ];
      for (const url of urls) expect(await refused(kernel, url), url).toBe('permission/denied');
      for (const url of [
        'file:///etc/passwd',
        'data:text/plain,x',
        'ftp://x/',
        'https://user:pass@api.example.com/',
        '//x',
        '',
        'http://',
        'https://api.example.com@evil.test/',
      ]) {
        expect(await refused(kernel, url), url).toBe('network/invalid');
      }
      expect(await get(kernel, `${api.origin}/v1/x`)).toMatchObject({ status: 200 });
      expect([api.seen.map(({ url }) => url), other.seen]).toEqual([['/v1/x'], []]);
    });

    it('checks each redirect, drops headers for another origin, and stops at circles', async () => {
      const kernel = await start([api.origin]);
      other.seen.length = api.seen.length = 0;
      expect(
        await refused(kernel, `${api.origin}/to?url=${encodeURIComponent(`${other.origin}/`)}`),
      ).toBe('permission/denied');
      expect(
        await refused(kernel, `${api.origin}/to?url=${encodeURIComponent('file:///etc/passwd')}`),
      ).toBe('network/failed');
      expect(await refused(kernel, `${api.origin}/round`)).toBe('network/failed');
      expect(other.seen).toEqual([]);
      expect(await get(kernel, `${api.origin}/to?url=/end`)).toMatchObject({
        redirected: true,
        url: `${api.origin}/end`,
        status: 200,
      });
      api.seen.length = 0;
      await get(kernel, `${api.origin}/to?status=303&url=/end`, { method: 'POST', body: 'x' });
      await get(kernel, `${api.origin}/to?status=307&url=/end`, { method: 'POST', body: 'x' });
      expect(api.seen.map(({ method, body }) => method + body)).toEqual([
        'POSTx',
        'GET',
        'POSTx',
        'POSTx',
      ]);
      await kernel.permissions.grant('test.net', 'network.fetch', other.origin);
      await get(kernel, `${api.origin}/to?url=${encodeURIComponent(`${other.origin}/`)}`, {
        headers: { authorization: 'Bearer t', 'x-mine': '1' },
      });
      expect(other.seen[0]?.headers).toMatchObject({ 'x-mine': '1' });
      expect(other.seen[0]?.headers.authorization).toBeUndefined();
    });

    it('reaches no private address unless the right names it', async () => {
      const kernel = await start(['*']);
      api.seen.length = 0;
      const { port } = new URL(api.origin);
      const hosts = [
        '127.0.0.1',
        '127.1',
        '0x7f.1',
        '2130706433',
        '0.0.0.0',
        'localhost',
        '[::1]',
        '[::ffff:127.0.0.1]',
        '[::ffff:7f00:1]',
        '10.0.0.1',
        '169.254.169.254',
        '[fd00::1]',
        '[64:ff9b::7f00:1]',
      ];
      for (const host of hosts)
        expect(await refused(kernel, `http://${host}:${port}/`), host).toMatch(
          /permission\/denied|network\/failed/,
        );
      expect(api.seen).toEqual([]);
      await kernel.permissions.grant('test.net', 'network.fetch', `http://localhost:${port}`);
      expect(await get(kernel, `http://localhost:${port}/`)).toMatchObject({ status: 200 });
    });

    it('is bounded in size and time, and ends with its caller and with the right', async () => {
      const kernel = await start([api.origin]);
      expect(await refused(kernel, `${api.origin}/large`)).toBe('network/too-large');
      expect(await refused(kernel, `${api.origin}/slow`, { timeout: 100 })).toBe('call/timeout');
      expect(
        (await rejection(kernel.commands.execute('test.net:cancel', `${api.origin}/slow`))).code,
      ).toBe('call/cancelled');
      await kernel.permissions.revoke('test.net', 'network.fetch', api.origin);
      expect(await refused(kernel, `${api.origin}/`)).toBe('permission/denied');
    });

    it('can be granted for some methods and paths, and with a rate', async () => {
      const kernel = await start([
        `GET,HEAD ${api.origin}/v1/*`,
        `POST ${api.origin}/v1/notes 2/h`,
      ]);
      api.seen.length = 0;
      expect(await get(kernel, `${api.origin}/v1/x`)).toMatchObject({ status: 200 });
      expect(await refused(kernel, `${api.origin}/v1/x`, { method: 'DELETE' })).toBe(
        'permission/denied',
      );
      expect(await refused(kernel, `${api.origin}/v2`)).toBe('permission/denied');
      for (let n = 0; n < 2; n++)
        expect(
          await get(kernel, `${api.origin}/v1/notes`, { method: 'POST', body: 'x' }),
        ).toMatchObject({ status: 200 });
      expect(await refused(kernel, `${api.origin}/v1/notes`, { method: 'POST', body: 'x' })).toBe(
        'permission/rate',
      );
      expect(api.seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
        'GET /v1/x',
        'POST /v1/notes',
        'POST /v1/notes',
      ]);
    });

    it('a request in flight ends with the right', async () => {
      const kernel = await start([api.origin]);
      const arrived = api.next();
      const waiting = refused(kernel, `${api.origin}/slow`);
      await arrived;
      await kernel.permissions.revoke('test.net', 'network.fetch', api.origin);
      expect(await waiting).toBe('permission/denied');
    });

    it('sends no request that is malformed or sets headers reserved for the host', async () => {
      const kernel = await start([api.origin]);
      api.seen.length = 0;
      const bad = [
        { method: 'TRACE' },
        { method: 'CONNECT' },
        { method: 'GET\r\nX: 1' },
        { headers: { host: 'evil' } },
        { headers: { 'Content-Length': '5' } },
        { headers: { 'transfer-encoding': 'chunked' } },
        { headers: { 'x-a': 'b\r\nx-c: d' } },
        { headers: { 'x a': 'b' } },
        { headers: { 'proxy-authorization': 'x' } },
        { headers: [['a']] },
        { headers: Array.from({ length: 65 }, (_, n) => [`x-${n}`, '1']) },
        { body: 'x' },
        { method: 'POST', body: 5 },
        { method: 'POST', body: 'x'.repeat(8_388_609) },
        { timeout: -1 },
        { timeout: 'soon' },
      ];
      for (const options of bad)
        expect(
          await refused(kernel, `${api.origin}/`, options),
          JSON.stringify(options).slice(0, 80),
        ).toMatch(/^(network\/invalid|wire\/refused|value\/invalid)$/);
      expect(api.seen).toEqual([]);
    });
  });
}
