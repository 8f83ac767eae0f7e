/** `telemetry(ctx)` in a bundle, as an author ships it, in workers and behind walls. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeHost } from '@plinth/host-node';
import { otel } from '@plinth/otel/host';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildPlugin } from '../../scripts/build-plugins.ts';
import { startKernel } from '../support/kernels.ts';
import { bundleOf } from '../support/plugins.ts';
import { metering, parentOf, tracing } from './sdk.ts';

const SOURCE = `import { definePlugin } from '@plinth/sdk';
import { telemetry } from '@plinth/otel';
export default definePlugin({
  activate(ctx) {
    const own = telemetry(ctx);
    const orders = own.counter('orders');
    ctx.commands.handle('order', async (_, call) => {
      await null;
      const price = own.span('price', () => { orders.add(); return 42; }, { call });
      await own.flush();
      return price;
    });
  },
});
`;

let folder: string;
let code: string;
beforeAll(async () => {
  folder = mkdtempSync(join(fileURLToPath(new URL('.', import.meta.url)), '.own-'));
  mkdirSync(join(folder, 'src'));
  writeFileSync(join(folder, 'src/index.ts'), SOURCE);
  writeFileSync(join(folder, 'plugin.json'), '{}');
  await buildPlugin(folder, join(folder, 'out'));
  code = readFileSync(join(folder, 'out/plugin.js'), 'utf8');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('brings nothing of OpenTelemetry into the bundle', () => {
  expect(code).not.toContain('opentelemetry');
  expect(code.length).toBeLessThan(12_000);
});

it.each(['worker', 'process', 'sandbox'] as const)('works in isolation %s', async (isolation) => {
  const { tracer, span } = tracing();
  const { meter, points } = metering();
  const shop = bundleOf('test.shop', code, {
    permissions: { commands: { execute: ['plinth.telemetry:*'] } },
  });
  const kernel = await startKernel({ isolation, createHost: nodeHost }, [shop], {
    extensions: [otel({ tracer, meter })],
  });
  expect(await kernel.commands.execute('test.shop:order')).toBe(42);
  expect(parentOf(await span('price'))).toBe((await span('test.shop:order')).spanContext().spanId);
  expect(await points('test.shop.orders')).toMatchObject([{ value: 1 }]);
});
