/** Hostile requests through the Fetch handler. */
import { http } from '@plinth/http/host';
import { describe, expect, it } from 'vitest';
import { runtime } from '#host';
import { pluginOf } from '../support/plugins.ts';
import { problem, routesOf, serve } from './serve.ts';

const PATH = `return { status: 200, body: JSON.stringify([request.path, Object.keys(request.query)]) };`;
const plugins = [
  routesOf('test.echo', PATH),
  pluginOf('test.notes', "ctx.commands.handle('add', (input) => Object.keys(input));"),
];
const options = { expose: ['test.notes:*'], authenticate: () => 'ada' };

describe(`${runtime}: hostile requests`, () => {
  it.each([
    ['/plugins/', 404],
    ['/plugins/TEST.ECHO/', 404],
    ['/plugins/test.echo%2f..%2fother/', 404],
    ['/plugins/%74est.echo/', 404],
    ['/plugins/tést.echo/', 404],
    ['/plugins/__proto__/', 404],
    ['/plugins/constructor/', 404],
    [`/plugins/${'a'.repeat(500)}/`, 404],
    ['/plugins/test.echo/%', 400],
    ['/plugins/test.echo/%E0%A4%A', 400],
    ['/plugins/test.echo/a%00b', 400],
    ['/plugins/test.echo/..%2f..%2fetc', 400],
    ['/plugins/test.echo/..%5c', 400],
    ['/plugins/../api/v1/plugins', 404],
    ['/api/v1/plugins', 404],
    ['/nowhere', 404],
  ])('%s is %i', async (path, status) => {
    const { ask } = await serve(plugins, options);
    expect((await problem(await ask(path)))[0]).toBe(status);
  });

  it('normalize a path before it is looked at', async () => {
    const { ask } = await serve(plugins);
    const answer = await ask('/plugins/test.none/../test.echo/a/../b');
    expect(await answer.json()).toEqual(['/b', []]);
  });

  it('have bounded bodies, headers and queries', async () => {
    const { ask } = await serve(plugins, { ...options, limits: { body: 100, headers: 3_000 } });
    const big = await ask('/plugins/test.echo/', { method: 'POST', body: 'x'.repeat(101) });
    expect(await problem(big)).toEqual([413, 'http/too-large']);
    const headers = { 'x-big': 'y'.repeat(3_001) };
    expect((await problem(await ask('/plugins/test.echo/', { headers })))[0]).toBe(431);
    expect((await problem(await ask(`/health?${'q'.repeat(3_001)}`)))[0]).toBe(414);
    const query = Array.from({ length: 300 }, (_, n) => `q${n}=1`).join('&');
    expect((await problem(await ask(`/plugins/test.echo/?${query}`)))[0]).toBe(400);
  });

  it('do not reach prototypes by keys', async () => {
    const { ask } = await serve(plugins, options);
    const own = await ask('/plugins/test.echo/?__proto__=1&a=3');
    expect(await problem(own)).toEqual([400, 'value/invalid']);
    const body = { method: 'POST', headers: { 'content-type': 'application/json' } };
    const polluted = await ask('/commands/test.notes:add', {
      ...body,
      body: '{"a":1,"__proto__":{"admin":true}}',
    });
    expect(await problem(polluted)).toEqual([400, 'http/not-json']);
  });

  it('can not override their method', async () => {
    const { ask } = await serve(plugins, options);
    const headers = { 'x-http-method-override': 'POST' };
    expect((await problem(await ask('/commands/test.notes:add', { headers })))[0]).toBe(405);
    const get = await ask('/commands/test.notes:add?_method=POST');
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST']);
    const options_ = await ask('/plugins/test.echo/', { method: 'OPTIONS' });
    expect(options_.status).toBe(405);
  });

  it('are for the listed hosts alone', async () => {
    const { ask } = await serve(plugins, { hosts: ['other.test'] });
    expect(await problem(await ask('/health'))).toEqual([421, 'http/host']);
  });

  it.each([
    { authenticate: 'no' },
    { mount: 'plugins' },
    { tenant: 'acme' },
    { cookies: 'yes' },
    { mount: '/a/../b' },
    { mount: '/api' },
    { expose: ['*'] },
    { expose: 'test.notes:*' },
    { origins: ['*'] },
    { origins: ['https://a.test/path'] },
    { hosts: ['A b'] },
    { events: { topics: ['a:*'] } },
    { limits: { body: 0 } },
    { limits: { bodies: 1 } },
    { unknown: true },
    null,
  ])('options that make no sense are refused: %j', (bad) => {
    expect(() => http(bad as never)).toThrow(
      expect.objectContaining({ code: 'kernel/invalid-option' }),
    );
  });
});
