/** The clock ticks, changes its interval while it runs, and stops completely. */

import type { Kernel } from '@plinth/kernel';
import { openView } from '@plinth/ui/testing';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { nextEvent, startBuilt, startDemo } from '../../testing/demo-kernel.ts';
import { Clock } from './src/contract.ts';

let kernel: Kernel;
const ticked = (ticks: number) =>
  nextEvent<{ ticks: number }>(kernel, 'demo.clock:tick', (payload) => payload.ticks >= ticks);

beforeEach(async () => {
  kernel = await startDemo(['clock'], { config: { user: { 'demo.clock': { interval: 10 } } } });
});

afterEach(() => kernel.stop());

test('it ticks at its interval', async () => {
  await ticked(3);
  expect(await kernel.client(Clock).now()).toMatchObject({
    interval: 10,
    ticks: expect.any(Number),
  });
});

test('a changed interval takes effect at once', async () => {
  await kernel.config.set('demo.clock', { interval: 3_600_000 });
  const { ticks, interval } = await kernel.client(Clock).now();
  expect(interval).toBe(3_600_000);
  const next = ticked(ticks + 1);
  await kernel.config.set('demo.clock', { interval: 10 });
  await next;
});

test('an invalid interval is refused and changes nothing', async () => {
  await expect(kernel.config.set('demo.clock', { interval: 1 })).rejects.toMatchObject({
    code: 'config/invalid',
  });
  expect(await kernel.client(Clock).now()).toMatchObject({ interval: 10 });
  expect(kernel.config.get('demo.clock')).toEqual({ interval: 10 });
});

test('it pauses on suspend and continues on resume', async () => {
  await ticked(1);
  await kernel.plugins.suspend('demo.clock');
  const next = ticked(1);
  await kernel.plugins.resume('demo.clock');
  await next;
});

test('its timer ends with it', async () => {
  await ticked(1);
  const clear = vi.spyOn(globalThis, 'clearInterval');
  await kernel.plugins.deactivate('demo.clock');
  expect(clear).toHaveBeenCalledOnce();
  clear.mockRestore();
});

test('it reports its health', async () => {
  expect(await kernel.plugins.health('demo.clock')).toMatchObject({
    status: 'healthy',
    details: { interval: 10 },
  });
});

test('its view ticks at a press, and a reload keeps the count', async () => {
  const config = { user: { 'demo.clock': { interval: 3_600_000 } } };
  const built = await startBuilt(['clock'], { config });
  try {
    const open = () => openView(built, { plugin: 'demo.clock', view: 'clock' });
    const view = await open();
    await view.press('Tick now');
    await view.press('Tick now');
    await view.shows('2 ticks');
    await view.close();
    await built.plugins.reload('demo.clock');
    const next = await open();
    await next.shows('2 ticks');
    await next.press('Tick now');
    await next.shows('3 ticks');
    await next.close();
  } finally {
    await built.stop();
  }
});
