/** `routes(ctx)` of `@plinth/http`: the helper for plugins. */
import { eventStream, HttpRoutes, type RouteHandlers, routes } from '@plinth/http';
import { http } from '@plinth/http/host';
import { definePlugin } from '@plinth/sdk';
import { contractChecks } from '@plinth/sdk/testing';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { runtime } from '#host';
import { startKernel } from '../support/kernels.ts';
import { problem } from './serve.ts';

const manifest = {
  id: 'test.notes',
  version: '1.0.0',
  main: 'plugin.js',
  engines: { plinth: '^1.0.0' },
  provides: ['plinth.http-routes@1'],
  permissions: { contracts: { provide: ['plinth.http-routes'] } },
};

const start = async <const R extends string>(handlers: RouteHandlers<R>) => {
  const plugin = definePlugin({ activate: (ctx) => void routes(ctx, handlers) });
  const kernel = await startKernel({ isolation: 'inline' }, [{ manifest, plugin }], {
    extensions: [http({ authenticate: () => 'ada' })],
  });
  const { fetch } = kernel.extension(http);
  const ask = (path: string, init?: RequestInit) =>
    fetch(new Request(`http://app.test/plugins/test.notes${path}`, init));
  return { kernel, ask };
};

describe(`${runtime}: routes(ctx)`, () => {
  it('answers by method and path, with decoded parameters', async () => {
    const { ask } = await start({
      'GET /notes/:id': ({ params, query }, call) => {
        expectTypeOf(params).toEqualTypeOf<Readonly<Record<'id', string>>>();
        return { json: [params.id, query.q, call.user] };
      },
      'GET /notes/all': () => ({ body: 'all', headers: { 'content-type': 'text/plain' } }),
      'POST /notes': ({ json }) => ({ status: 201, json: json() }),
      'DELETE /notes/:id/parts/:part': ({ params }) => {
        expectTypeOf(params).toEqualTypeOf<Readonly<Record<'id' | 'part', string>>>();
        return {};
      },
    });
    expect(await (await ask('/notes/%C3%A9%20?q=1')).json()).toEqual(['é ', '1', 'ada']);
    expect(await (await ask('/notes/all')).text()).toBe('all');
    const headers = { 'content-type': 'application/json' };
    const made = await ask('/notes', { method: 'POST', headers, body: '{"a":1}' });
    expect([made.status, await made.json()]).toEqual([201, { a: 1 }]);
    expect((await ask('/notes/1/parts/2', { method: 'DELETE' })).status).toBe(204);
    const wrong = await ask('/notes/1', { method: 'POST' });
    expect(wrong.headers.get('allow')).toBe('GET');
    expect(await problem(wrong)).toEqual([405, 'http/method']);
    for (const path of ['/', '/notes/', '/notes/1/2', '/nothing'])
      expect(await problem(await ask(path))).toEqual([404, 'http/not-found']);
  });

  it('answers a body that is no JSON with 400, and what a handler throws with 500', async () => {
    const { ask } = await start({
      'POST /taken': ({ json }) => ({ json: json() }),
      'POST /tried': ({ json }) => {
        try {
          return { json: json() };
        } catch (error) {
          return { json: error instanceof SyntaxError };
        }
      },
      'POST /own': () => ({ json: JSON.parse('{') }),
    });
    const send = (path: string, body: string) =>
      ask(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    for (const body of ['{bad', '', '{"a":1']) {
      expect(await problem(await send('/taken', body))).toEqual([400, 'http/not-json']);
      expect(await (await send('/tried', body)).json()).toBe(true);
    }
    expect(await problem(await send('/own', '{}'))).toEqual([500, 'call/failed']);
  });

  it('takes the rest of a path, repeated parameters, and headers that are sent several times', async () => {
    const { ask } = await start({
      'GET /files/*path': ({ params, queries }) => {
        expectTypeOf(params).toEqualTypeOf<Readonly<Record<'path', string>>>();
        return { json: [params.path, queries.q], headers: { 'x-a': ['1', '2'] } };
      },
      'GET /files/:id/parts/*rest': ({ params }) => {
        expectTypeOf(params).toEqualTypeOf<Readonly<Record<'id' | 'rest', string>>>();
        return { json: params };
      },
      'GET /files/index': () => ({ body: 'index' }),
      'POST /live': ({ stream }) => ({ json: typeof stream() }),
    });
    const rest = await ask('/files/a/%C3%A9?q=1&q=2');
    expect([await rest.json(), rest.headers.get('x-a')]).toEqual([['a/é', ['1', '2']], '1, 2']);
    expect(await (await ask('/files/7/parts/a/b')).json()).toEqual({ id: '7', rest: 'a/b' });
    expect(await (await ask('/files/index')).text()).toBe('index');
    for (const path of ['/files', '/files/']) expect((await ask(path)).status).toBe(404);
    expect((await ask('/live', { method: 'POST', body: 'x' })).status).toBe(500);
  });

  it('answers with Server-Sent Events, and says that it lives while it is silent', async () => {
    let ended = 0;
    const go = Promise.withResolvers<void>();
    const { ask } = await start({
      'GET /events': () =>
        eventStream(
          (async function* () {
            try {
              yield { event: 'a', id: '1', retry: 500, data: 'one\ntwo' };
              await go.promise;
              yield { data: { three: 3 } };
            } finally {
              ended += 1;
            }
          })(),
          { beat: 20 },
        ),
      'GET /forged': () =>
        eventStream(
          (async function* () {
            yield { data: 1, event: 'a\n\ndata: forged' };
          })(),
        ),
    });
    const answer = await ask('/events');
    expect(answer.headers.get('content-type')).toContain('text/event-stream');
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    const decoder = new TextDecoder();
    let text = '';
    const until = async (wanted: string) => {
      while (!text.includes(wanted)) text += decoder.decode((await reader.read()).value);
    };
    await until(':\n\n');
    expect(text).toMatch(/^event: a\nid: 1\nretry: 500\ndata: one\ndata: two\n\n:\n\n/);
    go.resolve();
    await until('data: {"three":3}\n\n');
    expect((await reader.read()).done).toBe(true);
    expect(ended).toBe(1);
    await expect((await ask('/forged')).text()).rejects.toThrow();
  });

  it('refuses routes that are none, or twice the same', async () => {
    for (const handlers of [
      { 'FETCH /a': () => ({}) },
      { 'GET a': () => ({}) },
      { 'GET /:': () => ({}) },
      { 'GET /:a/:a': () => ({}) },
      { 'GET /:a/*a': () => ({}) },
      { 'GET /*a/b': () => ({}) },
      { 'GET /*': () => ({}) },
      { 'GET /a/*b': () => ({}), 'GET /a/*c': () => ({}) },
      { 'GET /a': 'no function' },
      { 'GET /:a': () => ({}), 'GET /:b': () => ({}) },
    ]) {
      const provide = () => {
        throw new Error('provided');
      };
      expect(() => routes({ provide } as never, handlers as never)).toThrow(
        expect.objectContaining({ code: 'contract/invalid' }),
      );
    }
  });
});

describe(`${runtime}: routes(ctx) provides HttpRoutes`, () => {
  it('and passes the checks of the contract', async () => {
    const { kernel } = await start({
      'GET /notes': () => ({ json: [] }),
      'GET /notes/:id': ({ params }) => ({ body: params.id }),
      'POST /notes': () => ({ status: 201 }),
    });
    const client = kernel.client(HttpRoutes, { provider: 'test.notes' });
    const checks = contractChecks(HttpRoutes, client, { paths: { '/notes/:id': '/notes/1' } });
    expect(checks.length).toBeGreaterThan(5);
    for (const { run } of checks) await run();
  });
});
