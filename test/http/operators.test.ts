/** The admin API: who may do what, how often, with which packages, secrets, data and tenants. */
import { type AdminOptions, type HttpOptions, http, type Role } from '@plinth/http/host';
import type { KernelOptions } from '@plinth/kernel';
import { tenants } from '@plinth/kernel/tenants';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { rejection, startKernel } from '../support/kernels.ts';
import { pluginOf, type TextPackage } from '../support/plugins.ts';
import { post, problem, serve } from './serve.ts';

const notes = pluginOf(
  'test.notes',
  `ctx.commands.handle('add', async (text, call) => { await ctx.storage.set(text, 1n); return [text, call.user]; });
   ctx.commands.handle('secret', () => ctx.secrets.get('key'));
   ctx.logger.warn('notes is up');`,
  { permissions: { storage: { read: true, write: true }, secrets: { read: ['key'] } } },
);
const other = (version = '1.0.0', body = '') =>
  pluginOf('test.other', body, { version }) as TextPackage;

const tokenOf = (role: Role) => `token-of-the-${role}`;
const tokens = {
  [tokenOf('viewer')]: { name: 'vera', role: 'viewer' },
  [tokenOf('operator')]: { name: 'otto', role: 'operator' },
  [tokenOf('admin')]: { name: 'ada', role: 'admin' },
} as const;

const ARCHIVE = { 'content-type': 'application/vnd.plinth' };
const archiveOf = ({ manifest, code }: TextPackage, more: Record<string, Uint8Array> = {}) => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  return new Uint8Array(
    zipSync({ 'plugin.json': bytes(JSON.stringify(manifest)), 'plugin.js': bytes(code), ...more }),
  );
};

async function serveAdmin(
  options: Partial<AdminOptions> = { tokens },
  more: HttpOptions = {},
  kernelOptions: KernelOptions = {},
) {
  const served = await serve([notes], more, kernelOptions);
  await served.kernel.extension(http).admin(served.kernel, options as AdminOptions);
  const as = async (role: Role, path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    headers.set('authorization', `Bearer ${tokenOf(role)}`);
    return served.ask(`/api/v1/${path}`, { ...init, headers });
  };
  return { ...served, as };
}

const put = (value: unknown): RequestInit => ({ ...post(value), method: 'PUT' });

