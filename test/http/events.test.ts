/** Events over Server-Sent Events. */
import { describe, expect, it } from 'vitest';
import { runtime } from '#host';
import { pluginOf } from '../support/plugins.ts';
import { problem, serve } from './serve.ts';
import { eventsOf, type SentEvents } from './sse.ts';

const shop = pluginOf(
  'test.shop',
  "ctx.commands.handle('sell', (text) => ctx.events.emit('sold', text));",
  { permissions: { events: { emit: ['test.shop:*'] } } },
);
interface Told {
  readonly payload: unknown;
}
const options = {
  authenticate: () => 'ada',
  events: {
    topics: ['test.shop:*', 'test.open:*'],
    authorize: (_: Request, topics: readonly string[]) => !topics.includes('test.shop:secret'),
  },
};

/** Reads until the text is there, or the stream has ended. */
async function readUntil(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  wanted: string,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  while (!text.includes(wanted)) {
    const { done, value } = await reader.read();
    if (done) break;
    text += decoder.decode(value, { stream: true });
  }
  return text;
}
const readerOf = ({ body }: Response) => (body as ReadableStream<Uint8Array>).getReader();

describe(`${runtime}: events over HTTP`, () => {
  it('arrive as they are emitted, in order, with topic and source', async () => {
    const { ask, kernel } = await serve([shop], options);
    const response = await ask('/events?topic=test.shop:*');
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const reader = readerOf(response);
    for (const text of ['a', 'b\n\ndata: forged'])
      await kernel.commands.execute('test.shop:sell', text);
    const text = await readUntil(reader, 'forged');
    const [hello, ...events] = text.split('\n').filter((line) => line.startsWith('data: '));
    expect(hello).toMatch(/^data: \{"cursor":"[0-9a-f]{8}\.0"\}$/);
    expect(events.map((line) => JSON.parse(line.slice('data: '.length)))).toEqual([
      { topic: 'test.shop:sold', source: 'test.shop', payload: 'a' },
      { topic: 'test.shop:sold', source: 'test.shop', payload: 'b\n\ndata: forged' },
    ]);
    await reader.cancel();
  });

  it('are for those that the application allows', async () => {
    const { ask } = await serve([shop], options);
    const codes = async (path: string) => problem(await ask(path));
    expect(await codes('/events')).toEqual([400, 'http/topics']);
    expect(await codes('/events?topic=*')).toEqual([400, 'http/topics']);
    expect(await codes('/events?topic=test.other:*')).toEqual([403, 'permission/denied']);
    expect(await codes('/events?topic=test*')).toEqual([403, 'permission/denied']);
    expect(await codes('/events?topic=test.shop:secret')).toEqual([403, 'permission/denied']);
    const without = await serve([shop], { events: options.events });
    expect(await problem(await without.ask('/events?topic=test.shop:*'))).toEqual([
      401,
      'call/unauthenticated',
    ]);
    const closed = await serve([shop], { authenticate: () => 'ada' });
    expect((await closed.ask('/events?topic=test.shop:*')).status).toBe(404);
  });

  it('cut off a reader that is too slow, with the reason', async () => {
    const { ask, kernel } = await serve([shop], { ...options, limits: { queue: 4 } });
    const reader = readerOf(await ask('/events?topic=test.shop:*'));
    for (let n = 0; n < 20; n++) await kernel.commands.execute('test.shop:sell', `n${n}`);
    const text = await readUntil(reader, 'nothing');
    expect(text).not.toContain('"n10"');
    expect(text.endsWith('event: end\ndata: {"reason":"too slow"}\n\n')).toBe(true);
  });

  it('have a bounded number of readers, and one that leaves makes room', async () => {
    const { ask } = await serve([shop], { ...options, limits: { streams: 1 } });
    const client = new AbortController();
    const first = await ask('/events?topic=test.shop:*', { signal: client.signal });
    expect((await ask('/events?topic=test.shop:*')).status).toBe(503);
    client.abort();
    await expect.poll(async () => (await ask('/events?topic=test.shop:*')).status).toBe(200);
    await readerOf(first).cancel();
  });

  it('end with the kernel, with the reason', async () => {
    const { ask, kernel } = await serve([shop], options);
    const reader = readerOf(await ask('/events?topic=test.shop:*'));
    await kernel.stop();
    expect(await readUntil(reader, 'nothing')).toContain('the server is stopping');
  });

  it('resume after a lost connection, by Last-Event-ID or a cursor, without a hole', async () => {
    const { ask, kernel } = await serve([shop], options);
    const sell = (text: unknown) => kernel.commands.execute('test.shop:sell', text);
    const open = async (headers = {}, more = '') =>
      eventsOf(await ask(`/events?topic=test.shop:*${more}`, { headers }));
    const first = await open();
    expect((await first.next()).event).toBe('hello');
    await sell('a');
    const { id = '', event, data } = await first.next();
    expect([event, data]).toEqual([
      '',
      { topic: 'test.shop:sold', source: 'test.shop', payload: 'a' },
    ]);
    await first.cancel();
    for (const text of ['b', 'c']) await sell(text);
    const payloads = async (events: SentEvents, count: number) => {
      const told: unknown[] = [];
      while (told.length < count) told.push(((await events.next()).data as Told).payload);
      await events.cancel();
      return told;
    };
    for (const again of [await open({ 'last-event-id': id }), await open({}, `&cursor=${id}`)]) {
      expect((await again.next()).event).toBe('hello');
      expect(await payloads(again, 2)).toEqual(['b', 'c']);
    }
    // Events that come meanwhile follow what was missed, each once.
    const both = await open({ 'last-event-id': id });
    await sell('d');
    await both.next();
    expect(await payloads(both, 3)).toEqual(['b', 'c', 'd']);
  });

  it('tell a gap for a cursor of another start, of what was not recorded, or of nothing', async () => {
    const { ask } = await serve([shop], options);
    const open = async (cursor: string, topic = 'test.shop:*') => {
      const events = await eventsOf(
        await ask(`/events?topic=${topic}`, { headers: { 'last-event-id': cursor } }),
      );
      const told = [await events.next(), await events.next()];
      await events.cancel();
      return told;
    };
    for (const cursor of ['00000000.7', 'nonsense', 'x'.repeat(10_000)]) {
      const [hello, gap] = await open(cursor);
      expect([hello?.event, gap?.event]).toEqual(['hello', 'gap']);
      expect(gap?.data).toMatchObject({ to: hello?.id });
    }
  });

  it('tell a gap for what was not recorded', async () => {
    const { ask, kernel } = await serve([shop], options);
    const open = async (topic: string, headers = {}) =>
      eventsOf(await ask(`/events?topic=${topic}`, { headers }));
    const first = await open('test.shop:sold');
    const { id = '' } = await first.next();
    await kernel.commands.execute('test.shop:sell', 'a');
    for (const [topic, told] of [
      ['test.shop:*', 'gap'],
      ['test.shop:sold', ''],
    ] as const) {
      const again = await open(topic, { 'last-event-id': id });
      await again.next();
      expect([topic, (await again.next()).event]).toEqual([topic, told]);
      await again.cancel();
    }
    await first.cancel();
  });

  it('come once to readers of several topics that cover them, and only to those that may', async () => {
    const { ask, kernel } = await serve([shop], options);
    const readers = await Promise.all(
      ['topic=test.shop:*&topic=test.shop:sold', 'topic=test.shop:sold', 'topic=test.open:*'].map(
        async (query) => eventsOf(await ask(`/events?${query}`)),
      ),
    );
    for (const one of readers) await one.next();
    for (const text of ['a', 'b']) await kernel.commands.execute('test.shop:sell', text);
    await kernel.events.emit('test.open:end', 'c');
    const [both, one, other] = readers as [SentEvents, SentEvents, SentEvents];
    const payloadOf = async (events: SentEvents) => ((await events.next()).data as Told).payload;
    for (const reader of [both, one])
      expect([await payloadOf(reader), await payloadOf(reader)]).toEqual(['a', 'b']);
    expect(await payloadOf(other)).toBe('c');
    await Promise.all(readers.map((reader) => reader.cancel()));
  });

  it('name what is too large or no JSON, and end with their listeners', async () => {
    const { ask, kernel } = await serve([shop], options);
    const events = await eventsOf(await ask('/events?topic=test.shop:*'));
    await events.next();
    await kernel.commands.execute('test.shop:sell', 'x'.repeat(100_000));
    await kernel.commands.execute('test.shop:sell', { big: 1n, absent: undefined });
    expect((await events.next()).data).toEqual({
      topic: 'test.shop:sold',
      source: 'test.shop',
      omitted: true,
    });
    expect((await events.next()).data).toMatchObject({ payload: { big: '1n' } });
    await kernel.stop();
    expect((await events.next()).event).toBe('end');
  });

  it('cut off one that reads nothing at all, and give its place to another', async () => {
    const { ask, kernel } = await serve([shop], { ...options, limits: { queue: 4, streams: 1 } });
    const idle = await ask('/events?topic=test.shop:*');
    expect((await ask('/events?topic=test.shop:*')).status).toBe(503);
    for (let n = 0; n < 6; n++) await kernel.commands.execute('test.shop:sell', `n${n}`);
    const next = await ask('/events?topic=test.shop:*');
    expect(next.status).toBe(200);
    await Promise.all([idle.body?.cancel(), next.body?.cancel()]);
  });
});
