/** `plinth logs --url`: the log of a kernel elsewhere, as it was and as it is written. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { folderOf, plinth, start } from './plinth.ts';
import { ID, serve, tokenOf } from './remote.ts';

/** The program while it follows: its lines one by one, and its end. */
async function follow(url: string, ...args: readonly string[]) {
  const child = start(await folderOf({}), ['logs', '--follow', ...args, '--url', url], {
    PLINTH_TOKEN: tokenOf('viewer'),
  });
  const lines = (input: NodeJS.ReadableStream) => {
    const iterator = createInterface({ input })[Symbol.asyncIterator]();
    return async () => (await iterator.next()).value as string | undefined;
  };
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  return {
    line: lines(child.stdout as NodeJS.ReadableStream),
    note: lines(child.stderr as NodeJS.ReadableStream),
    stop(): Promise<number | null> {
      child.kill('SIGINT');
      return ended;
    },
    ended,
  };
}

describe('the log of a kernel that runs', () => {
  it('is shown by plugin, level and count, with fields that JSON has no words for', async () => {
    const { kernel, as, read } = await serve();
    const say = (...entry: unknown[]) => kernel.commands.execute(`${ID}:say`, entry);
    await say('warn', 'one');
    await say('info', 'two', { big: 2n ** 70n, at: new Map([['a', 1]]) });
    const { entries } = (await read('logs', ID)) as { entries: Record<string, unknown>[] };
    expect(entries.slice(-2)).toMatchObject([
      { message: 'one', level: 'warn', source: ID },
      { message: 'two', fields: { big: '1180591620717411303424n' } },
    ]);
    const shown = await as('viewer', ['logs', ID, '--level', 'warn', '--lines', '1']);
    expect(shown.out).toMatch(/^\S+ warn {2}\[test\.notes\] one\n$/);
  });

  it('is followed: the latest entries, then each that comes, once', async () => {
    const { kernel, url } = await serve();
    const say = (...entry: unknown[]) => kernel.commands.execute(`${ID}:say`, entry);
    await say('warn', 'before');
    await say('warn', 'last');
    const { line, stop } = await follow(url, ID, '--level', 'warn', '--lines', '1');
    expect(await line()).toContain('[test.notes] last');
    await say('info', 'too low');
    kernel.logger.error('of another source');
    await say('error', 'a\nb\u001b[2J', { n: 1n });
    expect(await line()).toMatch(/error \[test\.notes\] a\\nb\\u001b\[2J \{"n":"1n"\}$/);
    for (let n = 0; n < 50; n++) await say('warn', `entry ${n}`);
    for (let n = 0; n < 50; n++) expect(await line()).toContain(`] entry ${n}`);
    expect(await stop()).toBe(0);
    await kernel.stop();
  });

  it('is followed as lines of JSON, over a restart of the kernel', async () => {
    const first = await serve();
    const { line, note, stop } = await follow(first.url, '--json');
    expect(JSON.parse((await line()) ?? '')).toMatchObject({ level: expect.any(String) });
    await first.kernel.stop({ drain: 0 });
    const second = await serve({ port: first.port });
    // It reads what is logged once it is there again.
    const timer = setInterval(() => second.kernel.logger.info('here again'), 100);
    onTestFinished(() => clearInterval(timer));
    for (;;) {
      const entry = JSON.parse((await line()) ?? '') as { message: string };
      if (entry.message === 'here again') break;
    }
    clearInterval(timer);
    expect(await stop()).toBe(0);
    expect(await note()).toBeUndefined();
  });

  it('says that it asks again, and that entries were missed', async () => {
    const first = await serve();
    const { line, note, stop } = await follow(first.url);
    await line();
    await first.kernel.stop({ drain: 0 });
    expect(await note()).toContain('asking again');
    await serve({ port: first.port });
    expect(await note()).toContain('missed');
    expect(await stop()).toBe(0);
  });

  it('is not followed without the right to, or where there is no kernel', async () => {
    const { url } = await serve();
    for (const [address, token, code] of [
      [url, 'another-token-of-none', 'remote/unauthenticated'],
      ['http://127.0.0.1:1', tokenOf('viewer'), 'remote/unreachable'],
    ] as const) {
      const args = ['logs', '--follow', '--json', '--url', address];
      const { code: exit, out } = await plinth(await folderOf({}), args, {
        env: { PLINTH_TOKEN: token },
      });
      expect([exit, JSON.parse(out).error.code]).toEqual([1, code]);
    }
  });
});

describe('a server that sends anything', () => {
  /** A server that answers requests for events. */
  async function sending(send: (response: ServerResponse) => void): Promise<string> {
    const server = createServer((request, response) => {
      if (request.url?.includes('/events') !== true) {
        response.writeHead(200, { 'content-type': 'application/json' });
        const wrong = [null, 7, {}, { time: 1e99, level: 'info', message: 'x' }];
        response.end(JSON.stringify({ entries: wrong }));
        return;
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      send(response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  it.each<readonly [string, (response: ServerResponse) => void]>([
    ['no entries', (response) => response.write('id: a.1\nevent: log\ndata: {"message":1}\n\n')],
    ['no JSON', (response) => response.write('event: log\ndata: <h1>\n\n')],
    [
      'an event without an end',
      (response) => {
        const more = () => {
          while (response.write('x'.repeat(65_536)));
          response.once('drain', more);
        };
        more();
      },
    ],
  ])('has %s shown as a log', async (_, send) => {
    const url = await sending(send);
    const { code, out } = await plinth(await folderOf({}), [
      ...['logs', '--follow', '--json', '--url', url],
    ]);
    expect([code, JSON.parse(out).error.code]).toEqual([1, 'remote/unexpected']);
  });
});