describe(`${runtime}: operators of the admin API`, () => {
  it('have roles, and a refusal names the one that is needed', async () => {
    const { as, kernel } = await serveAdmin();
    expect((await as('viewer', 'plugins')).status).toBe(200);
    const refused = await as('viewer', 'plugins/test.notes/disable', post({}));
    expect(await refused.clone().text()).toContain("the role 'operator'; yours is 'viewer'");
    expect(await problem(refused)).toEqual([403, 'permission/denied']);
    expect((await as('operator', 'plugins/test.notes/disable', post({}))).status).toBe(204);
    for (const [method, path] of [
      ['DELETE', 'plugins/test.notes'],
      ['POST', 'plugins'],
      ['PUT', 'plugins/test.notes/secrets/key'],
      ['POST', 'plugins/test.notes/permissions/grant'],
      ['GET', 'plugins/test.notes/storage/export'],
      ['POST', 'tenants/acme'],
      ['POST', 'tickets?values=true'],
    ] as const) {
      const answer = await as('operator', path, { method });
      expect(await answer.clone().text(), path).toContain("the role 'admin'");
      expect((await problem(answer))[0]).toBe(403);
    }
    const [entry] = await kernel.audit.entries({ topic: 'host:admin-done' });
    expect(entry?.facts).toMatchObject({ by: 'otto', action: 'plugins.disable' });
  });

  it('are unknown without their token, or with another one', async () => {
    const { ask } = await serveAdmin();
    const wrong: readonly Record<string, string>[] = [
      {},
      { authorization: 'Bearer token-of-the-adminX' },
      { authorization: `Basic ${tokenOf('admin')}` },
      { authorization: 'Bearer __proto__' },
    ];
    for (const headers of wrong) {
      const answer = await ask('/api/v1/plugins', { headers });
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
      expect(await problem(answer)).toEqual([401, 'call/unauthenticated']);
    }
    expect((await ask(`/api/v1/plugins?token=${tokenOf('admin')}`)).status).toBe(401);
  });

  it('are named by the application, with a role or for the one action', async () => {
    const { ask } = await serveAdmin({
      authorize: ({ headers }, { role }) => {
        const name = headers.get('x-name');
        if (name === 'mia') return { name, role: 'operator' };
        return name === 'leo' && role === 'viewer' ? name : undefined;
      },
    });
    const status = async (name: string, path: string, method = 'GET') =>
      (await ask(`/api/v1/${path}`, { method, headers: { 'x-name': name } })).status;
    expect(await status('mia', 'plugins/test.notes/disable', 'POST')).toBe(204);
    expect(await status('mia', 'plugins/test.notes', 'DELETE')).toBe(403);
    expect(await status('leo', 'plugins')).toBe(200);
    expect(await status('leo', 'plugins/test.notes/enable', 'POST')).toBe(403);
    expect(await status('', 'plugins')).toBe(403);
  });

  it.each([
    {},
    { authorize: 'no' },
    { tokens: { short: { name: 'a', role: 'viewer' } } },
    { tokens: { 'a-token-of-enough-letters': { name: 'a', role: 'king' } } },
    { tokens: { 'a-token-of-enough-letters': { name: '', role: 'viewer' } } },
    { tokens, rate: 0 },
    { tokens, rate: Number.NaN },
    { tokens: null },
    { tokens: 5 },
    { tokens, rat: 3 },
    { tokens, client: 5 },
    { tokens, tenants: {} },
    [],
    null,
  ])('are not known by options that make no sense: %j', async (bad) => {
    const { kernel } = await serve([]);
    const error = await rejection(kernel.extension(http).admin(kernel, bad as never));
    expect(error.code).toBe('kernel/invalid-option');
  });

  it('are refused when the application does not tell them in time', async () => {
    const { kernel, ask } = await serve([], { limits: { timeout: 20, requests: 1 } });
    await kernel.extension(http).admin(kernel, { authorize: () => new Promise(() => {}) });
    for (let time = 0; time < 2; time++)
      expect(await problem(await ask('/api/v1/plugins'))).toEqual([504, 'call/timeout']);
  });

  it('ask as often as the rate allows, each client by itself', async () => {
    const { ask } = await serveAdmin({
      tokens,
      rate: 3,
      client: ({ headers }) => headers.get('x-client') ?? undefined,
    });
    const status = async (client: string, role: Role) => {
      const headers = { 'x-client': client, authorization: `Bearer ${tokenOf(role)}` };
      const answer = await ask('/api/v1/plugins', { headers });
      return [answer.status, answer.headers.get('retry-after')];
    };
    for (let n = 0; n < 3; n++) expect(await status('a', 'viewer')).toEqual([200, null]);
    // A request more every 20 s, and some of them are over.
    expect(await status('a', 'admin')).toEqual([429, expect.stringMatching(/^(1\d|20)$/)]);
    expect(await status('b', 'viewer')).toEqual([200, null]);
    // Without a client the operator counts.
    const by = { authorization: `Bearer ${tokenOf('viewer')}` };
    const asked = await Promise.all(
      Array.from({ length: 4 }, () => ask('/api/v1/plugins', { headers: by })),
    );
    expect(asked.map((answer) => answer.status).sort()).toEqual([200, 200, 200, 429]);
  });

  it('are counted in bounded memory', async () => {
    let client = 0;
    const { as } = await serveAdmin({ tokens, rate: 1, client: () => `${client}` });
    expect((await as('viewer', 'commands')).status).toBe(200);
    expect((await as('viewer', 'commands')).status).toBe(429);
    for (client = 1; client < 4_096; client++) await as('viewer', 'audit/head', { method: 'HEAD' });
    client = 0;
    expect((await as('viewer', 'commands')).status).toBe(429);
    for (client = 1; client <= 4_096; client++) await as('viewer', 'audit/head');
    client = 0;
    // It was forgotten for others.
    expect((await as('viewer', 'commands')).status).toBe(200);
  });
});

