/** Events over Server-Sent Events. */
import { describe, expect, it } from 'vitest';
import { runtime } from '#host';
import { pluginOf } from '../support/plugins.ts';
import { problem, serve } from './serve.ts';

const shop = pluginOf(
  'test.shop',
  "ctx.commands.handle('sell', (text) => ctx.events.emit('sold', text));",
  { permissions: { events: { emit: ['test.shop:*'] } } },
);
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
    const events = text.split('\n').filter((line) => line.startsWith('data: '));
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
    expect(text).toContain('"n3"');
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
});
