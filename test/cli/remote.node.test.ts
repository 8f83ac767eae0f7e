/** `plinth … --url`: the program against kernels that run and answer HTTP on loopback. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createKernel } from '@plinth/host-node';
import { http } from '@plinth/http/host';
import { packageOf, packageSource } from '@plinth/kernel';
import { describe, expect, it, onTestFinished } from 'vitest';
import { pluginOf } from '../support/plugins.ts';
import { folderOf, type Outcome, plinth, readJson } from './plinth.ts';

const ID = 'test.notes';
const TOKEN = 'token-of-grace';

const notes = () =>
  packageOf({
    ...pluginOf(
      ID,
      `ctx.commands.handle('add', (input) => ({ got: input ?? 'nothing' }));
       ctx.commands.handle('keep', (text) => ctx.storage.set('text', text));
       ctx.commands.handle('fail', () => { throw new Error('no table'); });`,
      {
        config: { type: 'object', properties: { size: { type: 'integer', default: 1 } } },
        contributes: { commands: [{ id: 'add' }] },
        permissions: { storage: { read: true, write: true } },
      },
    ),
  });

/** A kernel with one plugin, whose admin API knows one token. */
async function serve(open = true) {
  const kernel = await createKernel({
    sources: [packageSource([])],
    telemetry: { log: false },
    extensions: [
      http({
        expose: [`${ID}:*`],
        authenticate: ({ headers }) =>
          headers.get('authorization') === `Bearer ${TOKEN}` ? 'grace' : undefined,
      }),
    ],
  });
  onTestFinished(() => kernel.stop({ drain: 0 }));
  await kernel.start();
  await kernel.plugins.install(notes());
  await kernel.plugins.activate(ID);
  if (open)
    await kernel.extension(http).admin(kernel, {
      authorize: ({ headers }) =>
        headers.get('authorization') === `Bearer ${TOKEN}` ? 'grace' : undefined,
    });
  const { url } = await kernel.extension(http).listen();
  const cwd = await folderOf({});
  const run = (...args: string[]): Promise<Outcome> =>
    plinth(cwd, [...args, '--url', url], { env: { PLINTH_TOKEN: TOKEN } });
  const read = async (...args: string[]) => {
    const { out, err } = await run(...args, '--json');
    expect(err).toBe('');
    return JSON.parse(out) as Record<string, unknown> & { error?: Record<string, string> };
  };
  return { kernel, url, cwd, run, read };
}

/** A server that answers one thing. */
async function answering(status: number, headers: Record<string, string>, body: string) {
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    response.writeHead(status, headers).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise((resolve) => server.close(() => resolve())));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

const problem = { 'content-type': 'application/problem+json' };

