/** The admin API. */

import { type AdminAction, http } from '@plinth/http/host';
import { packageOf } from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { runtime } from '#host';
import { rejection } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';
import { post, problem, routesOf, serve } from './serve.ts';

const notes = pluginOf('test.notes', "ctx.commands.handle('add', () => 1);");
const other = pluginOf('test.other', '');
const admin = { 'x-admin': 'grace' };
const send = (method: string, headers: Record<string, string> = admin): RequestInit => ({
  method,
  headers,
});

async function serveAdmin(actions: AdminAction[] = []) {
  const served = await serve([notes]);
  await served.kernel.extension(http).admin(served.kernel, {
    authorize(request, action) {
      actions.push(action);
      return request.headers.get('x-admin') ?? undefined;
    },
    package: (id) => (id === 'test.other' ? packageOf(other) : undefined),
  });
  return served;
}

describe(`${runtime}: the admin API`, () => {
  it('is closed until it is opened, and needs a function that authorizes', async () => {
    const { ask, kernel } = await serve([notes]);
    expect((await ask('/api/v1/plugins', send('GET'))).status).toBe(404);
    const error = await rejection(kernel.extension(http).admin(kernel, {} as never));
    expect(error.code).toBe('kernel/invalid-option');
    expect((await ask('/api/v1/plugins', send('GET'))).status).toBe(404);
  });

  it('asks the application about every request', async () => {
    const actions: AdminAction[] = [];
    const { ask, kernel } = await serveAdmin(actions);
    expect(await problem(await ask('/api/v1/plugins'))).toEqual([403, 'permission/denied']);
    const refused = await ask('/api/v1/plugins/test.notes/disable', { method: 'POST' });
    expect(await problem(refused)).toEqual([403, 'permission/denied']);
    expect(kernel.plugins.get('test.notes')?.state).toBe('active');
    expect(actions).toEqual([
      { name: 'plugins', changes: false, role: 'viewer', tenant: 'tenant-0' },
      {
        name: 'plugins.disable',
        changes: true,
        role: 'operator',
        tenant: 'tenant-0',
        plugin: 'test.notes',
      },
    ]);
  });

  it('names the command that is called to the application', async () => {
    const actions: AdminAction[] = [];
    const { ask } = await serveAdmin(actions);
    expect((await ask('/api/v1/commands/test.notes:add', post({}, admin))).status).toBe(200);
    expect(actions).toEqual([
      {
        name: 'commands.execute',
        changes: true,
        role: 'operator',
        tenant: 'tenant-0',
        command: 'test.notes:add',
      },
    ]);
  });

  it('streams the answer of a command to clients that take one, and tells how it ended', async () => {
    const { ask, kernel } = await serveAdmin();
    const streams = pluginOf(
      'test.streams',
      `ctx.commands.handle('count', async function* (to) { for (let n = 1; n <= to; n++) yield { n }; });
       ctx.commands.handle('fail', async function* () { yield 1; throw new Error('no table'); });
       ctx.commands.handle('big', async function* () { yield 'x'.repeat(9_000_000); });
       let ended = 0;
       ctx.commands.handle('wait', () => ({ [Symbol.asyncIterator]: () => {
         let n = 0;
         return {
           next: () => n++ === 0 ? Promise.resolve({ done: false, value: 1 }) : new Promise(() => {}),
           return: async () => { ended += 1; return { done: true, value: undefined }; },
         };
       } }));
       ctx.commands.handle('ended', () => ended);`,
    );
    await kernel.plugins.install(packageOf(streams));
    await kernel.plugins.activate('test.streams');
    const accept = { ...admin, accept: 'text/event-stream, application/json' };
    const open = (command: string, input: unknown = null, more: RequestInit = {}) =>
      ask(`/api/v1/commands/test.streams:${command}`, { ...post(input, accept), ...more });
    expect(await (await open('count', 2)).text()).toBe(
      'data: {"n":1}\n\ndata: {"n":2}\n\nevent: end\ndata: \n\n',
    );
    expect(await (await open('fail')).text()).toBe(
      'data: 1\n\nevent: error\ndata: {"status":500,"code":"call/failed"}\n\n',
    );
    expect(await (await open('big')).text()).toContain('"code":"call/invalid-output"');
    // Others get no part of a stream for the whole.
    const plain = await ask('/api/v1/commands/test.streams:count', post(2, admin));
    expect(await problem(plain)).toEqual([502, 'call/invalid-output']);
    // The plugin is told when the client leaves, in the middle or while it is silent.
    const client = new AbortController();
    const left = await open('wait', null, { signal: client.signal });
    const reader = (left.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    const silent = reader.read().catch(() => {});
    client.abort();
    await reader.cancel();
    await silent;
    await expect.poll(() => kernel.commands.execute('test.streams:ended')).toBe(1);
    const entries = await kernel.audit.entries({ topic: 'host:admin-done' });
    expect(entries.filter(({ facts }) => facts.action === 'commands.execute')).toHaveLength(4);
  });

  it('shows what a plugin was refused, and forgets it', async () => {
    const { ask, kernel } = await serveAdmin();
    const asking = pluginOf(
      'test.asking',
      "ctx.commands.handle('ask', (scope) => ctx.permissions.request('events.emit', scope));",
    );
    await kernel.plugins.install(packageOf(asking));
    await kernel.plugins.activate('test.asking');
    let asked = 0;
    kernel.permissions.onRequest(() => {
      asked += 1;
      return false;
    });
    for (const scope of ['app:x', 'app:y', 'app:x'])
      await kernel.commands.execute('test.asking:ask', scope);
    const at = '/api/v1/plugins/test.asking/permissions';
    const told = await (await ask(`${at}/refused`, send('GET'))).json();
    const refused = (scope: string) => ({ permission: 'events.emit', scope, version: '1.0.0' });
    expect(told).toEqual({ refused: [refused('app:x'), refused('app:y')] });
    const one = { permission: 'events.emit', scope: 'app:x' };
    expect(await (await ask(`${at}/forget`, post(one, admin))).json()).toEqual({
      refused: [refused('app:y')],
    });
    const bad = await ask(`${at}/forget`, post({ permission: 'all' }, admin));
    expect(await problem(bad)).toEqual([400, 'permission/invalid']);
    expect(await (await ask(`${at}/forget`, send('POST'))).json()).toEqual({ refused: [] });
    await kernel.commands.execute('test.asking:ask', 'app:x');
    expect(asked).toBe(3);
    const entries = await kernel.audit.entries({ topic: 'host:admin-done' });
    expect(entries.at(-1)).toMatchObject({ facts: { action: 'permissions.forget', by: 'grace' } });
  });

  it('reads plugins, health, diagnostics, reports, usage, metrics and the audit log', async () => {
    const { ask } = await serveAdmin();
    const get = async (path: string) => {
      const response = await ask(`/api/v1/${path}`, send('GET'));
      return [
        response.status,
        response.headers.get('content-type'),
        await response.text(),
      ] as const;
    };
    const json = [200, 'application/json'];
    for (const [path, shown] of [
      ['plugins', '"id":"test.notes"'],
      ['plugins/test.notes', '"state":"active"'],
      ['plugins/test.notes/status', '"health"'],
      ['plugins/test.notes/manifest', '"main":"plugin.js"'],
      ['plugins/test.notes/explain', 'test.notes'],
      ['plugins/test.notes/usage', 'test.notes'],
      ['plugins/test.notes/config', '{'],
      ['plugins/test.notes/config/layers', '{'],
      ['health', '"status":"healthy"'],
      ['diagnostics', 'test.notes'],
      ['usage', 'test.notes'],
      ['usage/tenant', '"tenant":"tenant-0"'],
      ['plugins/test.notes/permissions/refused', '{"refused":[]}'],
      ['report', '{'],
    ] as const) {
      const [status, type, body] = await get(path);
      expect([path, status, type]).toEqual([path, ...json]);
      expect(body, path).toContain(shown);
    }
    expect((await get('report?format=text'))[1]).toBe('text/plain; charset=utf-8');
    expect((await get('report?format=xml'))[0]).toBe(400);
    expect((await get('metrics'))[2]).toContain('# TYPE');
    const [, type, lines] = await get('audit');
    expect(type).toBe('application/x-ndjson');
    for (const line of lines.trim().split('\n')) expect(() => JSON.parse(line)).not.toThrow();
    expect((await get('plugins/test.none'))[0]).toBe(404);
    expect((await get('plugins/test.notes/constructor'))[0]).toBe(404);
    expect((await get('constructor'))[0]).toBe(404);
  });

  it('changes plugins, and the audit log says who did', async () => {
    const { ask, kernel } = await serveAdmin();
    const change = async (path: string, init = send('POST')) => {
      const { status } = await ask(`/api/v1/plugins/${path}`, init);
      return [status, kernel.plugins.get('test.notes')?.state];
    };
    expect(await change('test.notes/disable')).toEqual([204, 'unloaded']);
    expect(await change('test.notes/enable')).toEqual([204, 'active']);
    expect(await change('test.notes/suspend')).toEqual([204, 'suspended']);
    expect(await change('test.notes/resume')).toEqual([204, 'active']);
    expect(await change('test.notes/reload')).toEqual([204, 'active']);
    expect(await change('test.notes/deactivate')).toEqual([204, 'unloaded']);
    expect(await change('test.notes/activate')).toEqual([204, 'active']);
    expect(await change('test.other/install', post({}, admin))).toEqual([200, 'active']);
    expect(kernel.plugins.get('test.other')).toBeDefined();
    expect(await change('test.more/install', post({}, admin))).toEqual([422, 'active']);
    expect(await change('test.notes/rollback')).toEqual([409, 'active']);
    expect(await change('test.notes/explode')).toEqual([404, 'active']);
    expect(await change('test.notes/usage')).toEqual([405, 'active']);
    expect(await change('test.notes', send('DELETE'))).toEqual([204, undefined]);
    expect(await change('test.notes/enable')).toEqual([404, undefined]);
    const entries = await kernel.audit.entries({ topic: 'host:admin-done' });
    expect(entries[0]).toMatchObject({
      plugin: 'test.notes',
      facts: { action: 'plugins.disable', by: 'grace' },
    });
    expect(entries.map(({ facts }) => facts.action)).toContain('plugins.uninstall');
    const failed = await kernel.audit.entries({ topic: 'host:admin-failed' });
    expect(failed.map(({ facts }) => [facts.action, facts.code])).toEqual([
      ['plugins.install', 'plugin/not-found'],
      ['plugins.rollback', 'plugin/no-previous-version'],
      ['plugins.enable', 'plugin/not-found'],
    ]);
  });

  it('tells operators why a step failed, and clients not', async () => {
    const { ask, kernel } = await serveAdmin();
    const bad = routesOf('test.bad', '', "throw new Error('no table notes');");
    await kernel.plugins.install(packageOf(bad));
    const failed = await ask('/api/v1/plugins/test.bad/activate', send('POST'));
    expect(await failed.clone().text()).toContain('no table notes');
    expect(await problem(failed)).toEqual([503, 'plugin/activation-failed']);
    const route = await ask('/plugins/test.bad/');
    expect(await route.clone().text()).not.toContain('no table');
    expect((await problem(route))[0]).toBe(503);
  });

  it('logs at a bounded pace', async () => {
    const { ask, kernel } = await serve([routesOf('test.bad', "throw new Error('no');")]);
    const all = Array.from({ length: 100 }, () => ask('/plugins/test.bad/'));
    expect(new Set((await Promise.all(all)).map(({ status }) => status))).toEqual(new Set([500]));
    const lines = kernel.logger.recent().filter(({ message }) => message === 'a request failed');
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThanOrEqual(60);
  });

  it('changes settings', async () => {
    const { ask, kernel } = await serveAdmin();
    const put = { ...post({ size: 2 }, admin), method: 'PUT' };
    expect(await (await ask('/api/v1/plugins/test.notes/config', put)).json()).toMatchObject({
      size: 2,
    });
    expect(kernel.config.get('test.notes')).toMatchObject({ size: 2 });
    const list = { ...post([1], admin), method: 'PUT' };
    expect(await problem(await ask('/api/v1/plugins/test.notes/config', list))).toEqual([
      400,
      'config/invalid',
    ]);
  });
});
