/**
 * Plugins that crash or hang are restarted with their state; those that keep failing are
 * quarantined, alone.
 */

import type { Kernel, KernelOptions } from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { nextEvent, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { CRASH, pluginOf } from '../support/plugins.ts';

const setting: Setting = { isolation: 'worker', createHost };
const quick = { backoff: 20, heartbeat: 50, timeout: 2_000, snapshot: 15 };

/** Counts, and ends or hangs on request. */
const fragile = (id: string, onActivate = '') =>
  pluginOf(
    id,
    `${onActivate}
     ctx.commands.handle('count', () => ++this.n);
     ctx.commands.handle('snapshots', () => this.snapshots);
     ${CRASH}
     ctx.commands.handle('hang', () => { for (;;); });
     ctx.commands.handle('busy', (ms) => { const end = Date.now() + ms; while (Date.now() < end); return 'done'; });`,
    {},
    `n: 0, snapshots: 0, getState() { this.snapshots += 1; return { n: this.n }; }, restoreState({ n }) { this.n = n; },`,
  );
const neighbour = pluginOf('test.neighbour', `ctx.commands.handle('ping', () => 'pong');`);
const start = (
  supervision: NonNullable<KernelOptions['supervision']> = quick,
  packages = [fragile('test.fragile'), neighbour],
) => startKernel(setting, packages, { supervision });
const crash = (kernel: Kernel) => rejection(kernel.commands.execute('test.fragile:crash'));

/** Blocks this thread. */
function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

describe(`${runtime}: supervision`, () => {
  it('restarts a crashed plugin with its state; calls made meanwhile wait for it', async () => {
    const kernel = await start();
    for (let n = 1; n <= 3; n++)
      expect(await kernel.commands.execute('test.fragile:count')).toBe(n);
    // Two snapshots later the count is in one.
    const snapshots = () => kernel.commands.execute('test.fragile:snapshots') as Promise<number>;
    const before = await snapshots();
    await expect.poll(snapshots).toBeGreaterThanOrEqual(before + 2);
    const restarted = nextEvent(kernel, 'plugin:restarted');
    const crashed = nextEvent(kernel, 'plugin:crashed');
    expect((await crash(kernel)).code).toBe('guest/crashed');
    expect(await crashed).toMatchObject({ id: 'test.fragile', code: 'guest/crashed' });
    expect(await kernel.commands.execute('test.fragile:count')).toBe(4);
    expect(await restarted).toEqual({ id: 'test.fragile', attempt: 1 });
    expect(kernel.plugins.get('test.fragile')).toMatchObject({
      state: 'active',
      activatedBy: 'restart',
    });
  });

  it('quarantines only the plugin that keeps crashing, until it is activated by name', async () => {
    // No snapshot is taken between a count and a crash, so that each guest begins at 0.
    const kernel = await start({ ...quick, timeout: 10_000, crashes: 3, snapshot: 60_000 });
    const quarantined = nextEvent(kernel, 'plugin:quarantined');
    for (let n = 0; n < 3; n++) {
      expect((await crash(kernel)).code).toBe('guest/crashed');
      expect(await kernel.commands.execute('test.neighbour:ping')).toBe('pong');
    }
    expect(await quarantined).toEqual({ id: 'test.fragile', crashes: 3, within: 60_000 });
    expect(kernel.plugins.explain('test.fragile').because).toMatch(
      /is quarantined: it crashed 3 times within 60000 ms, the last time because test\.fragile crashed: gone/,
    );
    expect(await rejection(kernel.commands.execute('test.fragile:count'))).toMatchObject({
      code: 'plugin/unavailable',
      message: expect.stringMatching(/quarantined/),
    });
    await kernel.plugins.activate('test.fragile');
    expect(await kernel.commands.execute('test.fragile:count')).toBe(1);
    expect((await crash(kernel)).code).toBe('guest/crashed');
    expect(await kernel.commands.execute('test.fragile:count')).toBe(1);
  });

  it('a restart that fails counts as a crash', async () => {
    const kernel = await start({ ...quick, crashes: 3 }, [
      fragile(
        'test.fragile',
        `if (await ctx.storage.has('crashed')) throw new Error('never again'); await ctx.storage.set('crashed', true);`,
      ),
      neighbour,
    ]);
    expect(kernel.plugins.get('test.fragile')?.state).toBe('failed');
    const stubborn = await start({ ...quick, crashes: 3 }, [
      {
        ...fragile(
          'test.fragile',
          `if (await ctx.storage.has('x')) throw new Error('never again'); await ctx.storage.set('x', 1);`,
        ),
        manifest: {
          ...fragile('test.fragile').manifest,
          permissions: { storage: { read: true, write: true } },
        },
      },
      neighbour,
    ]);
    const quarantined = nextEvent(stubborn, 'plugin:quarantined');
    await crash(stubborn);
    expect(await quarantined).toMatchObject({ id: 'test.fragile', crashes: 3 });
  });

  it('ends a hung guest, settles what waited for it, and restarts it; a busy one and the others are not affected', async () => {
    const kernel = await start();
    const crashed: unknown[] = [];
    kernel.events.on('plugin:crashed', ({ payload }) => crashed.push([payload.id, payload.code]));
    expect(await kernel.commands.execute('test.fragile:busy', 200)).toBe('done');
    const hung = rejection(kernel.commands.execute('test.fragile:hang'));
    expect(await hung).toMatchObject({ code: 'guest/unresponsive', plugin: 'test.fragile' });
    expect(await kernel.commands.execute('test.fragile:count')).toBeGreaterThan(0);
    expect(await kernel.commands.execute('test.neighbour:ping')).toBe('pong');
    expect(crashed).toEqual([['test.fragile', 'guest/unresponsive']]);
  });

  it("never blames a guest for the host's own blocked loop", async () => {
    const kernel = await start({ ...quick, timeout: 800, restart: false }, [
      fragile('test.fragile'),
      fragile('test.other'),
      neighbour,
    ]);
    const crashed: string[] = [];
    kernel.events.on('plugin:crashed', ({ payload }) => crashed.push(payload.id));
    for (let n = 0; n < 4; n++) {
      block(1_000);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    expect(await kernel.commands.execute('test.fragile:count')).toBe(1);
    // Hanging plugins are found meanwhile, so the cause was determined.
    const found = nextEvent(kernel, 'plugin:crashed');
    await rejection(kernel.commands.execute('test.other:hang'));
    await found;
    expect(crashed).toEqual(['test.other']);
  });

  it('an operation by hand takes precedence, and stop() cancels planned restarts', async () => {
    const kernel = await start({ ...quick, backoff: 200 });
    await crash(kernel);
    const waiting = rejection(kernel.commands.execute('test.fragile:count'));
    await kernel.plugins.deactivate('test.fragile');
    expect((await waiting).code).toBe('plugin/unavailable');
    await kernel.plugins.activate('test.fragile');
    await crash(kernel);
    await kernel.stop();
    // Another kernel's plugin restarts in the time in which this one's would have.
    const other = await start({ ...quick, backoff: 200 });
    const restarted = nextEvent(other, 'plugin:restarted');
    await crash(other);
    await restarted;
    expect(kernel.plugins.get('test.fragile')?.state).toBe('failed');
  });

  it('can be turned off, and refuses invalid options', async () => {
    const kernel = await start(false);
    await crash(kernel);
    const other = await start();
    const restarted = nextEvent(other, 'plugin:restarted');
    await crash(other);
    await restarted;
    expect(kernel.plugins.get('test.fragile')?.state).toBe('failed');
    for (const supervision of [
      { backoff: -1 },
      { timeout: Number.NaN },
      { patience: 5 },
      { restart: 1 },
      null,
      5,
      'on',
    ] as never[])
      expect((await rejection(start(supervision))).code).toBe('kernel/invalid-option');
  });
});
