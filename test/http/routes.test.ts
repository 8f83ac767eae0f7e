/** Routes of plugins through the Fetch handler, with plugins in workers. */
import { http } from '@plinth/http/host';
import { describe, expect, it } from 'vitest';
import { runtime } from '#host';
import { gateOf } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';
import { problem, routesOf, serve } from './serve.ts';

const ECHO = `return { status: 201, headers: { 'content-type': 'application/json', 'x-own': 'yes' },
  body: JSON.stringify({ ...request, body: typeof request.body === 'string' ? request.body : request.body && [...request.body], user: call.user, traceparent: call.traceparent }) };`;
const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

describe(`${runtime}: routes of plugins`, () => {
  it('answer below their own path, with method, query, headers, body, user and trace', async () => {
    const { ask } = await serve([routesOf('test.echo', ECHO)], {
      authenticate: (request) => request.headers.get('authorization')?.slice('Bearer '.length),
    });
    const response = await ask('/plugins/test.echo/notes/7?a=1&a=2&b=%20x', {
      method: 'PUT',
      headers: {
        authorization: 'Bearer ada',
        'content-type': 'text/plain',
        traceparent: TRACE,
        'x-mine': '1',
      },
      body: 'hello',
    });
    expect(response.status).toBe(201);
    expect(response.headers.get('x-own')).toBe('yes');
    expect(response.headers.get('traceparent')).toBe(TRACE);
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(response.headers.get('content-security-policy')).toContain('sandbox');
    const seen = (await response.json()) as Record<string, unknown>;
    expect(seen).toMatchObject({
      method: 'PUT',
      path: '/notes/7',
      query: { a: '1', b: ' x' },
      body: 'hello',
      user: 'ada',
    });
    expect(seen.traceparent).toContain('4bf92f3577b34da6a3ce929d0e0e4736');
    expect(seen.headers).toMatchObject({ 'x-mine': '1' });
    // A plugin doesn't get what a user signs in with.
    expect(seen.headers).not.toHaveProperty('authorization');
  });

  it('keep the id that a request has, and get a new one for what is none', async () => {
    const { ask } = await serve([routesOf('test.echo', ECHO)]);
    const idsOf = async (given: string) => {
      const answer = await ask('/plugins/test.echo', { headers: { 'x-request-id': given } });
      const { headers } = (await answer.json()) as { headers: Record<string, string> };
      return [answer.headers.get('x-request-id'), headers['x-request-id']];
    };
    expect(await idsOf('proxy-7f3a')).toEqual(['proxy-7f3a', 'proxy-7f3a']);
    for (const given of ['', 'a b', '"', '-', 'a'.repeat(129)]) {
      const [told, seen] = await idsOf(given);
      expect(told).toMatch(/^[0-9a-f-]{36}$/);
      expect(seen).toBe(told);
    }
  });

  it('get bytes as bytes, and answer HEAD as GET without a body', async () => {
    const { ask } = await serve([routesOf('test.echo', ECHO)]);
    const body = new Uint8Array([0, 255, 7]);
    const sent = await ask('/plugins/test.echo', { method: 'POST', body });
    expect(await sent.json()).toMatchObject({ path: '/', body: [0, 255, 7] });
    const head = await ask('/plugins/test.echo/', { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([201, '']);
  });

  it('stream, at the pace of the reader, and end when the reader goes away', async () => {
    const { ask, kernel } = await serve([
      routesOf(
        'test.stream',
        `if (request.path === '/whole') return { status: 200, body: (async function* () { yield 'a'; yield new Uint8Array([98]); })() };
         return { status: 200, body: (async function* () {
           try { for (;;) yield 'x'; } finally { await ctx.commands.execute('host:ended'); }
         })() };`,
      ),
    ]);
    expect(await (await ask('/plugins/test.stream/whole')).text()).toBe('ab');
    const ended = new Promise<void>((resolve) => {
      kernel.commands.handle('ended', () => resolve());
    });
    const endless = await ask('/plugins/test.stream/endless');
    const reader = (endless.body as ReadableStream<Uint8Array>).getReader();
    expect((await reader.read()).value).toEqual(new Uint8Array([120]));
    await reader.cancel();
    await ended;
  });

  it('stop a stream that its client does not take, and one that is not sent', async () => {
    const { ask, kernel } = await serve(
      [
        routesOf(
          'test.stream',
          `const headers = request.path === '/bad' ? { 'x a': 'b' } : {};
           return { status: request.path === '/empty' ? 204 : 200, headers, body: (async function* () {
             try { for (;;) yield 'x'; } finally { await ctx.commands.execute('host:ended', request.path); }
           })() };`,
        ),
      ],
      { limits: { timeout: 2_000, plugin: 1 } },
    );
    const ended = new Set<unknown>();
    kernel.commands.handle('ended', (path) => void ended.add(path));
    const slow = await ask('/plugins/test.stream/slow');
    const reader = (slow.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    await expect.poll(() => ended.has('/slow')).toBe(true);
    // Each of these would be refused if one before still counted.
    for (const [path, status] of [
      ['bad', 502],
      ['empty', 204],
    ] as const)
      expect((await ask(`/plugins/test.stream/${path}`)).status).toBe(status);
    expect((await ask('/plugins/test.stream/head', { method: 'HEAD' })).status).toBe(200);
    expect((await ask('/plugins/test.stream/head', { method: 'HEAD' })).status).toBe(200);
  });

  it('break a response that its plugin did not finish', async () => {
    const { ask } = await serve([
      routesOf(
        'test.stream',
        `return { status: 200, body: (async function* () { yield 'half'; throw new Error('secret'); })() };`,
      ),
    ]);
    const response = await ask('/plugins/test.stream/');
    await expect(response.text()).rejects.toThrow();
  });

  it('end the call when the client goes away', async () => {
    const { ask, kernel } = await serve([
      routesOf(
        'test.slow',
        `const aborted = new Promise((resolve) => call.signal.addEventListener('abort', resolve));
         await ctx.commands.execute('host:reached');
         await aborted;
         await ctx.own((own) => ctx.commands.execute('host:aborted', undefined, own));`,
      ),
    ]);
    const reached = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<void>();
    kernel.commands.handle('reached', () => reached.resolve());
    kernel.commands.handle('aborted', () => aborted.resolve());
    const client = new AbortController();
    const answer = ask('/plugins/test.slow/', { signal: client.signal });
    await reached.promise;
    client.abort();
    expect(await problem(await answer)).toEqual([499, 'call/cancelled']);
    await aborted.promise;
  });

  it('wake a plugin that sleeps', async () => {
    const { ask, kernel } = await serve([routesOf('test.echo', ECHO)], {}, { hibernation: {} });
    expect(await kernel.plugins.hibernate('test.echo')).toBe(true);
    expect((await ask('/plugins/test.echo/')).status).toBe(201);
  });

  it('keep requests while a plugin is replaced', async () => {
    const { ask, kernel } = await serve([routesOf('test.echo', ECHO)]);
    const asked = Array.from({ length: 20 }, () => ask('/plugins/test.echo/'));
    const reloaded = kernel.plugins.reload('test.echo');
    const more = Array.from({ length: 20 }, () => ask('/plugins/test.echo/'));
    await reloaded;
    const statuses = (await Promise.all([...asked, ...more])).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([201]));
  });

  it('fail with a problem document that has nothing of the plugin in it', async () => {
    const { ask } = await serve(
      [
        routesOf(
          'test.bad',
          `if (request.path === '/throw') throw new Error('the password is hunter2');
         if (request.path === '/denied') return ctx.commands.execute('test.other:secret');
         if (request.path === '/output') return { status: 99 };
         if (request.path === '/body') return { status: 200, body: { an: 'object' } };
         if (request.path === '/header') return { status: 200, headers: { 'x-a': 'b\\r\\nset-cookie: c=d' } };
         if (request.path === '/huge') return { status: 200, body: 'x'.repeat(2000) };
         return new Promise(() => {});`,
        ),
        pluginOf('test.other', "ctx.commands.handle('secret', () => 1);"),
        pluginOf('test.plain', ''),
      ],
      { limits: { timeout: 2_000, answer: 1_000 } },
    );
    const codes: Record<string, readonly [number, unknown]> = {};
    for (const path of ['throw', 'denied', 'output', 'body', 'header', 'huge', 'hang']) {
      const response = await ask(`/plugins/test.bad/${path}`);
      expect(await response.clone().text()).not.toMatch(/hunter2|stack|at .*js:/);
      codes[path] = await problem(response);
    }
    expect(codes).toEqual({
      throw: [500, 'call/failed'],
      denied: [403, 'permission/denied'],
      output: [502, 'call/invalid-output'],
      body: [502, 'call/invalid-output'],
      header: [502, 'call/invalid-output'],
      huge: [502, 'call/invalid-output'],
      hang: [504, 'call/timeout'],
    });
    expect(await problem(await ask('/plugins/test.none/'))).toEqual([404, 'plugin/not-found']);
    expect(await problem(await ask('/plugins/test.plain/'))).toEqual([404, 'plugin/not-found']);
  });

  it('are refused beyond the number of requests in flight, of a plugin and of all', async () => {
    const { ask, kernel } = await serve(
      [
        routesOf('test.slow', `await ctx.commands.execute('host:gate'); return { status: 204 };`),
        routesOf('test.echo', ECHO),
      ],
      { limits: { plugin: 1, requests: 2 } },
    );
    const { reached, open } = gateOf(kernel);
    const first = ask('/plugins/test.slow/');
    await reached;
    const second = await ask('/plugins/test.slow/');
    expect(second.headers.get('retry-after')).toBe('1');
    expect(await problem(second)).toEqual([503, 'http/overloaded']);
    // One that is full leaves the others alone.
    expect((await ask('/plugins/test.echo/')).status).toBe(201);
    open();
    expect((await first).status).toBe(204);
    expect((await ask('/plugins/test.slow/')).status).toBe(204);
  });

  it('may not speak for the origin of the application', async () => {
    const { ask } = await serve([
      routesOf(
        'test.greedy',
        `return { status: 200, headers: { 'Set-Cookie': 'a=b', 'access-control-allow-origin': '*', 'clear-site-data': '"*"', NEL: '{}', 'report-to': '{}', 'accept-ch': 'dpr', 'set-login': 'logged-in', 'origin-agent-cluster': '?1', 'sec-session-registration': 'x', 'proxy-status': 'x', 'x-own': 'y', 'content-security-policy': "script-src 'self'" }, body: 'x' };`,
      ),
    ]);
    const { headers } = await ask('/plugins/test.greedy/');
    expect([...headers.keys()].sort()).toEqual([
      'content-security-policy',
      'content-type',
      'x-content-type-options',
      'x-own',
      'x-request-id',
    ]);
    expect(headers.get('content-security-policy')).toBe(
      "script-src 'self', sandbox allow-forms allow-scripts",
    );
  });

  it('are ended by the kernel', async () => {
    const { ask, kernel } = await serve([routesOf('test.echo', ECHO)]);
    await kernel.stop();
    expect(await problem(await ask('/plugins/test.echo/'))).toEqual([503, 'kernel/stopped']);
    expect((await ask('/health/ready')).status).toBe(503);
    expect(() => http({ mount: '/commands' })).toThrow("'mount'");
  });
});
