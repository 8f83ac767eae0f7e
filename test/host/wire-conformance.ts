/**
 * The wire's guarantees beside calls: streams, transfers, queues of listeners, order. One suite for
 * every isolation.
 */
import {
  bytes,
  command,
  contract,
  PluginOverloadedError,
  PluginValidationError,
  type Stream,
  stream,
  transfer,
} from '@plinth/sdk';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { nextEvent, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf, typedPlugin } from '../support/plugins.ts';

const Files = contract('test.files@1', {
  lines: command({ input: v.object({ count: v.number() }), output: stream(v.string()) }),
  size: command({ input: bytes(), output: v.number() }),
  read: command({ input: v.object({ pieces: v.number() }), output: bytes() }),
});

const files = typedPlugin('test.files', ({ commands }) => {
  const counts = { opened: 0, closed: 0, made: 0 };
  commands.handle('lines', async function* ({ count }: { count: number }) {
    counts.opened += 1;
    try {
      for (let n = 0; n < count; n++) {
        counts.made += 1;
        yield n === 13 ? 13 : `line ${n}`;
      }
    } finally {
      counts.closed += 1;
    }
  });
  commands.handle('fails', async function* () {
    yield 1;
    throw Object.assign(new RangeError('torn'), { code: 'E_TORN' });
  });
  commands.handle('refused', async function* () {
    yield 1;
    yield () => {};
  });
  commands.handle('size', async (source: AsyncIterable<Uint8Array>) => {
    let size = 0;
    for await (const piece of source) size += piece.byteLength;
    return size;
  });
  commands.handle('ignores', () => 'done');
  commands.handle('double', async function* (source: AsyncIterable<number>) {
    for await (const item of source) yield item * 2;
  });
  commands.handle('nested', ({ items }: { items: unknown }) => ({ items, note: 'inside' }));
  commands.handle('read', ({ pieces }: { pieces: number }) => {
    let left = pieces;
    return new ReadableStream({
      pull(controller) {
        if (left === 0) return controller.close();
        left -= 1;
        controller.enqueue(new Uint8Array(1_000).fill(left));
      },
    });
  });
  commands.handle('state', () => counts);
  commands.handle('take', ({ data }: { data: ArrayBuffer }) => ({
    size: data.byteLength,
    first: new Uint8Array(data)[0],
  }));
  commands.handle('give', (size: number) => ({ data: new Uint8Array(size).fill(7) }));
  commands.handle('crash', () => {
    setTimeout(() => {
      throw new Error('gone');
    }, 0);
    return new Promise(() => {});
  });
});

const state = (kernel: { commands: { execute(id: string): Promise<unknown> } }) =>
  kernel.commands.execute('test.files:state') as Promise<{
    opened: number;
    closed: number;
    made: number;
  }>;

/** An async generator that reports when it was released. */
function counter(limit = Number.POSITIVE_INFINITY): {
  readonly source: AsyncGenerator<number>;
  readonly made: () => number;
  readonly released: Promise<void>;
} {
  let made = 0;
  let release!: () => void;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  async function* count() {
    try {
      for (; made < limit; made++) yield made;
    } finally {
      release();
    }
  }
  return { source: count(), made: () => made, released };
}

