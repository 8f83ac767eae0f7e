/** Clients that want more from the admin API than their token allows, over real sockets. */
import { connect, type Socket } from 'node:net';
import { type AdminOptions, http } from '@plinth/http/host';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { pluginOf, type TextPackage } from '../support/plugins.ts';
import { post, problem, serve } from './serve.ts';

const ID = 'test.notes';
const tokens = {
  'token-of-the-viewer': { name: 'vera', role: 'viewer' },
  'token-of-the-operator': { name: 'otto', role: 'operator' },
  'token-of-the-admin': { name: 'ada', role: 'admin' },
} as const;
type Name = 'viewer' | 'operator' | 'admin';
const ARCHIVE = { 'content-type': 'application/vnd.plinth' };

const notes = pluginOf(ID, `ctx.commands.handle('add', (text) => text);`, {
  permissions: { storage: { read: true, write: true } },
});

const archiveOf = (
  { manifest, code }: TextPackage,
  more: Record<string, Uint8Array> = {},
): Uint8Array<ArrayBuffer> => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  return new Uint8Array(
    zipSync({ 'plugin.json': bytes(JSON.stringify(manifest)), 'plugin.js': bytes(code), ...more }),
  );
};

async function listening(options: AdminOptions = { tokens }) {
  const { kernel } = await serve([notes], {}, { telemetry: { log: false } });
  await kernel.extension(http).admin(kernel, options);
  const { url, port } = await kernel.extension(http).listen();
  const as = (name: Name, path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    headers.set('authorization', `Bearer token-of-the-${name}`);
    return fetch(`${url}/api/v1/${path}`, { ...init, headers });
  };
  /** Sends bytes as they are, and resolves with the first line of the answer. */
  const raw = async (lines: readonly string[]) => {
    const socket = await dial(port);
    let text = '';
    socket.on('data', (data) => {
      text += data;
    });
    const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.write(`${[...lines, 'Host: a', 'Connection: close'].join('\r\n')}\r\n\r\n`);
    await ended;
    return text.split('\r\n', 1)[0] ?? '';
  };
  const topics = async () =>
    (await kernel.audit.entries({})).map(({ topic }) => topic).filter((one) => /admin-/.test(one));
  return { kernel, url, port, as, raw, topics };
}

async function dial(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {});
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  return socket;
}

describe('operators who want more', () => {
  it('get no right of the host by commands that manage plugins', async () => {
    const { as, kernel, topics } = await listening();
    for (const name of ['viewer', 'operator'] as const)
      for (const id of [
        'plinth.plugins:uninstall',
        'plinth.plugins:uninstall@plinth.host',
        'plinth.settings:get',
        'plinth.sql:execute',
      ]) {
        const answer = await as(name, `commands/${id}`, post({ id: ID }));
        expect(await answer.clone().text()).toContain("the role 'admin'");
        expect(await problem(answer)).toEqual([403, 'permission/denied']);
      }
    expect(await topics()).toEqual([]);
    expect((await as('operator', `commands/${ID}:add`, post('a'))).status).toBe(200);
    expect((await as('admin', 'commands/plinth.plugins:uninstall', post({ id: ID }))).status).toBe(
      204,
    );
    expect(kernel.plugins.get(ID)).toBeUndefined();
  });

  it('install no other plugin than the one that they name', async () => {
    const seen: unknown[] = [];
    const { as, kernel } = await listening({
      authorize(_, { plugin }) {
        seen.push(plugin);
        return 'ada';
      },
      package: () => ({ ...(pluginOf('test.other', '') as TextPackage), origin: 'shelf' }) as never,
    });
    const body = archiveOf(pluginOf('test.other', '') as TextPackage);
    for (const init of [{ method: 'POST', headers: ARCHIVE, body }, post({})]) {
      const answer = await as('admin', 'plugins/test.mine/install', init);
      expect(await answer.clone().text()).toContain('test.other');
      expect(await problem(answer)).toEqual([409, 'plugin/illegal-transition']);
    }
    expect(seen).toEqual(['test.mine', 'test.mine']);
    expect(kernel.plugins.get('test.other')).toBeUndefined();
    const right = await as('admin', 'plugins/test.other/install', {
      method: 'POST',
      headers: ARCHIVE,
      body,
    });
    expect(await right.json()).toEqual({ id: 'test.other' });
  });

  it('change no method, and lend no header of another one', async () => {
    const { as, raw, kernel, topics } = await listening();
    for (const name of ['x-http-method-override', 'x-http-method', 'x-method-override']) {
      const headers = { [name]: 'DELETE' };
      expect((await as('viewer', `plugins/${ID}?_method=DELETE`, { headers })).status).toBe(200);
      const posted = await as('operator', `plugins/${ID}`, { method: 'POST', headers });
      expect(await problem(posted)).toEqual([405, 'http/method']);
    }
    const both = ['viewer', 'admin'].map((name) => `Authorization: Bearer token-of-the-${name}`);
    const target = `/api/v1/plugins/${ID} HTTP/1.1`;
    expect(await raw([`DELETE ${target}`, ...both])).toMatch(/ 401 /);
    expect(await raw([`delete ${target}`, both[1] as string])).toMatch(/ 400 /);
    expect(await raw([`GET ${target}`, `X-A: ${'a'.repeat(100_000)}`])).toMatch(/ 431 /);
    expect(kernel.plugins.get(ID)?.state).toBe('active');
    expect(await topics()).toEqual([]);
  });

  it('reach nothing by targets that hide where they lead', async () => {
    const { raw } = await listening();
    const token = 'Authorization: Bearer token-of-the-admin';
    for (const target of [
      '/api/v1//plugins',
      '/API/v1/plugins',
      '//api/v1/plugins',
      '/api/v1/plugins;x',
      '/api/v1/plugins/',
      '/api/v1/plugins/test.notes%00',
      '/api/v1/plugins/..%2f..%2fapi%2fv1%2fplugins',
      '/api/v1/plugins/%2e%2e%2ftest.notes',
      '/api/v1/plugins/test.notes%2fconfig',
      '/api/v1/plugins/%e0%80%af',
    ])
      expect([target, await raw([`GET ${target} HTTP/1.1`, token])]).toEqual([
        target,
        'HTTP/1.1 404 Not Found',
      ]);
  });

  it('use a ticket once, for events alone, as what it was made for', async () => {
    const { as, url } = await listening();
    const made = async (name: Name) =>
      ((await (await as(name, 'tickets', { method: 'POST' })).json()) as { ticket: string }).ticket;
    const open = async (path: string, init: RequestInit = {}) => {
      const leave = new AbortController();
      const { status } = await fetch(`${url}/api/v1/${path}`, { ...init, signal: leave.signal });
      leave.abort();
      return status;
    };
    const ticket = await made('viewer');
    const used = await Promise.all(
      Array.from({ length: 5 }, () => open(`events?ticket=${ticket}`)),
    );
    expect(used.sort()).toEqual([200, 401, 401, 401, 401]);
    for (const path of ['plugins?ticket=', 'audit?ticket=', 'events?tenant=acme&ticket='])
      expect([path, await open(`${path}${await made('admin')}`)]).toEqual([path, 401]);
    expect(await open(`tickets?ticket=${await made('admin')}`, { method: 'POST' })).toBe(401);
    expect(await open(`events?values=true&ticket=${await made('viewer')}`)).toBe(403);
  });
});