describe(`${runtime}: the admin API`, () => {
  it('installs and updates archives, and goes back', async () => {
    const { as, kernel } = await serveAdmin();
    const send = (path: string, body: Uint8Array<ArrayBuffer>) =>
      as('admin', path, { method: 'POST', headers: ARCHIVE, body });
    const made = await send('plugins', archiveOf(other()));
    expect(await made.json()).toEqual({ id: 'test.other', version: '1.0.0', state: 'resolved' });
    expect((await as('operator', 'plugins/test.other/activate', post({}))).status).toBe(204);
    const twice = await send('plugins', archiveOf(other()));
    expect(await problem(twice)).toEqual([409, 'plugin/duplicate']);
    expect((await send('plugins/test.other/update', archiveOf(other('1.1.0')))).status).toBe(204);
    expect(kernel.plugins.get('test.other')?.version).toBe('1.1.0');
    const grown = other('1.2.0');
    const greedy = {
      ...grown,
      manifest: { ...grown.manifest, permissions: { events: { subscribe: ['test.notes:*'] } } },
    };
    const asked = await send('plugins/test.other/update', archiveOf(greedy));
    expect(await problem(asked)).toEqual([403, 'permission/consent-required']);
    const consented = await send('plugins/test.other/update?consent=true', archiveOf(greedy));
    expect(consented.status).toBe(204);
    expect((await as('operator', 'plugins/test.other/rollback', post({}))).status).toBe(204);
    expect(kernel.plugins.get('test.other')?.version).toBe('1.1.0');
  });

  it('refuses what is no archive, or hides something', async () => {
    const { as, kernel } = await serveAdmin({ tokens }, { limits: { upload: 20_000 } });
    const send = async (body: Uint8Array<ArrayBuffer>, type = ARCHIVE['content-type']) => {
      const answer = await as('admin', 'plugins', {
        method: 'POST',
        headers: { 'content-type': type },
        body,
      });
      return problem(answer);
    };
    const good = archiveOf(other());
    const bad = [422, 'archive/refused'];
    expect(await send(new Uint8Array([1, 2, 3]))).toEqual(bad);
    expect(await send(good.slice(0, -30))).toEqual(bad);
    expect(await send(archiveOf(other(), { '../evil.js': new Uint8Array(1) }))).toEqual(bad);
    expect(await send(archiveOf(other(), { 'PLUGIN.JS': new Uint8Array(1) }))).toEqual(bad);
    const bare = new Uint8Array(zipSync({ 'other.js': new Uint8Array(1) }));
    expect(await send(bare)).toEqual([422, 'manifest/missing']);
    // The directory says one byte, and the packed part has many.
    const bomb = archiveOf(other(), { 'bomb.bin': new Uint8Array(50_000) });
    const view = new DataView(bomb.buffer);
    for (let at = 0; at + 4 < bomb.length; at++)
      if (view.getUint32(at, true) === 0x02014b50 && view.getUint32(at + 24, true) === 50_000)
        view.setUint32(at + 24, 1, true);
    expect(await send(bomb)).toEqual(bad);
    const link = archiveOf(other(), { 'link.js': new Uint8Array(1) });
    const entries = new DataView(link.buffer);
    for (let at = 0; at + 4 < link.length; at++)
      if (entries.getUint32(at, true) === 0x02014b50)
        entries.setUint32(at + 38, 0o120777 * 65_536, true);
    expect(await send(link)).toEqual(bad);
    expect(await send(new Uint8Array(20_001))).toEqual([413, 'http/too-large']);
    expect(await send(good, 'text/plain')).toEqual([415, 'http/unsupported-type']);
    const files = { 'plugin.js': '0'.repeat(64) };
    const changed = { ...other(), manifest: { ...other().manifest, files } };
    const [status, code] = await send(archiveOf(changed as TextPackage));
    expect([status, code]).toEqual([422, 'plugin/digest-mismatch']);
    const manifest = { ...other(), manifest: { ...other().manifest, main: '../x.js' } };
    expect((await send(archiveOf(manifest)))[0]).toBe(422);
    expect(kernel.plugins.list().map(({ id }) => id)).toEqual(['test.notes']);
    const failed = await kernel.audit.entries({ topic: 'host:admin-failed' });
    expect(failed.length).toBeGreaterThan(5);
  });

  it('calls commands for the operator', async () => {
    const { as } = await serveAdmin();
    const added = await as('operator', 'commands/test.notes:add', post('a'));
    expect(await added.json()).toEqual(['a', 'otto']);
    expect((await as('viewer', 'commands/test.notes:add', post('a'))).status).toBe(403);
    const none = await as('operator', 'commands/test.notes:nothing', post({}));
    expect(await problem(none)).toEqual([404, 'call/unknown-command']);
    const { commands } = (await (await as('viewer', 'commands')).json()) as { commands: unknown[] };
    expect(JSON.stringify(commands)).toContain('test.notes:add');
  });

  it('answers monitors at the addresses that they know, as itself', async () => {
    const asked: string[] = [];
    const { ask } = await serveAdmin({
      tokens,
      authorize: (_, { name }) => {
        asked.push(name);
        // A scraper inside of the network, say.
        return name === 'metrics' ? { name: 'scraper', role: 'viewer' } : undefined;
      },
    });
    const get = (path: string, role?: Role) =>
      ask(path, role && { headers: { authorization: `Bearer ${tokenOf(role)}` } });
    for (const path of ['/diagnostics', '/health/tree']) {
      expect(await problem(await get(path))).toEqual([403, 'permission/denied']);
      expect((await get(path, 'viewer')).status).toBe(200);
    }
    const metrics = await get('/metrics');
    expect(metrics.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(await metrics.text()).toContain('# TYPE plinth_');
    expect(Object.keys((await (await get('/diagnostics', 'viewer')).json()) as object)).toContain(
      'plugins',
    );
    expect(await (await get('/health/tree', 'viewer')).json()).toMatchObject({ status: 'healthy' });
    expect(await (await get('/health/live')).json()).toEqual({ status: 'alive' });
    expect(asked).toContain('diagnostics');
    expect((await ask('/diagnostics', { method: 'POST' })).status).toBe(405);
    const closed = await serve([notes]);
    for (const path of ['/diagnostics', '/metrics', '/health/tree'])
      expect(await problem(await closed.ask(path))).toEqual([404, 'http/not-found']);
  });

  it('keeps secrets, and shows none', async () => {
    const key = new Uint8Array(32).fill(7);
    const { as, kernel } = await serveAdmin({ tokens }, {}, { secrets: { key } });
    const set = await as('admin', 'plugins/test.notes/secrets/key', put({ value: 'hunter2' }));
    expect(set.status).toBe(204);
    expect(await kernel.commands.execute('test.notes:secret')).toBe('hunter2');
    const names = await as('operator', 'plugins/test.notes/secrets');
    expect(await names.json()).toEqual({ names: ['key'] });
    const short = await as('admin', 'plugins/test.notes/secrets/key', put({ value: 'x' }));
    expect(await problem(short)).toEqual([400, 'secret/invalid']);
    const empty = await as('admin', 'plugins/test.notes/secrets/key', put({ value: 7 }));
    expect(await problem(empty)).toEqual([400, 'http/body']);
    let lines = '';
    for await (const line of kernel.audit.export()) lines += line;
    expect(lines).toContain('secrets.set');
    expect(lines).not.toContain('hunter2');
    const gone = () => as('admin', 'plugins/test.notes/secrets/key', { method: 'DELETE' });
    expect((await gone()).status).toBe(204);
    expect(await problem(await gone())).toEqual([404, 'http/secret']);
  });

  it('moves data of a plugin that is stopped, whole or not at all', async () => {
    const { as, kernel } = await serveAdmin();
    await kernel.commands.execute('test.notes:add', 'a');
    const storage = 'plugins/test.notes/storage';
    expect(await (await as('operator', storage)).json()).toEqual({ keys: ['a'] });
    const lines = await (await as('admin', `${storage}/export`)).text();
    const send = (body: string) =>
      as('admin', `${storage}/import`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson' },
        body,
      });
    expect(await problem(await send(lines))).toEqual([409, 'plugin/illegal-transition']);
    await kernel.plugins.disable('test.notes');
    expect((await as('admin', storage, { method: 'DELETE' })).status).toBe(204);
    expect(await kernel.storage.of('test.notes').list()).toEqual([]);
    for (const wrong of [lines.replace('"a"', '"b"'), lines.slice(0, 40), 'hello', '']) {
      expect(await problem(await send(wrong))).toEqual([422, 'http/data']);
      expect(await kernel.storage.of('test.notes').list()).toEqual([]);
    }
    expect(await (await send(lines)).json()).toEqual({ keys: 1 });
    expect(await kernel.storage.of('test.notes').read('a')).toBe(1n);
  });

  it('tells data of no plugin from a plugin without data', async () => {
    const { as, kernel } = await serveAdmin();
    const slip = 'plugins/test.note/storage';
    for (const [path, method] of [
      [slip, 'GET'],
      [`${slip}/export`, 'GET'],
      [slip, 'DELETE'],
    ] as const)
      expect(await problem(await as('admin', path, { method }))).toEqual([404, 'plugin/not-found']);
    await kernel.commands.execute('test.notes:add', 'a');
    await kernel.plugins.uninstall('test.notes');
    expect(await (await as('admin', 'plugins/test.notes/storage')).json()).toEqual({ keys: ['a'] });
  });

  it('grants rights and takes them away', async () => {
    const { as, kernel } = await serveAdmin();
    const right = { permission: 'storage.read' };
    const path = 'plugins/test.notes/permissions';
    expect((await as('admin', `${path}/revoke`, post(right))).status).toBe(200);
    expect(kernel.permissions.check('test.notes', 'storage.read')).toBe(false);
    expect((await as('admin', `${path}/grant`, post({ ...right, for: 60_000 }))).status).toBe(200);
    expect(kernel.permissions.check('test.notes', 'storage.read')).toBe(true);
    for (const bad of [{}, { permission: 7 }, { ...right, for: -1 }, { ...right, scope: 7 }, [1]])
      expect((await problem(await as('admin', `${path}/grant`, post(bad))))[0]).toBe(400);
    expect(
      (await problem(await as('admin', `${path}/grant`, post({ permission: 'x.y' }))))[0],
    ).toBe(400);
    expect(await (await as('viewer', path)).json()).toHaveProperty('storage');
  });

  it('reads logs, reports and the audit log by their filters', async () => {
    const { as } = await serveAdmin();
    await as('operator', 'plugins/test.notes/reload', post({}));
    const logs = async (path: string) => (await as('viewer', path)).json();
    expect(await logs('plugins/test.notes/logs?level=warn&limit=1')).toMatchObject({
      entries: [{ message: 'notes is up', source: 'test.notes', level: 'warn' }],
    });
    expect(await logs('logs?plugin=test.none')).toEqual({ entries: [] });
    expect(await logs('logs?limit=0')).toEqual({ entries: [] });
    for (const path of ['logs?level=loud', 'logs?limit=-1', 'report?from=x', 'audit?to=%00'])
      expect(await problem(await as('viewer', path))).toEqual([400, 'http/query']);
    expect(await (await as('viewer', 'audit/verify')).json()).toMatchObject({ ok: true });
    const head = await (await as('viewer', 'audit/head')).text();
    const verified = await as('viewer', `audit/verify?head=${encodeURIComponent(head)}`);
    expect(await verified.json()).toMatchObject({ ok: true, pin: 'held' });
    expect((await as('viewer', 'report?plugin=test.notes&from=2020-01-01')).status).toBe(200);
    expect(await (await as('viewer', 'audit?plugin=test.none')).text()).not.toContain('test.notes');
  });

  it('serves tenants that are there, by header or query, and makes others', async () => {
    const { as, kernel } = await serveAdmin();
    const acme = { headers: { 'x-plinth-tenant': 'acme' } };
    expect(await problem(await as('viewer', 'plugins', acme))).toEqual([404, 'http/tenant']);
    expect((await as('admin', 'tenants/acme', post({}))).status).toBe(200);
    expect((await problem(await as('admin', 'tenants/acme', post({}))))[0]).toBe(409);
    const told = (await (await as('viewer', 'tenants')).json()) as { tenants: string[] };
    expect(told.tenants.sort()).toEqual(['acme', 'tenant-0']);
    const disable = await as('operator', 'plugins/test.notes/disable?tenant=acme', post({}));
    expect(disable.status).toBe(204);
    expect(kernel.plugins.get('test.notes')?.state).toBe('active');
    expect(kernel.tenant('acme').plugins.get('test.notes')?.state).toBe('unloaded');
    const entries = await kernel.tenant('acme').audit.entries({ topic: 'host:admin-done' });
    expect(entries.map(({ facts }) => facts.by)).toEqual(['otto']);
    const mine = await as('admin', 'tenants/b', { ...acme, method: 'DELETE' });
    expect((await problem(mine))[0]).toBe(404);
    const own = await as('admin', 'tenants/tenant-0', { method: 'DELETE' });
    expect((await problem(own))[0]).toBe(409);
    expect((await as('admin', 'tenants/acme', { method: 'DELETE' })).status).toBe(204);
    expect((await as('viewer', 'plugins', acme)).status).toBe(404);
    for (const id of ['..%2fx', '%00', ' '])
      expect((await as('viewer', `plugins?tenant=${id}`)).status).toBe(404);
  });

  it('makes and deletes tenants of the list that the application has', async () => {
    const kernel = await startKernel({ isolation: 'worker', createHost }, [notes], {
      extensions: [http(), tenants()],
    });
    const { admin, fetch } = kernel.extension(http);
    await admin(kernel, { tokens, tenants: kernel.extension(tenants).manage(kernel) });
    const ask = (method: string, path: string, body?: unknown) => {
      const headers = { authorization: `Bearer ${tokenOf('admin')}` };
      const init = body === undefined ? { method, headers } : { ...post(body, headers), method };
      return fetch(new Request(`http://app.test/api/v1/${path}`, init));
    };
    const config = { 'test.notes': { size: 3 } };
    expect((await ask('POST', 'tenants/acme', { config })).status).toBe(200);
    expect(await (await ask('GET', 'plugins/test.notes/config?tenant=acme')).json()).toEqual({
      size: 3,
    });
    expect(await (await ask('GET', 'tenants')).json()).toMatchObject({
      tenants: ['tenant-0', 'acme'],
      facts: [{ id: 'acme', running: true }],
    });
    expect(await (await ask('GET', 'tenants?usage=true')).json()).toMatchObject({
      usage: [
        { tenant: 'tenant-0', plugins: { installed: 1 } },
        { tenant: 'acme', calls: { used: 0 } },
      ],
    });
    expect(await (await ask('GET', 'usage/tenant?tenant=acme')).json()).toMatchObject({
      tenant: 'acme',
      storage: { used: 0 },
    });
    expect((await ask('DELETE', 'tenants/acme?purge=true')).status).toBe(204);
    expect(await (await ask('GET', 'tenants')).json()).toMatchObject({ tenants: ['tenant-0'] });
    expect((await ask('GET', 'plugins?tenant=acme')).status).toBe(404);
    const status = async (...asked: Parameters<typeof ask>) => problem(await ask(...asked));
    expect(await status('DELETE', 'tenants/acme')).toEqual([404, 'http/tenant']);
    await ask('POST', 'tenants/b');
    expect(await status('POST', 'tenants/b')).toEqual([409, 'http/tenant']);
    expect(await status('DELETE', 'tenants/b?purge=maybe')).toEqual([400, 'http/query']);
    for (const body of [{ confg: {} }, { config: null }, { secrets: { x: null } }])
      expect(await status('POST', 'tenants/c', body)).toEqual([400, 'kernel/invalid-option']);
    expect(await (await ask('GET', 'tenants')).json()).toMatchObject({
      tenants: ['tenant-0', 'b'],
    });
  });

  it('of one tenant reaches no other', async () => {
    const { kernel } = await serveAdmin();
    const acme = kernel.tenant('acme');
    await acme.start();
    await acme.extension(http).admin(acme, { tokens });
    const ask = (path: string, method = 'GET') =>
      acme.extension(http).fetch(
        new Request(`http://app.test/api/v1/${path}`, {
          method,
          headers: { authorization: `Bearer ${tokenOf('admin')}` },
        }),
      );
    expect(await (await ask('tenants')).json()).toEqual({ tenants: ['acme'] });
    expect(await (await ask('tenants?usage=true')).json()).toMatchObject({
      usage: [{ tenant: 'acme' }],
    });
    expect((await ask('plugins?tenant=acme')).status).toBe(200);
    expect((await ask('plugins?tenant=tenant-0')).status).toBe(404);
    expect((await ask('tenants/beta', 'POST')).status).toBe(404);
  });

  it('is described by OpenAPI, each operation with its role', async () => {
    const { as } = await serveAdmin();
    const document = (await (await as('viewer', 'openapi.json')).json()) as {
      openapi: string;
      paths: Record<string, Record<string, { description: string }>>;
    };
    expect(document.openapi).toBe('3.1.0');
    expect(document.paths['/api/v1/plugins/{id}']?.delete?.description).toContain('`admin`');
    expect(document.paths['/api/v1/plugins']).toHaveProperty('post');
    expect(Object.keys(document.paths).length).toBeGreaterThan(35);
  });

  it.each([
    '/api/v1/plugins/..%2f..%2fhealth',
    '/api/v1/plugins/test.notes%2fstatus',
    '/api/v1/plugins/@scope/name',
    '/api/v1/plugins/@scope%2fname',
    '/api/v1/plugins/%E0%A4%A',
    '/api/v1/plugins//status',
    '/api/v1/plugins/test.notes/status/',
    '/api/v1/commands/host:x%00',
    '/api/v1/',
  ])('has nothing at %s', async (path) => {
    const { ask } = await serveAdmin();
    const headers = { authorization: `Bearer ${tokenOf('admin')}` };
    expect((await problem(await ask(path, { headers })))[0]).toBe(404);
  });
});
