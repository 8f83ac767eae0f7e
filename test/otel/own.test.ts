/** A plugin's own spans and metrics: `telemetry(ctx)` and the contract behind it. */
import type { LogEntry, PackageInput } from '@plinth/kernel';
import { telemetry } from '@plinth/otel';
import { otel } from '@plinth/otel/host';
import { definePlugin, type PluginContext } from '@plinth/sdk';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { rejection, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';
import { metering, parentOf, tracing } from './sdk.ts';

const manifest = {
  id: 'test.shop',
  version: '1.0.0',
  main: 'plugin.js',
  engines: { plinth: '^1.0.0' },
  permissions: { commands: { execute: ['plinth.telemetry:*'] } },
};

const shop = (activate: (ctx: PluginContext) => unknown, more: object = {}): PackageInput => ({
  manifest: { ...manifest, ...more },
  plugin: definePlugin({ activate }),
});

const start = async (packages: readonly PackageInput[], log?: (entry: LogEntry) => void) => {
  const traced = tracing();
  const metered = metering();
  const kernel = await startKernel({ isolation: 'inline' }, packages, {
    extensions: [otel({ tracer: traced.tracer, meter: metered.meter })],
    ...(log && { telemetry: { log } }),
  });
  return { kernel, ...traced, ...metered };
};

describe(`${runtime}: a plugin's own telemetry`, () => {
  it('has spans inside of its call, with times, attributes and errors', async () => {
    const { kernel, span } = await start([
      shop((ctx) => {
        const own = telemetry(ctx);
        ctx.commands.handle('order', async (_, call) => {
          await own
            .span(
              'price',
              async (outer) => {
                outer.set('items', 3);
                await outer.span('tax', async () => {
                  throw Object.assign(new Error('no rate'), { code: 'shop/no-rate' });
                });
              },
              { call, attributes: { kind: 'book', 'plugin.id': 'forged' } },
            )
            .catch(() => {});
          await own.flush();
        });
      }),
    ]);
    await kernel.commands.execute('test.shop:order');
    const [call, price, tax] = [
      await span('test.shop:order'),
      await span('price'),
      await span('tax'),
    ];
    expect([price, tax].map(parentOf)).toEqual([
      call.spanContext().spanId,
      price.spanContext().spanId,
    ]);
    // The host says whose it is.
    expect(price.attributes).toEqual({
      'plugin.tenant': 'tenant-0',
      'plugin.id': 'test.shop',
      kind: 'book',
      items: 3,
      'error.type': 'shop/no-rate',
    });
    expect(tax.attributes['error.type']).toBe('shop/no-rate');
    const time = ([seconds, nanos]: readonly [number, number]) => seconds * 1_000 + nanos / 1e6;
    // Both clocks tick in milliseconds at worst.
    expect(time(price.startTime)).toBeGreaterThanOrEqual(time(call.startTime) - 2);
    expect(time(price.endTime)).toBeGreaterThanOrEqual(time(tax.endTime));
    expect(time(price.endTime)).toBeLessThanOrEqual(time(call.endTime) + 2);
  });

  it('has counters and histograms under its name', async () => {
    const { kernel, points } = await start([
      shop((ctx) => {
        const { counter, histogram, flush } = telemetry(ctx);
        const orders = counter('orders', '{order}');
        ctx.commands.handle('order', async () => {
          orders.add(1, { kind: 'book' });
          orders.add(2, { kind: 'book' });
          orders.add(-1);
          histogram('size', 'By').record(10);
          histogram('size', 'By').record(Number.NaN);
          histogram('not a name').record(1);
          await flush();
        });
      }),
    ]);
    await kernel.commands.execute('test.shop:order');
    expect(await points('test.shop.orders')).toMatchObject([
      { value: 3, attributes: { kind: 'book', 'plugin.id': 'test.shop' } },
    ]);
    expect(await points('test.shop.size')).toMatchObject([{ value: { count: 1, sum: 10 } }]);
  });

  it('is sent when the plugin stops', async () => {
    const { kernel, points } = await start([
      shop((ctx) => {
        const orders = telemetry(ctx).counter('orders');
        ctx.commands.handle('order', () => orders.add());
      }),
    ]);
    await kernel.commands.execute('test.shop:order');
    await kernel.plugins.deactivate('test.shop');
    expect(await points('test.shop.orders')).toMatchObject([{ value: 1 }]);
  });

  it('keeps a bounded number of series of a plugin', async () => {
    const { kernel, points } = await start([
      shop((ctx) => {
        const { counter, flush } = telemetry(ctx);
        ctx.commands.handle('order', async () => {
          for (let n = 0; n < 150; n++) counter('orders').add(1, { n });
          await flush();
        });
      }),
    ]);
    await kernel.commands.execute('test.shop:order');
    const all = await points('test.shop.orders');
    expect(all).toHaveLength(101);
    expect(all.at(-1)).toMatchObject({ value: 50, attributes: { 'otel.metric.overflow': true } });
  });

  it('works without the extension and without the right, which is told once', async () => {
    const counting = (ctx: PluginContext) => {
      const { counter, span, flush } = telemetry(ctx);
      ctx.commands.handle('order', async () => {
        for (let n = 0; n < 3; n++) {
          counter('orders').add();
          await flush();
        }
        return span('inner', () => 7);
      });
    };
    const without = await startKernel({ isolation: 'inline' }, [shop(counting)]);
    expect(await without.commands.execute('test.shop:order')).toBe(7);
    const lines: LogEntry[] = [];
    const { kernel } = await start([shop(counting, { permissions: {} })], (entry) => {
      lines.push(entry);
    });
    expect(await kernel.commands.execute('test.shop:order')).toBe(7);
    expect(lines.filter(({ message }) => message.includes('telemetry was not'))).toHaveLength(1);
  });

  it('sends nothing while nothing records', async () => {
    const kernel = await startKernel(
      { isolation: 'inline' },
      [
        shop((ctx) => {
          const { counter, flush } = telemetry(ctx);
          ctx.commands.handle('order', async () => {
            counter('orders').add();
            await flush();
          });
        }),
      ],
      { extensions: [otel({ tracer: false, meter: false })] },
    );
    const sent = () => kernel.metrics.snapshot().commands['plinth.telemetry:record']?.calls;
    for (let n = 0; n < 3; n++) await kernel.commands.execute('test.shop:order');
    expect(sent()).toBe(1);
  });

  it.each([
    ['a text', 'spans'],
    [{ spans: [{}] }, 'spans[0].name'],
    [{ spans: [{ name: 'a', ago: -1, took: 0 }] }, 'spans[0].ago'],
    [{ spans: [{ name: 'a', ago: 0, took: Number.POSITIVE_INFINITY }] }, 'spans[0].took'],
    [{ spans: [{ name: 'a', ago: 0, took: 0, within: 0 }] }, 'spans[0].within'],
    [{ spans: [{ name: 'a'.repeat(65), ago: 0, took: 0 }] }, 'spans[0].name'],
    [{ spans: Array.from({ length: 65 }, () => ({ name: 'a', ago: 0, took: 0 })) }, 'spans'],
    [{ spans: [{ name: 'a', ago: 0, took: 0, attributes: { a: [] } }] }, 'attributes.a'],
    [{ metrics: [{ kind: 'gauge', name: 'a' }] }, 'metrics[0].kind'],
    [{ metrics: [{ kind: 'counter', name: 'a b', points: [] }] }, 'metrics[0].name'],
    [{ metrics: [{ kind: 'counter', name: 'a', points: [{ value: -1 }] }] }, 'points[0].value'],
  ])('is refused when it is malformed: %j', async (report, part) => {
    const raw = pluginOf(
      'test.raw',
      "ctx.commands.handle('send', (report) => ctx.commands.execute('plinth.telemetry:record', report));",
      { permissions: manifest.permissions },
    );
    const { tracer } = tracing();
    const kernel = await startKernel({ isolation: 'worker', createHost }, [raw], {
      extensions: [otel({ tracer })],
    });
    const error = await rejection(kernel.commands.execute('test.raw:send', report));
    expect(error.code).toBe('call/invalid-input');
    expect(error.message).toContain(part === 'spans' && report === 'a text' ? 'report' : part);
  });

  it('is cut off when a plugin reports too much, and the host goes on', async () => {
    const raw = pluginOf(
      'test.flood',
      `const span = { name: 'flood', ago: 0, took: 1 };
       ctx.commands.handle('flood', async () => {
         let dropped = 0;
         for (let n = 0; n < 100; n++) dropped += (await ctx.commands.execute('plinth.telemetry:record', { spans: Array(64).fill(0).map(() => ({ ...span })) })).dropped;
         return dropped;
       });`,
      { permissions: manifest.permissions },
    );
    const { tracer, spans } = tracing();
    const kernel = await startKernel({ isolation: 'worker', createHost }, [raw], {
      extensions: [otel({ tracer })],
    });
    const dropped = (await kernel.commands.execute('test.flood:flood')) as number;
    const made = spans().filter(({ name }) => name === 'flood').length;
    expect(dropped + made).toBe(6_400);
    expect(dropped).toBeGreaterThan(1_000);
  });

  it('goes to the host, whatever a plugin provides', async () => {
    const rival = pluginOf(
      'test.rival',
      "ctx.commands.handle('plinth.telemetry:record', () => 'taken');",
      {
        provides: ['plinth.telemetry@1'],
        permissions: { contracts: { provide: ['plinth.telemetry'] } },
      },
    );
    const { tracer } = tracing();
    const kernel = await startKernel({ isolation: 'worker', createHost }, [rival], {
      extensions: [otel({ tracer })],
    });
    expect(await kernel.commands.execute('plinth.telemetry:record', {})).toMatchObject({
      dropped: 0,
    });
  });
});