describe('a kernel that runs', () => {
  it('is listed, described, explained and measured as a project is', async () => {
    const { run, read } = await serve();
    const { plugins } = await read('list');
    expect(plugins).toMatchObject([{ id: ID, state: 'active', enabled: true }]);
    expect((await run('list')).out).toContain(`${ID}  1.0.0    active`);
    expect((await run('info', ID)).out).toMatch(/commands +test\.notes:add/);
    expect((await read('info', ID)).plugin).toMatchObject({ id: ID, manifest: { id: ID } });
    expect((await run('explain', ID)).out).toContain(`${ID} is active`);
    expect((await run('usage')).out).toContain(ID);
    expect((await run('usage', ID)).out).toMatch(/calls +answered/);
    expect((await read('report')).report).toMatchObject({ plugins: [{ plugin: ID }] });
    expect((await run('report', '--format', 'csv')).out).toContain(',');
  });

  it('runs commands with their input, and says why one fails', async () => {
    const { run, read } = await serve();
    expect(await read('exec', `${ID}:add`, '{"text":"milk"}')).toEqual({
      ok: true,
      output: { got: { text: 'milk' } },
    });
    expect((await read('exec', `${ID}:add`)).output).toEqual({ got: 'nothing' });
    expect((await run('exec', `${ID}:keep`, '"milk"')).out).toBe('done\n');
    expect(await run('exec', `${ID}:fail`)).toMatchObject({ code: 1 });
    const { error } = await read('exec', `${ID}:none`);
    expect(error?.code).toBe('call/unknown-command');
  });

  it('takes steps, settings and uninstallations, in the name of the operator', async () => {
    const { kernel, read, run } = await serve();
    expect(await read('disable', ID)).toMatchObject({ id: ID, state: 'unloaded' });
    expect(kernel.plugins.get(ID)?.enabled).toBe(false);
    expect(await read('enable', ID)).toMatchObject({ id: ID, version: '1.0.0', state: 'active' });
    expect((await run('config', 'set', ID, 'size', '3')).out).toBe(`size of ${ID} is 3\n`);
    expect((await run('config', 'get', ID, 'size')).out).toBe('3\n');
    expect((await run('config', 'get', ID)).out).toBe('size  3\n');
    expect((await read('config', 'get', ID, 'none')).error?.code).toBe('config/unknown');
    expect((await read('rollback', ID)).error?.code).toBe('plugin/no-previous-version');
    expect((await read('uninstall', ID, '--purge')).ok).toBe(true);
    expect(kernel.plugins.get(ID)).toBeUndefined();
    expect((await read('info', ID)).error?.code).toBe('plugin/not-found');
    expect((await read('enable', ID)).error?.code).toBe('plugin/not-found');
    const entries = await kernel.audit.entries({ topic: 'host:admin-done' });
    expect(new Set(entries.map(({ facts }) => facts.by))).toEqual(new Set(['grace']));
  });

  it('leaves nothing in the folder where it was asked', async () => {
    const { cwd, run } = await serve();
    await run('list');
    const { out } = await plinth(cwd, ['data', 'list', '--json']);
    expect(JSON.parse(out)).toMatchObject({ ok: true, plugins: [] });
  });

  it('keeps a token of the environment out of what it writes', async () => {
    const { url, cwd } = await serve();
    const { out, err } = await plinth(cwd, ['list', '--json', '--url', url], {
      env: { PLINTH_TOKEN: 'wrong-token' },
    });
    expect(JSON.parse(out).error.code).toBe('remote/forbidden');
    expect(out + err).not.toContain('wrong-token');
  });

  it('takes packages, logs, data and secrets where its admin API does, or says that it does not', async () => {
    const { read, run, cwd, kernel } = await serve();
    const made = await folderOf({
      'plugin.json': { id: 'test.more', version: '1.0.0' },
      'src/index.js': 'export default { activate() {} };\n',
    });
    for (const [args, works] of [
      [['install', made], async () => kernel.plugins.get('test.more')?.state === 'active'],
      [['logs', ID], async () => true],
      [['data', 'list', ID], async () => true],
      [
        ['data', 'export', ID, join(cwd, 'notes.data')],
        async () => (await run('data', 'export', ID)).out.includes('plinth-data'),
      ],
      [['audit', 'verify'], async () => true],
      [
        ['audit', 'export', '--out', join(cwd, 'audit.json')],
        async () => Array.isArray((await readJson(cwd, 'audit.json')).entries),
      ],
    ] as const) {
      const { ok, error } = await read(...args);
      if (ok === true) expect(await works(), args.join(' ')).toBe(true);
      else expect([args, error?.code]).toEqual([args, 'remote/not-offered']);
    }
  });
});

