/** `contributes.http.api` and `.web`: where a plugin's API and its pages are. */
import { HttpRoutes, type RouteAreas, routes } from '@plinth/http';
import { type HttpMounts, type HttpOptions, http } from '@plinth/http/host';
import { definePlugin } from '@plinth/sdk';
import { contractChecks } from '@plinth/sdk/testing';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { runtime } from '#host';
import { startKernel } from '../support/kernels.ts';
import { BASE, problem, routesOf, serve } from './serve.ts';

const manifest = {
  id: 'test.blog',
  version: '1.0.0',
  main: 'plugin.js',
  engines: { plinth: '^1.0.0' },
  provides: ['plinth.http-routes@1'],
  permissions: { contracts: { provide: ['plinth.http-routes'] } },
};
const posts = { method: 'GET', path: '/posts' };
const both = {
  api: [posts, { method: 'GET', path: '/posts/:id' }, { method: 'POST', path: '/posts' }],
  web: [posts, { method: 'GET', path: '/posts/:id', summary: 'A post' }],
};

async function start<const Api extends string, const Web extends string>(
  areas: RouteAreas<Api, Web>,
  declared: object = both,
  options: HttpOptions = {},
) {
  const plugin = definePlugin({ activate: (ctx) => void routes(ctx, areas) });
  const packages = [{ manifest: { ...manifest, contributes: { http: declared } }, plugin }];
  const kernel = await startKernel({ isolation: 'inline' }, packages, {
    extensions: [http({ authenticate: () => 'ada', ...options })],
  });
  const { fetch } = kernel.extension(http);
  return {
    kernel,
    ask: (path: string, init?: RequestInit) => fetch(new Request(BASE + path, init)),
  };
}

const blog = {
  api: {
    'GET /posts': () => ({ json: ['one'] }),
    'GET /posts/:id': ({ params, area }) => {
      expectTypeOf(params).toEqualTypeOf<Readonly<Record<'id', string>>>();
      return { json: [params.id, area] };
    },
    'POST /posts': ({ json }) => ({ status: 201, json: json() }),
  },
  web: {
    'GET /posts': () => ({ body: '<h1>Posts</h1>', headers: { 'content-type': 'text/html' } }),
    'GET /posts/:id': ({ params }) => ({ body: `page ${params.id}` }),
  },
} satisfies RouteAreas<
  'GET /posts' | 'GET /posts/:id' | 'POST /posts',
  'GET /posts' | 'GET /posts/:id'
>;

