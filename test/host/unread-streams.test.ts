/** Streams that are not read: they end after a while, and count against their caller. */

import type { KernelOptions } from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { rejection, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

/** More than one caller may leave open. */
const MANY = 1_100;

const PROVIDER = pluginOf(
  'test.provider',
  `let open = 0;
   ctx.commands.handle('open', () => open);
   ctx.commands.handle('stream', () => { open += 1; return { [Symbol.asyncIterator]() { let n = 0; return { next: async () => (n < 3 ? { done: false, value: n++ } : (open -= 1, { done: true })), return: async () => { open -= 1; return { done: true }; } }; }, cancel() { open -= 1; } }; });
   ctx.commands.handle('take', () => 'taken');`,
);
const CALLER = (id: string) =>
  pluginOf(
    id,
    `const kept = [];
     ctx.commands.handle('hoard', async (count) => {
       let refused = 0;
       for (let n = 0; n < count; n++) await ctx.commands.execute('test.provider:stream').then((stream) => kept.push(stream), (error) => { if (error.code !== 'call/overloaded') throw error; refused += 1; });
       return { kept: kept.length, refused };
     });
     ctx.commands.handle('read', async () => { const items = []; for await (const item of await ctx.commands.execute('test.provider:stream')) items.push(item); return items; });
     ctx.commands.handle('readKept', async () => { for await (const item of kept.shift()); });`,
    { permissions: { commands: { execute: ['test.provider:*'] } } },
  );

describe.each<Setting & { readonly name: string }>([
  { name: `${runtime} worker`, isolation: 'worker', createHost },
  { name: 'inline', isolation: 'inline' },
])('$name: unread streams', (setting) => {
  const start = (options: KernelOptions = {}) =>
    startKernel(setting, [PROVIDER, CALLER('test.hoarder'), CALLER('test.reader')], {
      lanes: false,
      ...options,
    });
  const readAll = async (stream: unknown) => {
    const items: unknown[] = [];
    for await (const item of stream as AsyncIterable<unknown>) items.push(item);
    return items;
  };

  it("count against the caller that requested them, and don't block others", async () => {
    const kernel = await start();
    const { kept, refused } = (await kernel.commands.execute('test.hoarder:hoard', MANY)) as {
      kept: number;
      refused: number;
    };
    expect([kept, refused]).toEqual([1_024, MANY - 1_024]);
    expect(await kernel.commands.execute('test.reader:read')).toEqual([0, 1, 2]);
    expect(await readAll(await kernel.commands.execute('test.provider:stream'))).toEqual([0, 1, 2]);
    // Neither refused streams nor read ones stay open at the source.
    expect(await kernel.commands.execute('test.provider:open')).toBe(1_024);
    // The application is a caller like any other.
    const own: unknown[] = [];
    let overloaded = 0;
    for (let n = 0; n < MANY; n++)
      await kernel.commands.execute('test.provider:stream').then(
        (stream) => own.push(stream),
        (error) => {
          if (error.code !== 'call/overloaded') throw error;
          overloaded += 1;
        },
      );
    expect([own.length, overloaded]).toEqual([1_024, MANY - 1_024]);
    expect(await kernel.commands.execute('test.reader:read')).toEqual([0, 1, 2]);
    // A stream that is read makes room for another.
    expect(await readAll(own[0])).toEqual([0, 1, 2]);
    expect(await readAll(await kernel.commands.execute('test.provider:stream'))).toEqual([0, 1, 2]);
  });

  it('end after a while: their source is released, their caller has room again, and a late reader gets the reason', async () => {
    const kernel = await start({ limits: { unread: 50 } });
    const stream = await kernel.commands.execute('test.provider:stream');
    await kernel.commands.execute('test.hoarder:hoard', 20);
    await expect.poll(() => kernel.commands.execute('test.provider:open')).toBe(0);
    expect(await rejection(readAll(stream))).toMatchObject({
      code: 'stream/unread',
      message: 'no reader began to read this stream within 50 ms',
    });
    expect((await rejection(kernel.commands.execute('test.hoarder:readKept'))).code).toBe(
      'stream/unread',
    );
    // A stream whose reading began in time continues as long as its reader likes.
    const read = (await kernel.commands.execute('test.provider:stream')) as AsyncIterable<unknown>;
    const iterator = read[Symbol.asyncIterator]();
    expect((await iterator.next()).value).toBe(0);
    // One that is opened after it, and isn't read, ends before it.
    await kernel.commands.execute('test.hoarder:hoard', 1);
    await expect.poll(() => kernel.commands.execute('test.provider:open')).toBe(1);
    expect((await iterator.next()).value).toBe(1);
    await iterator.return?.();
  });

  it('in inputs are released with their calls, read or not', async () => {
    const kernel = await start();
    async function* source() {
      yield 1;
    }
    for (let n = 0; n < 20; n++)
      expect(await kernel.commands.execute('test.provider:take', source())).toBe('taken');
  });
});
