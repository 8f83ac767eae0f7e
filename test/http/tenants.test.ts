/** `createKernel({ tenants: 'only' })`: which requests reach plugins. */
import { http } from '@plinth/http/host';
import { DEFAULT_TENANT } from '@plinth/sdk/contract';
import { describe, expect, it } from 'vitest';
import { runtime } from '#host';
import { post, problem, routesOf, serve } from './serve.ts';

const { manifest, ...code } = routesOf(
  'test.site',
  "return { status: 200, headers: {}, body: 'hello' };",
  "ctx.commands.handle('ping', () => 'pong');",
);
const activation = ['startup', 'command:test.site:ping'];
const site = { ...code, manifest: { ...manifest, activation } };
const paths = ['/plugins/test.site/', '/commands/test.site:ping'];
const ping = [undefined, post(null)];
const only = { tenants: 'only' } as const;
const open = { authenticate: () => 'ada', expose: ['test.site:*'] };

describe(`${runtime}: a request, with tenants: 'only'`, () => {
  it('that names no tenant starts no plugin', async () => {
    const { kernel, ask } = await serve([site], open, only);
    for (const [at, path] of paths.entries())
      expect(await problem(await ask(path, ping[at]))).toEqual([404, 'http/tenant']);
    expect(kernel.plugins.get('test.site')?.state).toBe('resolved');
    // What is of no plugin answers.
    expect((await ask('/health/ready')).status).toBe(200);
    expect((await ask('/openapi.json')).status).toBe(200);
  });

  it('reaches the tenant that the application names, the default one by its name', async () => {
    const { kernel, ask } = await serve(
      [site],
      { ...open, tenant: ({ headers }) => headers.get('x-tenant') ?? undefined },
      only,
    );
    await kernel.tenant('acme').start();
    const of = (tenant: string, init: RequestInit = {}) => ({
      ...init,
      headers: { ...(init.headers as Record<string, string>), 'x-tenant': tenant },
    });
    expect(await problem(await ask(paths[0] as string))).toEqual([404, 'http/tenant']);
    expect((await ask(paths[0] as string, of('acme'))).status).toBe(200);
    expect(kernel.plugins.get('test.site')?.state).toBe('resolved');
    expect((await ask(paths[1] as string, of(DEFAULT_TENANT, ping[1]))).status).toBe(200);
    expect(kernel.plugins.get('test.site')?.state).toBe('active');
    // The handler of a tenant is asked for that tenant.
    const { fetch } = kernel.tenant('acme').extension(http);
    expect((await fetch(new Request(`http://app.test${paths[0]}`))).status).toBe(200);
  });
});