describe('what goes wrong on the way', () => {
  const ask = async (url: string, args: readonly string[] = ['list'], token = TOKEN) => {
    const cwd = await folderOf({});
    const { code, out, err } = await plinth(cwd, [...args, '--json', '--url', url], {
      env: { PLINTH_TOKEN: token },
    });
    expect(err).toBe('');
    return { code, ...(JSON.parse(out).error as Record<string, string>) };
  };

  it('is told: no kernel, no token, no right, no admin API', async () => {
    const { url: free } = await answering(200, {}, '');
    const gone = new URL(free);
    gone.port = '1';
    expect(await ask(gone.href)).toMatchObject({
      code: 'remote/unreachable',
      message: expect.stringContaining(gone.href),
      cure: expect.stringContaining('--url'),
    });
    const { url } = await serve();
    expect(await ask(url, ['list'], '')).toMatchObject({
      code: 'remote/unauthenticated',
      cure: expect.stringContaining('PLINTH_TOKEN'),
    });
    expect(await ask(url, ['list'], 'other')).toMatchObject({ code: 'remote/forbidden' });
    const closed = await serve(false);
    expect(await ask(closed.url)).toMatchObject({
      code: 'remote/not-offered',
      cure: expect.stringContaining('admin('),
    });
  });

  it('is told of problem documents, and of answers that are none', async () => {
    const busy = JSON.stringify({ code: 'http/overloaded', detail: 'Too many requests.' });
    const refused = await answering(429, { ...problem, 'retry-after': '7' }, busy);
    expect(await ask(refused.url)).toMatchObject({
      code: 'http/overloaded',
      message: 'Too many requests.',
      cure: expect.stringContaining('7 seconds'),
    });
    const hidden = JSON.stringify({ code: 'x\u001b[2J', detail: '\u001b]0;title\u0007 gone' });
    const hostile = await answering(409, problem, hidden);
    expect(await ask(hostile.url)).toMatchObject({
      code: 'x\\u001b[2J',
      message: '\\u001b]0;title\\u0007 gone',
    });
    for (const [status, headers, body] of [
      [200, { 'content-type': 'text/html' }, '<h1>Welcome</h1>'],
      [200, { 'content-type': 'application/json' }, '7'],
      [500, { 'content-type': 'text/html' }, '<h1>Oops</h1>'],
      [500, problem, 'no json'],
    ] as const)
      expect(await ask((await answering(status, headers, body)).url)).toMatchObject({
        code: 'remote/unexpected',
      });
  });

  it('follows no redirect: the token is for one address', async () => {
    const other = await answering(200, { 'content-type': 'application/json' }, '{}');
    const first = await answering(307, { location: other.url }, '');
    expect(await ask(first.url)).toMatchObject({ code: 'remote/unexpected' });
    expect(first.seen).toEqual([`GET /api/v1/plugins Bearer ${TOKEN}`]);
    expect(other.seen).toEqual([]);
  });

  it('is told before anything is sent: bad usage', async () => {
    const cwd = await folderOf({});
    for (const [args, message] of [
      [['list', '--url', 'nonsense'], 'an address like'],
      [['list', '--url', 'file:///etc/passwd'], 'http or https'],
      [['list', '--url', 'http://me:secret@127.0.0.1:1'], 'no user and no password'],
      [['list', '--url', 'http://127.0.0.1:1', '--project', '.'], 'two kernels'],
      [['list', '--token', 'x'], '--token is for a running kernel'],
      [['list', '--tenant', 'x'], '--tenant is for a running kernel'],
      [['list', '--url', 'http://127.0.0.1:1', '--token', 'a b'], 'no header can have'],
      [['logs', '--follow', '--url', 'http://127.0.0.1:1'], 'log of a project'],
    ] as const) {
      const { code, err } = await plinth(cwd, args);
      expect([code, err]).toEqual([2, expect.stringContaining(message)]);
    }
  });

  it('warns of a token that goes through a network unencrypted', async () => {
    const cwd = await folderOf({});
    const { err } = await plinth(cwd, ['list', '--url', 'http://plinth.invalid'], {
      env: { PLINTH_TOKEN: TOKEN },
    });
    expect(err).toContain('unencrypted: use https');
    expect(err).not.toContain(TOKEN);
  });
});
