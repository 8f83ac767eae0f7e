/** `kernel.open()`: plugins are known, and none runs. */
import { createKernel, memoryStorage, packageSource } from '@plinth/kernel';
import { defineExtension } from '@plinth/kernel/extension';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { keep, rejection } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';
import { outliving } from '../support/storages.ts';

const VERSION = `ctx.commands.handle('version', () => ctx.plugin.version);`;

const make = async (storage = memoryStorage()) =>
  keep(
    await createKernel({
      host: createHost(),
      isolation: 'worker',
      telemetry: { log: false },
      storage,
      sources: [packageSource([pluginOf('test.a', VERSION), pluginOf('test.b', VERSION)])],
    }),
  );

describe(`${runtime}: a kernel that was opened`, () => {
  it('lists its plugins, keeps decisions about them, and starts none until start()', async () => {
    const storage = outliving(memoryStorage());
    const kernel = await make(storage);
    const activated: string[] = [];
    kernel.events.on('plugin:activated', ({ payload }) => activated.push(payload.id));
    await Promise.all([kernel.open(), kernel.open()]);
    expect(kernel.plugins.list().map(({ id }) => id)).toEqual(['test.a', 'test.b']);
    await kernel.plugins.disable('test.b');
    expect(activated).toEqual([]);
    await kernel.start();
    expect(activated).toEqual(['test.a']);
    expect(await kernel.commands.execute('test.a:version')).toBe('1.0.0');
    await kernel.stop();
    const next = await make(storage);
    await next.open();
    expect(next.plugins.get('test.b')).toMatchObject({ enabled: false });
  });

  it('is as usual for a call after start(), which need not be awaited', async () => {
    const kernel = await make();
    await kernel.open();
    const started = kernel.start();
    expect(await kernel.commands.execute('test.a:version')).toBe('1.0.0');
    await started;
  });

  it('stops without having started, and then opens no more', async () => {
    const kernel = await make();
    await kernel.open();
    await kernel.stop();
    expect((await rejection(kernel.open())).code).toBe('kernel/stopped');
    expect((await rejection(kernel.start())).code).toBe('kernel/stopped');
  });

  it('ends its extensions once they have opened, and looks for no plugins, when it is stopped meanwhile', async () => {
    const steps: string[] = [];
    const opening = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const slow = defineExtension({ name: 'slow', uses: [] }, () => ({
      install({ on, own }) {
        on('open', async () => {
          opening.resolve();
          await gate.promise;
          steps.push('opened');
        });
        own(() => void steps.push('ended'));
      },
    }));
    const silent = { next: () => new Promise<never>(() => {}) };
    const kernel = keep(
      await createKernel({
        telemetry: { log: false },
        extensions: [slow()],
        limits: { discover: 600_000 },
        sources: [{ discover: () => ({ [Symbol.asyncIterator]: () => silent }) }],
      }),
    );
    const opened = kernel.open();
    await opening.promise;
    const stopped = kernel.stop();
    // What stops in the next turns would be over.
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
    gate.resolve();
    await Promise.all([opened, stopped]);
    expect(steps).toEqual(['opened', 'ended']);
  });

  it('opens a tenant by itself', async () => {
    const kernel = await make();
    await kernel.open();
    const acme = kernel.tenant('acme');
    await acme.open();
    expect(acme.plugins.list().map(({ state }) => state)).not.toContain('active');
    await kernel.start();
    expect(acme.plugins.list().map(({ state }) => state)).toEqual(['active', 'active']);
  });
});
