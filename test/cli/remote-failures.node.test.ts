/** What goes wrong between `plinth … --url` and a kernel, and what the program says of it. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { folderOf, plinth } from './plinth.ts';
import { serve, tokenOf } from './remote.ts';

const TOKEN = tokenOf('viewer');

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

describe('what goes wrong on the way', () => {
  const ask = async (url: string, args: readonly string[] = ['list'], token: string = TOKEN) => {
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
    expect(await ask(url, ['list'], 'other')).toMatchObject({ code: 'remote/unauthenticated' });
    expect(await ask(url, ['disable', 'test.notes'])).toMatchObject({
      code: 'remote/forbidden',
      message: expect.stringContaining("the role 'operator'; yours is 'viewer'"),
      cure: expect.stringContaining('token'),
    });
    const closed = await serve({ open: false });
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
      [['list', '--url', 'http://127.0.0.1:1', '--token', 'x'.repeat(9_000)], 'no header can have'],
      [['list', '--url', 'http://127.0.0.1:1', '--tenant', ''], '--tenant takes a name'],
      [
        ['list', '--url', 'http://127.0.0.1:1', '--tenant', 'x'.repeat(600)],
        '--tenant takes a name',
      ],
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
