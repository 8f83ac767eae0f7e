/** Events of the admin API over Server-Sent Events: what they say, cursors, gaps and tickets. */
import { type HttpOptions, http } from '@plinth/http/host';
import { describe, expect, it } from 'vitest';
import { runtime } from '#host';
import { CRASH, pluginOf } from '../support/plugins.ts';
import { post, problem, serve } from './serve.ts';
import { eventsOf } from './sse.ts';

const notes = pluginOf(
  'test.notes',
  `ctx.commands.handle('add', (text) => ({ text, big: 1n }));
   ctx.commands.handle('fail', () => { throw new Error('no'); });
   ctx.commands.handle('log', (text) => ctx.logger.info(text));
   ctx.commands.handle('tail', async function* () { yield 1; });
   ctx.messaging.on((message) => ['got', message]);
   ${CRASH}`,
);
const tokens = {
  'token-of-the-viewer': { name: 'vera', role: 'viewer' },
  'token-of-the-admin': { name: 'ada', role: 'admin' },
} as const;
const viewer = { authorization: 'Bearer token-of-the-viewer' };
const admin = { authorization: 'Bearer token-of-the-admin' };

async function serveFeed(options: HttpOptions = {}) {
  const served = await serve([notes], options);
  await served.kernel.extension(http).admin(served.kernel, { tokens });
  const open = async (query = '', headers: Record<string, string> = viewer) =>
    eventsOf(await served.ask(`/api/v1/events${query}`, { headers }));
  return { ...served, open };
}