describe(`${runtime}: the API and the pages of a plugin`, () => {
  it('are below /api/<id> and /<id>, each with handlers of its own', async () => {
    const { ask } = await start(blog);
    expect(await (await ask('/api/test.blog/posts')).json()).toEqual(['one']);
    expect(await (await ask('/api/test.blog/posts/7')).json()).toEqual(['7', 'api']);
    const made = await ask('/api/test.blog/posts', { method: 'POST', body: '{"a":1}' });
    expect([made.status, await made.json()]).toEqual([201, { a: 1 }]);
    const page = await ask('/test.blog/posts');
    expect([page.headers.get('content-type'), await page.text()]).toEqual([
      'text/html',
      '<h1>Posts</h1>',
    ]);
    expect(page.headers.get('content-security-policy')).toContain('sandbox');
    expect(await (await ask('/test.blog/posts/7')).text()).toBe('page 7');
  });

  it('answer what the manifest declares there, and nothing else', async () => {
    const { ask } = await start(blog);
    expect(await problem(await ask('/api/test.blog/other'))).toEqual([404, 'http/not-found']);
    expect(await problem(await ask('/test.blog/'))).toEqual([404, 'http/not-found']);
    const wrong = await ask('/test.blog/posts', { method: 'POST' });
    expect(wrong.headers.get('allow')).toBe('GET');
    expect(await problem(wrong)).toEqual([405, 'http/method']);
    // It declares nothing for /plugins.
    expect(await problem(await ask('/plugins/test.blog/posts'))).toEqual([404, 'plugin/not-found']);
    for (const path of ['/test.other/', '/favicon.ico', '/', '//', '/%00', '/Test.blog/posts'])
      expect(await problem(await ask(path))).toEqual([404, 'http/not-found']);
    for (const path of ['/api/test.other/', '/api/v1', '/plugins/test.other'])
      expect((await problem(await ask(path)))[0]).toBe(404);
    expect(await problem(await ask('/api/test.blog/posts/a%2fb'))).toEqual([400, 'http/path']);
  });

  it('are 503 while the plugin does not start, and 404 when it is disabled', async () => {
    let broken = true;
    const { kernel, ask } = await start({
      get api() {
        if (broken) throw new Error('no disk');
        return blog.api;
      },
      web: blog.web,
    });
    for (const path of ['/api/test.blog/posts', '/test.blog/posts'])
      expect((await problem(await ask(path)))[0]).toBe(503);
    broken = false;
    await kernel.plugins.activate('test.blog');
    expect((await ask('/test.blog/posts')).status).toBe(200);
    await kernel.plugins.disable('test.blog');
    expect(await problem(await ask('/api/test.blog/posts'))).toEqual([404, 'plugin/not-found']);
    expect(await problem(await ask('/test.blog/posts'))).toEqual([404, 'http/not-found']);
  });

  it.each<[HttpMounts | string | false, Record<'api' | 'web', string | undefined>]>([
    [{}, { api: '/api/test.blog', web: '/test.blog' }],
    [
      { web: '/sites', api: '/v2' },
      { api: '/v2/test.blog', web: '/sites/test.blog' },
    ],
    [{ web: false }, { api: '/api/test.blog', web: undefined }],
    [
      { api: '/api/plugins', web: '/' },
      { api: '/api/plugins/test.blog', web: '/test.blog' },
    ],
    ['/ext', { api: '/ext/api/test.blog', web: '/ext/test.blog' }],
    [false, { api: undefined, web: undefined }],
  ])('are mounted where the application says: %j', async (mount, at) => {
    const { ask } = await start(blog, both, { mount, expose: ['test.blog:*'] });
    const places = [
      '/api/test.blog',
      '/v2/test.blog',
      '/api/plugins/test.blog',
      '/ext/api/test.blog',
    ];
    for (const place of places)
      expect([place, (await ask(`${place}/posts`)).status]).toEqual([
        place,
        place === at.api ? 200 : 404,
      ]);
    for (const place of ['/test.blog', '/sites/test.blog', '/ext/test.blog'])
      expect([place, (await ask(`${place}/posts`)).status]).toEqual([
        place,
        place === at.web ? 200 : 404,
      ]);
    const { paths } = (await (await ask('/openapi.json')).json()) as { paths: object };
    const told = [at.api, at.web].flatMap((place) =>
      place === undefined ? [] : [`${place}/posts`, `${place}/posts/{id}`],
    );
    expect(Object.keys(paths).sort()).toEqual(told.sort());
  });

  it('leave the paths of the extension to it, and those of a list to that list', async () => {
    const echo = (id: string, declared: object) => {
      const made = routesOf(
        id,
        'return { status: 200, body: [request.area, request.path].join(" ") };',
      );
      return { ...made, manifest: { ...made.manifest, contributes: { http: declared } as never } };
    };
    const any = [{ method: 'GET', path: '/*rest' }];
    const takers = ['health', 'api', 'plugins', 'metrics', 'events', 'openapi.json', 'v1'];
    const { ask, kernel } = await serve(
      [
        ...takers.map((id) => echo(id, { web: any, api: any })),
        echo('test.a', { api: any, web: any, routes: any }),
        echo('test.b', { web: any }),
      ],
      { authenticate: () => 'ada' },
    );
    await kernel.plugins.disable('test.b');
    expect(await (await ask('/health/ready')).json()).toEqual({ status: 'ready' });
    for (const path of [
      '/health/startup',
      '/metrics',
      '/metrics/x',
      '/events/x',
      '/openapi.json/x',
      '/api/v1/plugins',
      '/api/v1/x',
      '/api',
      '/api/Foo',
      '/api//x',
      '/api/%76%31/x',
      '/api/test.b/x',
      '/plugins/test.b/x',
      '/plugins/',
      '/test.b/x',
    ])
      expect([path, (await problem(await ask(path)))[0]]).toEqual([path, 404]);
    expect((await ask('/health', { method: 'POST' })).status).toBe(404);
    // Where nothing is in its way, an id of one word is like any other.
    expect(await (await ask('/api/health/x')).text()).toBe('api /x');
    expect(await (await ask('/v1/x')).text()).toBe('web /x');
    const { paths } = (await (await ask('/openapi.json')).json()) as { paths: object };
    const told = Object.keys(paths);
    expect(told).toContain('/api/health/{rest}');
    for (const path of ['/health/{rest}', '/api/{rest}', '/plugins/{rest}', '/api/v1/{rest}'])
      expect(told).not.toContain(path);
    expect(await (await ask('/api/test.a/x')).text()).toBe('api /x');
    expect(await (await ask('/test.a/x')).text()).toBe('web /x');
    expect(await (await ask('/plugins/test.a/x')).text()).toBe(' /x');
  });

  it('of /<id> begins with a slash behind it, as nothing above it is the plugin', async () => {
    const { ask } = await start(
      { web: { 'GET /': () => ({ body: 'home' }) } },
      {
        web: [{ method: 'GET', path: '/' }],
      },
    );
    const moved = await ask('/test.blog?a=1');
    // Also behind a server that strips a prefix.
    expect([moved.status, moved.headers.get('location')]).toEqual([308, 'test.blog/?a=1']);
    expect(await (await ask('/test.blog/?a=1')).text()).toBe('home');
  });

  it('and routes have handlers of their own, where one path is in all lists', async () => {
    const get = (body: string) => ({ 'GET /posts': () => ({ body }) });
    const { ask } = await start(
      { api: get('api'), web: get('web'), routes: get('routes') },
      { api: [posts], web: [posts], routes: [posts] },
    );
    const places = { '/api': 'api', '': 'web', '/plugins': 'routes' };
    for (const [base, list] of Object.entries(places))
      expect(await (await ask(`${base}/test.blog/posts`)).text()).toBe(list);
    for (const wrong of [null, () => ({ body: '' }), 'all'])
      expect(() =>
        routes({ provide: () => ({ dispose() {} }) } as never, { api: wrong } as never),
      ).toThrow(expect.objectContaining({ code: 'contract/invalid' }));
  });

  it('pass the checks of the contract', async () => {
    const { kernel } = await start(blog);
    const client = kernel.client(HttpRoutes);
    const checks = contractChecks(HttpRoutes, client, { paths: { '/posts/:id': '/posts/7' } });
    expect(checks.length).toBeGreaterThan(5);
    for (const { run } of checks) await run();
  });

  it('share the cookies that the plugin sets', async () => {
    const { ask } = await start(
      {
        api: {
          'GET /posts': ({ headers }) => ({ json: headers.cookie ?? null }),
          'POST /posts': () => ({}),
          'GET /posts/:id': () => ({}),
        },
        web: {
          'GET /posts': () => ({ headers: { 'set-cookie': 'sid=1' } }),
          'GET /posts/:id': () => ({}),
        },
      },
      both,
      { cookies: true },
    );
    // Browsers keep one for each path. Pages can not read the header, so only Node compares it.
    const set = (await ask('/test.blog/posts')).headers.getSetCookie();
    if (runtime.startsWith('node'))
      expect(set.map((one) => one.split('; ').slice(0, 2))).toEqual([
        ['test.blog~sid=1', 'Path=/api/test.blog'],
        ['test.blog~sid=1', 'Path=/test.blog'],
      ]);
  });

  it.each<[string, object, string]>([
    ['nothing', {}, 'routes: is missing'],
    ['an unknown list', { pages: [] }, 'pages: is none of'],
    ['a list that is none', { api: 'all' }, 'api: is a list'],
    ['a path that is none', { api: [{ method: 'GET', path: 'posts' }] }, 'api.0: '],
    ['a method that is none', { web: [posts, { method: 'HEAD', path: '/' }] }, 'web.1: '],
    ['too many', { api: Array(200).fill(posts), web: Array(100).fill(posts) }, 'web: is a list'],
  ])('are refused with the manifest: %s', async (_, declared, part) => {
    const { kernel } = await start(blog, declared);
    const error = kernel.plugins.get('test.blog')?.error;
    expect(error).toMatchObject({ code: 'manifest/invalid' });
    expect(error?.message).toContain(part);
  });

  it.each([
    { api: 'api' },
    { web: '' },
    { api: '/api/v1' },
    { routes: '/api' },
    { other: '/x' },
    { api: Symbol('path') },
    null,
    [],
    1,
  ])('are mounted at paths alone: %j', (mount) => {
    expect(() => http({ mount } as never)).toThrow(
      expect.objectContaining({ code: 'kernel/invalid-option' }),
    );
  });
});