describe('what is sent to hold the server up', () => {
  it('is no archive that unfolds: the server answers others meanwhile', async () => {
    const { as, url, kernel } = await listening();
    const other = pluginOf('test.other', '') as TextPackage;
    const bomb = archiveOf(other, { 'a.bin': new Uint8Array(200 * 1_048_576) });
    const [answer, alive] = await Promise.all([
      as('admin', 'plugins', { method: 'POST', headers: ARCHIVE, body: bomb }),
      fetch(`${url}/health`),
    ]);
    expect([bomb.byteLength < 1_048_576, alive.status]).toEqual([true, 200]);
    expect(await problem(answer)).toEqual([422, 'archive/refused']);
    const many = Object.fromEntries(
      Array.from({ length: 2_500 }, (_, at) => [`f${at}`, new Uint8Array(1)]),
    );
    const crowd = { method: 'POST', headers: ARCHIVE, body: archiveOf(other, many) };
    expect(await problem(await as('admin', 'plugins', crowd))).toEqual([422, 'archive/refused']);
    expect(kernel.plugins.get('test.other')).toBeUndefined();
  });

  it('is no text of nothing but lines', async () => {
    const { as, kernel } = await listening();
    await kernel.plugins.disable(ID);
    const header = JSON.stringify({ format: 'plinth-data', formatVersion: 1, plugin: ID });
    for (const body of [`${'\n'.repeat(30_000_000)}x`, `${header}\n${'x\n'.repeat(1_000_000)}`]) {
      const answer = await as('admin', `plugins/${ID}/storage/import`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson' },
        body,
      });
      expect(await problem(answer)).toEqual([422, 'http/data']);
    }
  });

  it('is no upload that stops half way: it holds one of four places until it is gone', async () => {
    const { as, port, kernel } = await listening();
    const body = archiveOf(pluginOf('test.other', '') as TextPackage);
    const send = () => as('admin', 'plugins', { method: 'POST', headers: ARCHIVE, body });
    const half = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const socket = await dial(port);
        socket.write(
          `POST /api/v1/plugins HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer token-of-the-admin\r\nContent-Type: ${ARCHIVE['content-type']}\r\nContent-Length: 1000\r\n\r\nab`,
        );
        return socket;
      }),
    );
    // Viewers have no place.
    const viewer = await as('viewer', 'plugins', { method: 'POST', headers: ARCHIVE, body });
    expect(viewer.status).toBe(403);
    await expect
      .poll(async () => {
        const answer = await as('admin', 'plugins', {
          method: 'POST',
          headers: ARCHIVE,
          body: 'x',
        });
        return [answer.headers.get('retry-after'), ...(await problem(answer))];
      })
      .toEqual(['1', 503, 'http/overloaded']);
    expect((await as('admin', 'plugins')).status).toBe(200);
    for (const socket of half) socket.destroy();
    await expect.poll(async () => (await send()).status).toBe(200);
    // A client that goes is no failure of the server.
    const failures = kernel.logger.recent().filter(({ message }) => /failed/.test(message));
    expect(failures).toEqual([]);
  });

  it('is not in a log with its token', async () => {
    const { as, kernel, raw } = await listening({
      tokens,
      authorize: ({ headers }) => {
        throw new Error(`the directory is down for ${headers.get('x-name')}`);
      },
    });
    const token = 'another-token-of-none';
    expect(await raw(['GET /api/v1/plugins HTTP/1.1', `Authorization: Bearer ${token}`])).toMatch(
      / 500 /,
    );
    expect((await as('operator', `plugins/${ID}/disable`, { method: 'POST' })).status).toBe(204);
    const ticket = (await (await as('viewer', 'tickets', { method: 'POST' })).json()) as {
      ticket: string;
    };
    const kept = JSON.stringify([kernel.logger.recent(), await kernel.audit.entries({})]);
    expect(kept).toContain('the directory is down');
    for (const secret of [token, 'token-of-the', ticket.ticket]) expect(kept).not.toContain(secret);
  });
});