export function wireConformance(name: string, setting: Setting): void {
  const start = (
    packages: Parameters<typeof startKernel>[1],
    options?: Parameters<typeof startKernel>[2],
  ) => startKernel(setting, packages, options);

  describe(`${name}: streams`, () => {
    it('a command returns items one after another, produced as they are read', async () => {
      const kernel = await start([files]);
      const source = (await kernel.commands.execute('test.files:lines', {
        count: 10,
      })) as Stream<unknown>;
      expect(await state(kernel)).toEqual({ opened: 0, closed: 0, made: 0 });
      const lines: unknown[] = [];
      for await (const line of source) lines.push(line);
      expect(lines).toEqual(Array.from({ length: 10 }, (_, n) => `line ${n}`));
      expect(await state(kernel)).toEqual({ opened: 1, closed: 1, made: 10 });
      expect(await rejection((async () => source[Symbol.asyncIterator]())())).toMatchObject({
        code: 'stream/locked',
      });
    });

    it('a slow reader is not overrun, and leaving the loop stops the source', async () => {
      const kernel = await start([files]);
      const source = (await kernel.commands.execute('test.files:lines', {
        count: 1_000_000,
      })) as Stream<unknown>;
      let read = 0;
      for await (const _ of source) {
        read += 1;
        if (read === 5) break;
      }
      await expect.poll(async () => (await state(kernel)).closed, { interval: 1 }).toBe(1);
      // The reader's window, and no more.
      expect((await state(kernel)).made).toBeLessThanOrEqual(40);
    });

    it('cancel() stops an unread stream', async () => {
      const kernel = await start([files]);
      const { source, made, released } = counter();
      const answer = (await kernel.commands.execute('test.files:double', source)) as Stream<number>;
      const reader = answer[Symbol.asyncIterator]();
      expect(await reader.next()).toEqual({ done: false, value: 0 });
      await reader.return?.();
      await released;
      expect(made()).toBeLessThan(100);
      const unread = (await kernel.commands.execute('test.files:lines', {
        count: 3,
      })) as Stream<unknown>;
      await unread.cancel();
      expect(await unread.cancel()).toBeUndefined();
      expect((await state(kernel)).opened).toBe(0);
    });

    it('a client checks each item, names the side at fault and stops the source', async () => {
      const kernel = await start([files]);
      const lines: string[] = [];
      const read = async () => {
        for await (const line of await kernel.client(Files).lines({ count: 100 })) lines.push(line);
      };
      expect(await rejection(read())).toBeInstanceOf(PluginValidationError);
      expect(lines).toHaveLength(13);
      await expect.poll(async () => (await state(kernel)).closed, { interval: 1 }).toBe(1);
    });

    it('an error of the source, or an item that cannot cross, ends the stream with that error', async () => {
      const kernel = await start([files]);
      const read = async (id: string) => {
        for await (const _ of (await kernel.commands.execute(id)) as Stream<unknown>);
      };
      expect(await rejection(read('test.files:fails'))).toMatchObject({
        name: 'RangeError',
        message: 'torn',
        code: 'E_TORN',
      });
      expect(await rejection(read('test.files:refused'))).toMatchObject({ code: 'value/invalid' });
    });

    it('a command takes a stream; an unread one is released with the call', async () => {
      const kernel = await start([files]);
      const pieces = new ReadableStream({
        start(controller) {
          for (let n = 0; n < 50; n++) controller.enqueue(new Uint8Array(2_000));
          controller.close();
        },
      });
      expect(await kernel.client(Files).size(pieces)).toBe(100_000);
      const cancelled = new Promise<void>((resolve) => {
        const ignored = {
          [Symbol.asyncIterator]: () => expect.unreachable('it is not read'),
          cancel: resolve,
        };
        void kernel.commands.execute('test.files:ignores', ignored);
      });
      await cancelled;
    });

    it('streams may be anywhere in a value, and an answer may be built from the input', async () => {
      const kernel = await start([files]);
      const { source } = counter(4);
      const { items, note } = (await kernel.commands.execute('test.files:nested', {
        items: source,
      })) as { items: AsyncIterable<number>; note: string };
      expect(note).toBe('inside');
      const all: number[] = [];
      for await (const item of items) all.push(item);
      expect(all).toEqual([0, 1, 2, 3]);
    });

    it('bytes arrive as a ReadableStream', async () => {
      const kernel = await start([files]);
      const answer = await kernel.client(Files).read({ pieces: 30 });
      expect(answer).toBeInstanceOf(ReadableStream);
      expect((await new Response(answer).arrayBuffer()).byteLength).toBe(30_000);
    });

    it('pass from plugin to plugin with the same back-pressure', async () => {
      const reader = pluginOf(
        'test.reader',
        `ctx.commands.handle('first', async (count) => { const lines = []; for await (const line of await ctx.commands.execute('test.files:lines', { count: 100_000 })) { lines.push(line); if (lines.length === count) break; } return lines; });`,
        { permissions: { commands: { execute: ['test.files:*'] } } },
      );
      const kernel = await start([files, reader]);
      expect(await kernel.commands.execute('test.reader:first', 3)).toEqual([
        'line 0',
        'line 1',
        'line 2',
      ]);
      await expect.poll(async () => (await state(kernel)).closed, { interval: 1 }).toBe(1);
      expect((await state(kernel)).made).toBeLessThanOrEqual(80);
    });

    it('stopping the provider ends its streams with a typed error, stopping the reader stops the source', async () => {
      const kernel = await start([files]);
      const source = (await kernel.commands.execute('test.files:lines', {
        count: 1_000_000,
      })) as AsyncIterable<unknown>;
      const reading = rejection(
        (async () => {
          let read = 0;
          for await (const _ of source)
            if (++read === 3) void kernel.plugins.deactivate('test.files');
        })(),
      );
      expect((await reading).code).toBe('plugin/unavailable');
      await kernel.plugins.activate('test.files');
      const { source: endless, released } = counter();
      void kernel.commands.execute('test.files:size', endless).catch(() => {});
      await expect.poll(() => kernel.plugins.get('test.files')?.state).toBe('active');
      await kernel.plugins.deactivate('test.files', { drain: 100 });
      await released;
    });

    it('an endless stream leaves timers their turn', async () => {
      const kernel = await start([files]);
      const { source, released } = counter();
      void kernel.commands.execute('test.files:size', source).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 1));
      await kernel.plugins.deactivate('test.files', { drain: 0 });
      await released;
    });

    it('aborting the call that created it stops a stream', async () => {
      const kernel = await start([files]);
      const controller = new AbortController();
      const source = await kernel
        .client(Files)
        .lines({ count: 1_000_000 }, { signal: controller.signal });
      const reading = rejection(
        (async () => {
          for await (const _ of source) controller.abort();
        })(),
      );
      expect((await reading).code).toBe('call/cancelled');
      await expect.poll(async () => (await state(kernel)).closed, { interval: 1 }).toBe(1);
    });

    it('events, hooks and storage carry no streams', async () => {
      const kernel = await start([files]);
      await kernel.events.emit('test:noted', 1);
      const keeper = pluginOf(
        'test.keeper',
        `ctx.commands.handle('keep', () => ctx.storage.set('a', (async function* () {})()));`,
        {
          permissions: { storage: { read: true, write: true } },
        },
      );
      const other = await start([keeper]);
      expect((await rejection(other.commands.execute('test.keeper:keep'))).code).toBe(
        'value/invalid',
      );
    });
  });

  describe(`${name}: transfers`, () => {
    it('marked buffers move to the plugin, others are copied', async () => {
      const kernel = await start([files]);
      const moved = new ArrayBuffer(1_000);
      new Uint8Array(moved)[0] = 9;
      const call = kernel.commands.execute('test.files:take', transfer({ data: moved }, [moved]));
      expect(moved.byteLength).toBe(0);
      expect(await call).toEqual({ size: 1_000, first: 9 });
      const copied = new ArrayBuffer(1_000);
      expect(await kernel.commands.execute('test.files:take', { data: copied })).toEqual({
        size: 1_000,
        first: 0,
      });
      expect(copied.byteLength).toBe(1_000);
    });

    it('a buffer that is not part of the value, or was moved before, fails its own call only', async () => {
      const kernel = await start([files]);
      const stray = new ArrayBuffer(8);
      const data = new ArrayBuffer(8);
      expect(() => transfer({ data }, [stray])).toThrow('not part of the value');
      const view = new Uint8Array(data, 2, 3);
      expect(
        (
          await rejection(
            kernel.commands.execute('test.files:take', transfer({ data: view }, [data])),
          )
        ).code,
      ).toBe('value/invalid');
      expect([stray.byteLength, data.byteLength]).toEqual([8, 8]);
      await kernel.commands.execute('test.files:take', transfer({ data }, [data]));
      const [again, neighbour] = await Promise.allSettled([
        kernel.commands.execute('test.files:take', transfer({ data }, [data])),
        kernel.commands.execute('test.files:take', { data: new ArrayBuffer(4) }),
      ]);
      expect(again).toMatchObject({ status: 'rejected', reason: { code: 'value/invalid' } });
      expect(neighbour).toMatchObject({ status: 'fulfilled', value: { size: 4 } });
      expect(() => transfer({ data: 1 }, ['no' as never])).toThrow('only an ArrayBuffer');
    });

    it('plugins can mark what they send too', async () => {
      const kernel = await start([
        files,
        pluginOf(
          'test.sender',
          `ctx.commands.handle('send', async () => { const data = new Uint8Array([5, 6]).buffer; const value = { data }; Object.defineProperty(value, Symbol.for('plinth.transfer'), { value: [data], configurable: true }); const answer = await ctx.commands.execute('test.files:take', value); return { answer, left: data.byteLength }; });`,
          { permissions: { commands: { execute: ['test.files:*'] } } },
        ),
      ]);
      expect(await kernel.commands.execute('test.sender:send')).toEqual({
        answer: { size: 2, first: 5 },
        left: 0,
      });
    });
  });

  describe(`${name}: unusual values`, () => {
    const echo = pluginOf('test.echo', `ctx.commands.handle('echo', (value) => value);`);
    const state = (n: number) => ({ name: 'x', inner: { n } });

    it('a Proxy, or a getter with changing answers, fails at most its own call', async () => {
      const kernel = await start([echo]);
      let flip = 0;
      const strange = [
        () => new Proxy(state(1), {}),
        () =>
          new Proxy(Object.fromEntries(Array.from({ length: 13 }, (_, n) => [`g${n}`, { n }])), {}),
        () => ({
          get a() {
            flip += 1;
            return flip % 2 === 0 ? { deep: 1 } : 1;
          },
          b: { n: 1 },
        }),
      ];
      for (let round = 0; round < 8; round++) {
        for (const make of strange) {
          const outcome = await kernel.commands
            .execute('test.echo:echo', make(), { timeout: 20_000 })
            .catch((error) => error.code);
          expect(typeof outcome === 'object' || outcome === 'value/invalid').toBe(true);
        }
        expect(await kernel.commands.execute('test.echo:echo', state(round))).toEqual(state(round));
      }
    });

    it('changes after a send are not transferred', async () => {
      const kernel = await start([echo]);
      const list = [1, 2, 3];
      const map = new Map([['a', { n: 1 }]]);
      const answers = Promise.all([
        kernel.commands.execute('test.echo:echo', list),
        kernel.commands.execute('test.echo:echo', map),
      ]);
      list.push(4);
      map.set('b', { n: 2 });
      expect(await answers).toEqual([[1, 2, 3], new Map([['a', { n: 1 }]])]);
    });

    it('middleware may keep an answer: its buffers stay in place', async () => {
      const kernel = await start([
        pluginOf(
          'test.bytes',
          `ctx.commands.handle('get', () => ({ bytes: new Uint8Array([1, 2, 3]) }));`,
        ),
        pluginOf(
          'test.asker',
          `ctx.commands.handle('ask', () => ctx.commands.execute('test.bytes:get'));`,
          { permissions: { commands: { execute: ['test.bytes:*'] } } },
        ),
      ]);
      let kept: unknown;
      kernel.middleware.use('command:test.bytes:*', async (_, next) => {
        kept ??= await next();
        return kept;
      });
      for (let n = 0; n < 3; n++)
        expect(await kernel.commands.execute('test.asker:ask')).toEqual({
          bytes: new Uint8Array([1, 2, 3]),
        });
    });

    it('an event that was marked to move reaches every listener', async () => {
      const listener = (id: string) =>
        pluginOf(
          id,
          `const sizes = []; ctx.events.on('test:data', ({ payload }) => sizes.push(payload.byteLength)); ctx.commands.handle('sizes', () => sizes);`,
          {
            permissions: { events: { subscribe: ['test:*'] } },
          },
        );
      const kernel = await start([listener('test.one'), listener('test.two')]);
      const data = new ArrayBuffer(8);
      await kernel.events.emit('test:data', transfer(data, [data]));
      expect(
        await Promise.all(
          ['test.one', 'test.two'].map((id) => kernel.commands.execute(`${id}:sizes`)),
        ),
      ).toEqual([[8], [8]]);
    });

    it('stop() settles what waits in the host too', async () => {
      const kernel = await start([echo]);
      kernel.commands.handle('hang', () => new Promise(() => {}));
      const hanging = rejection(kernel.commands.execute('host:hang'));
      await kernel.stop();
      expect((await hanging).code).toBe('kernel/stopped');
    });
  });

  describe(`${name}: order and queues`, () => {
    const recorder = pluginOf(
      'test.recorder',
      `const seen = [];
       ctx.events.on('test:*', ({ topic, payload }) => { seen.push(topic + ' ' + payload); });
       ctx.commands.handle('note', (n) => { seen.push('note ' + n); });
       ctx.commands.handle('seen', () => seen);`,
      { permissions: { events: { subscribe: ['test:*'] } } },
    );

    it('calls and events of one sender arrive in the order sent', async () => {
      const kernel = await start([recorder]);
      const sent: string[] = [];
      const waiting: Promise<unknown>[] = [];
      for (let n = 0; n < 3_000; n++) {
        if (n % 3 === 0) {
          sent.push(`test:a ${n}`);
          waiting.push(kernel.events.emit('test:a', n));
        } else {
          sent.push(`note ${n}`);
          waiting.push(kernel.commands.execute('test.recorder:note', n));
        }
        if (n % 500 === 0) await Promise.all(waiting);
      }
      await Promise.all(waiting);
      expect(await kernel.commands.execute('test.recorder:seen')).toEqual(sent);
    });

    it('events between plugins carry their topic and source, for any payload, to many at once', async () => {
      const kernel = await start([
        recorder,
        pluginOf(
          'test.second',
          `const seen = []; ctx.events.on('test:*', (event) => { seen.push(event); }); ctx.commands.handle('seen', () => seen);`,
          {
            permissions: { events: { subscribe: ['test:*'] } },
          },
        ),
      ]);
      const payloads = [
        1,
        'text',
        { a: 1, b: { c: 'ü\u2028"' } },
        [1, [2]],
        null,
        undefined,
        new Date(5),
        -0,
        Number.NaN,
        { when: undefined },
      ];
      for (const payload of payloads) await kernel.events.emit('test:any', payload);
      const seen = (await kernel.commands.execute('test.second:seen')) as {
        topic: string;
        source: string;
        payload: unknown;
      }[];
      expect(seen.map(({ payload }) => payload)).toEqual(payloads);
      expect(Object.is(seen[7]?.payload, -0)).toBe(true);
      expect(seen.every(({ topic, source }) => topic === 'test:any' && source === 'host')).toBe(
        true,
      );
    });
  });

  if (setting.isolation !== 'inline') {
    describe(`${name}: slow listeners`, () => {
      /**
       * Blocks its thread until told to continue, so that everything sent in between has to wait.
       */
      const slow = (options: string) =>
        pluginOf(
          'test.slow',
          `const seen = [];
           ctx.events.on('test:tick', async ({ payload }) => { if (payload === 'hold') { await ctx.events.emit('holds'); await new Promise((sent) => setTimeout(sent, 0)); const end = Date.now() + 250; while (Date.now() < end); } else seen.push(payload); }, ${options});
           ctx.commands.handle('seen', () => seen);`,
          { permissions: { events: { subscribe: ['test:*'] } } },
        );
      // More than the wire lets be in flight, so that the queue decides.
      const TICKS = 3_000;
      const flood = async (options: string) => {
        const kernel = await start([slow(options)]);
        const holds = nextEvent(kernel, 'test.slow:holds');
        await kernel.events.emit('test:tick', 'hold');
        await holds;
        const dropped = nextEvent<{ plugin: string; overflow: string }>(kernel, 'event:dropped');
        const emitted = Promise.all(
          Array.from({ length: TICKS }, (_, n) => kernel.events.emit('test:tick', n)),
        );
        return {
          kernel,
          dropped,
          emitted,
          seen: async () => (await kernel.commands.execute('test.slow:seen')) as number[],
        };
      };

      it('drop-oldest keeps the newest', async () => {
        const { kernel, dropped, seen } = await flood(`{ overflow: 'drop-oldest', queue: 10 }`);
        expect(await dropped).toMatchObject({ plugin: 'test.slow', overflow: 'drop-oldest' });
        const all = await seen();
        expect(all.slice(-10)).toEqual(Array.from({ length: 10 }, (_, n) => TICKS - 10 + n));
        expect(all.length).toBeLessThan(TICKS);
        expect(kernel.metrics.snapshot().droppedDeliveries).toBe(TICKS - all.length);
      });

      it('drops are reported once per burst, with their number', async () => {
        const kernel = await start([slow(`{ queue: 10 }`)]);
        const told: number[] = [];
        kernel.events.on('event:dropped', ({ payload }) => told.push(payload.dropped));
        const lines: string[] = [];
        kernel.events.on(
          'log:written',
          ({ payload }) => /^dropped/.test(payload.message) && lines.push(payload.message),
        );
        await kernel.events.emit('test:tick', 'hold');
        await Promise.all(
          Array.from({ length: TICKS }, (_, n) => kernel.events.emit('test:tick', n)),
        );
        await expect.poll(() => told.length).toBeGreaterThan(0);
        await kernel.commands.execute('test.slow:seen');
        const { droppedDeliveries } = kernel.metrics.snapshot();
        expect([told, lines.length]).toEqual([[droppedDeliveries], 1]);
        expect(lines[0]).toMatch(
          /^dropped \d+ events for test.slow: its listener of test:tick is too slow/,
        );
      });

      it.each([
        [10, 1_000],
        [100, 100],
      ])(
        '%d listeners of one guest each get %d events that were emitted at once',
        async (listeners, events) => {
          const many = pluginOf(
            'test.many',
            `let heard = 0; for (let n = 0; n < ${listeners}; n++) ctx.events.on('test:tick', () => { heard += 1; }); ctx.commands.handle('heard', () => heard);`,
            { permissions: { events: { subscribe: ['test:*'] } } },
          );
          const kernel = await start([many]);
          await Promise.all(
            Array.from({ length: events }, (_, n) => kernel.events.emit('test:tick', n)),
          );
          expect(await kernel.commands.execute('test.many:heard')).toBe(listeners * events);
          expect(kernel.metrics.snapshot().droppedDeliveries).toBe(0);
        },
      );

      it('drop-newest keeps the oldest', async () => {
        const { kernel, dropped, seen } = await flood(`{ overflow: 'drop-newest', queue: 10 }`);
        expect(await dropped).toMatchObject({ plugin: 'test.slow', overflow: 'drop-newest' });
        const all = await seen();
        expect(all).toEqual(Array.from({ length: all.length }, (_, n) => n));
        expect(kernel.metrics.snapshot().droppedDeliveries).toBe(TICKS - all.length);
      });

      it('latest keeps one', async () => {
        const { seen } = await flood(`{ overflow: 'latest' }`);
        const all = await seen();
        expect(all.at(-1)).toBe(TICKS - 1);
        expect(all.length).toBeLessThan(TICKS);
      });

      it('block makes emitters wait and loses nothing', async () => {
        const { kernel, emitted, seen } = await flood(`{ overflow: 'block', queue: 10 }`);
        let over = false;
        void emitted.then(() => {
          over = true;
        });
        await Promise.resolve();
        expect(over).toBe(false);
        await emitted;
        expect(await seen()).toEqual(Array.from({ length: TICKS }, (_, n) => n));
        expect(kernel.metrics.snapshot().droppedDeliveries).toBe(0);
      });

      it('a blocked emitter gets an error for what cannot cross, and its later changes are not sent', async () => {
        const { kernel, emitted } = await flood(`{ overflow: 'block', queue: 1 }`);
        const payload = { text: 'as sent' };
        const bad = kernel.events.emit('test:tick', { f() {} });
        const good = kernel.events.emit('test:tick', payload);
        payload.text = 'changed';
        await Promise.all([emitted, good, bad.catch(() => {})]);
        const seen = await kernel.commands.execute('test.slow:seen');
        expect((seen as unknown[]).at(-1)).toEqual({ text: 'as sent' });
      });

      it('calls cancelled while they waited free their places and their buffers', async () => {
        const kernel = await start([
          pluginOf(
            'test.busy',
            `ctx.commands.handle('hold', () => { const end = Date.now() + 400; while (Date.now() < end); }); ctx.commands.handle('ping', (n) => n.n);`,
          ),
        ]);
        void kernel.commands.execute('test.busy:hold');
        const given = await Promise.allSettled(
          Array.from({ length: 9_000 }, (_, n) =>
            kernel.commands.execute('test.busy:ping', { n }, { timeout: 10 }),
          ),
        );
        const gaveUp = given.flatMap((one) =>
          one.status === 'rejected' ? [(one.reason as { code: string }).code] : [],
        );
        // On a slow machine the provider is free again before all of them were made.
        expect(gaveUp.length).toBeGreaterThan(1_000);
        expect(new Set(gaveUp)).toEqual(new Set(['call/timeout']));
        expect(
          await Promise.all(
            Array.from({ length: 1_000 }, (_, n) =>
              kernel.commands.execute('test.busy:ping', { n }),
            ),
          ),
        ).toEqual(Array.from({ length: 1_000 }, (_, n) => n));
      });

      it('an unknown overflow is refused', async () => {
        const kernel = await start([slow(`{ overflow: 'perhaps' }`)]);
        expect(kernel.plugins.get('test.slow')?.state).toBe('failed');
      });

      it('a call over the limit fails at once, and waiting ones are answered', async () => {
        const kernel = await start([
          pluginOf(
            'test.busy',
            `ctx.commands.handle('hold', () => { const end = Date.now() + 150; while (Date.now() < end); }); ctx.commands.handle('ping', (n) => n);`,
          ),
        ]);
        void kernel.commands.execute('test.busy:hold');
        const outcomes = await Promise.allSettled(
          Array.from({ length: 12_000 }, (_, n) => kernel.commands.execute('test.busy:ping', n)),
        );
        const refused = outcomes.flatMap((outcome) =>
          outcome.status === 'rejected' ? [outcome.reason as Error] : [],
        );
        expect(refused.length).toBeGreaterThan(1_000);
        expect(refused.every((error) => error instanceof PluginOverloadedError)).toBe(true);
        expect(
          outcomes.every((outcome, n) => outcome.status === 'rejected' || outcome.value === n),
        ).toBe(true);
      });
    });
  } else {
    it(`${name}: a command is a function call: its handler has run when execute() returns, and gets its own value`, async () => {
      const kernel = await start([
        pluginOf(
          'test.near',
          `ctx.commands.handle('touch', (value) => { globalThis.touched = value; value.n += 1; return value; });`,
        ),
      ]);
      const value = { n: 1 };
      // The first call gives the command's name and shape their numbers.
      await kernel.commands.execute('test.near:touch', value);
      const answer = kernel.commands.execute('test.near:touch', value);
      expect((globalThis as { touched?: unknown }).touched).toEqual({ n: 2 });
      expect(value).toEqual({ n: 1 });
      expect(await answer).toEqual({ n: 2 });
      delete (globalThis as { touched?: unknown }).touched;
    });
  }
}