describe(`${runtime}: events of the admin API`, () => {
  it('tell the steps of plugins', async () => {
    const { open, kernel } = await serveFeed();
    const events = await open();
    expect((await events.next()).event).toBe('hello');
    await kernel.plugins.deactivate('test.notes');
    await kernel.plugins.uninstall('test.notes');
    const found = await events.until('plugin:uninstalled');
    expect(found.map(({ event }) => event)).toEqual([
      'plugin:deactivated',
      'plugin:unloaded',
      'plugin:uninstalled',
    ]);
    expect(found[0]?.data).toMatchObject({ plugin_id: 'test.notes', reason: expect.any(String) });
    expect(found[1]?.data).toMatchObject({ plugin_id: 'test.notes' });
    await events.cancel();
  });

  it('tell installations and activations with what they bring', async () => {
    const { open, kernel } = await serveFeed();
    const events = await open();
    const { packageOf } = await import('@plinth/kernel');
    await kernel.plugins.install(packageOf(pluginOf('test.other', '')));
    await kernel.plugins.activate('test.other');
    const found = await events.until('plugin:activated');
    expect(found.find(({ event }) => event === 'plugin:installed')?.data).toMatchObject({
      plugin_id: 'test.other',
      version: '1.0.0',
      status: 'resolved',
    });
    expect(found.at(-1)?.data).toMatchObject({ plugin_id: 'test.other', capabilities: [] });
    await events.cancel();
  });

  it('tell calls and messages, with their values for admins alone', async () => {
    const { open, kernel } = await serveFeed();
    const topics = '?topic=plugin:command,plugin:message';
    const [shown, full] = [await open(topics), await open(`${topics}&values=true`, admin)];
    await kernel.commands.execute('test.notes:add', 'a secret');
    await kernel.messaging.send('test.notes', 'whisper');
    await expect(kernel.commands.execute('test.notes:fail')).rejects.toThrow();
    const said = { plugin_id: 'test.notes', command: 'test.notes:add', caller: 'host', ok: true };
    const hidden = [...(await shown.until('plugin:message')), ...(await shown.until())];
    expect(hidden[1]?.data).toMatchObject({ ...said, args: '[redacted]', result: '[redacted]' });
    expect(JSON.stringify(hidden)).not.toMatch(/secret|whisper/);
    const all = [...(await full.until('plugin:message')), ...(await full.until())];
    const data = all.map((one) => one.data);
    expect(data[1]).toMatchObject({
      ...said,
      args: 'a secret',
      result: { text: 'a secret', big: '1n' },
    });
    expect(data[2]).toMatchObject({ from: 'host', to: 'test.notes', content: 'whisper' });
    expect(data[3]).toMatchObject({ command: 'test.notes:fail', ok: false });
    await Promise.all([shown.cancel(), full.cancel()]);
  });

  it('tell calls between plugins, also when they have a lane of their own', async () => {
    const { open, kernel } = await serveFeed();
    const { packageOf } = await import('@plinth/kernel');
    const caller = pluginOf(
      'test.caller',
      `ctx.commands.handle('call', async (times) => {
         for (let n = 0; n < times; n++) await ctx.commands.execute('test.notes:add', 'n' + n);
       });`,
      { permissions: { commands: { execute: ['test.notes:add'] } } },
    );
    await kernel.plugins.install(packageOf(caller));
    await kernel.plugins.activate('test.caller');
    await kernel.commands.execute('test.caller:call', 50);
    const events = await open('?topic=plugin:command');
    await kernel.commands.execute('test.caller:call', 5);
    const found: unknown[] = [];
    for (let n = 0; n < 6; n++) found.push((await events.until('plugin:command')).at(-1)?.data);
    const inner = found.filter((one) => (one as { caller: string }).caller === 'test.caller');
    expect(inner).toHaveLength(5);
    await events.cancel();
  });

  it('leave streams and large values alone, and name them', async () => {
    const { open, kernel } = await serveFeed();
    const events = await open('?topic=plugin:command&values=true', admin);
    const answer = (await kernel.commands.execute('test.notes:tail')) as AsyncIterable<number>;
    const items: number[] = [];
    for await (const item of answer) items.push(item);
    expect(items).toEqual([1]);
    await kernel.commands.execute('test.notes:add', 'x'.repeat(100_000));
    const [, tail, big] = [...(await events.until('plugin:command')), ...(await events.until())];
    expect(JSON.stringify(tail?.data)).not.toContain('1]');
    expect(big?.data).toEqual({ omitted: true });
    await events.cancel();
  });

  it('tell logs and metrics', async () => {
    const { open, kernel } = await serveFeed();
    const events = await open('?topic=log&topic=metrics');
    const found = [...(await events.until('metrics'))];
    await kernel.commands.execute('test.notes:log', 'hello');
    found.push(...(await events.until('log')));
    const byName = new Map(found.map(({ event, data }) => [event, data]));
    expect(byName.get('metrics')).toHaveProperty('calls');
    expect(byName.get('log')).toMatchObject({ message: 'hello', source: 'test.notes' });
    await events.cancel();
  });

  it('go on after a cursor, by the query or by Last-Event-ID', async () => {
    const { open, kernel } = await serveFeed();
    const first = await open();
    await kernel.plugins.disable('test.notes');
    const seen = await first.until('plugin:disabled');
    await first.cancel();
    await kernel.plugins.enable('test.notes');
    const cursor = seen.at(-1)?.id as string;
    for (const again of [
      await open(`?cursor=${cursor}`),
      await open('', { ...viewer, 'last-event-id': cursor }),
    ]) {
      const names = (await again.until('plugin:enabled')).map(({ event }) => event);
      expect(names[0]).toBe('hello');
      expect(names).not.toContain('gap');
      expect(names).not.toContain('plugin:disabled');
      await again.cancel();
    }
  });

  it('say that something is missing', async () => {
    const { open, kernel } = await serveFeed();
    await kernel.plugins.disable('test.notes');
    for (const query of [
      '?cursor=00000000.1',
      '?cursor=nonsense',
      // Calls are recorded only while they are wanted.
      `?topic=plugin:command&cursor=${(await (await open()).next()).id}`,
    ]) {
      const events = await open(query);
      expect((await events.until('gap')).at(-1)?.data).toHaveProperty('to');
      await events.cancel();
    }
  });

  it('are bounded: a reader that is too slow is cut off, and an old cursor has a gap', async () => {
    const { open, kernel } = await serveFeed();
    const slow = await open('?topic=plugin:command');
    const cursor = (await slow.next()).id as string;
    for (let n = 0; n < 1_100; n++) await kernel.commands.execute('test.notes:add', `${n}`);
    const end = (await slow.until('end')).at(-1);
    expect(end?.data).toEqual({ reason: 'too slow' });
    const late = await open(`?topic=plugin:command&cursor=${cursor}`);
    expect((await late.until('gap')).length).toBe(2);
    expect((await late.until('plugin:command')).length).toBe(1);
    await late.cancel();
  });

  it('open by a ticket, once, and for what it was made', async () => {
    const { open, ask } = await serveFeed();
    const make = async (query: string, headers: Record<string, string>) => {
      const answer = await ask(`/api/v1/tickets${query}`, { method: 'POST', headers });
      return ((await answer.json()) as { ticket: string }).ticket;
    };
    const ticket = encodeURIComponent(await make('', viewer));
    const events = await open(`?ticket=${ticket}`, {});
    expect((await events.next()).event).toBe('hello');
    await events.cancel();
    const again = await ask(`/api/v1/events?ticket=${ticket}`);
    expect(await problem(again)).toEqual([401, 'call/unauthenticated']);
    const weak = encodeURIComponent(await make('', admin));
    const values = await ask(`/api/v1/events?values=true&ticket=${weak}`);
    expect(await problem(values)).toEqual([403, 'permission/denied']);
    const other = encodeURIComponent(await make('', viewer));
    expect((await ask(`/api/v1/events?tenant=acme&ticket=${other}`)).status).toBe(401);
    // A ticket opens events, and nothing else.
    const third = encodeURIComponent(await make('', viewer));
    expect((await ask(`/api/v1/plugins?ticket=${third}`)).status).toBe(401);
    expect((await ask('/api/v1/tickets', { method: 'POST' })).status).toBe(401);
  });

  it('are refused for other topics, values for viewers, and beyond their number', async () => {
    const { ask, open } = await serveFeed({ limits: { streams: 1 } });
    const get = (query: string) => ask(`/api/v1/events${query}`, { headers: viewer });
    expect(await problem(await get('?topic=kernel:*'))).toEqual([400, 'http/topics']);
    expect(await problem(await get('?values=true'))).toEqual([403, 'permission/denied']);
    const head = await ask('/api/v1/events', { method: 'HEAD', headers: viewer });
    expect([head.status, await head.text()]).toEqual([200, '']);
    const first = await open();
    expect(await problem(await get(''))).toEqual([503, 'http/overloaded']);
    await first.cancel();
    const next = await open();
    expect((await next.next()).event).toBe('hello');
    await next.cancel();
  });

  it('end with the kernel, with the reason, and belong to their tenant', async () => {
    const { open, kernel, ask } = await serveFeed();
    const events = await open();
    const made = await ask('/api/v1/tenants/acme', post({}, admin));
    expect(made.status).toBe(200);
    const acme = await open('?tenant=acme');
    await kernel.tenant('acme').plugins.disable('test.notes');
    expect((await acme.until('plugin:disabled')).length).toBeGreaterThan(1);
    await kernel.stop();
    expect((await acme.until('end')).at(-1)?.data).toEqual({ reason: 'the server is stopping' });
    const rest = await events.until('end');
    expect(rest.at(-1)?.data).toEqual({ reason: 'the server is stopping' });
    expect(rest.map(({ event }) => event)).not.toContain('plugin:disabled');
  });
});
