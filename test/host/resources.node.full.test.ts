/** Memory and CPU: measurable only in Node. */

import type { Kernel, ResourcePolicy } from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { createHost } from '#host';
import { nextEvent, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const hungry = (id = 'test.hungry') =>
  pluginOf(
    id,
    `const kept = [];
     ctx.commands.handle('take', (bytes) => { kept.push(new Uint8Array(bytes).fill(1)); return kept.length; });
     ctx.commands.handle('work', (share) => { const turn = () => { for (const end = performance.now() + 100 * share; performance.now() < end; ); setTimeout(turn, 100 * (1 - share)); }; turn(); });
     ctx.commands.handle('ping', () => 'pong');`,
  );

interface Limited {
  readonly plugin: string;
  readonly step: string;
  readonly used: number;
}

for (const isolation of ['worker', 'process', 'sandbox'] satisfies Setting['isolation'][]) {
  const start = (resources: ResourcePolicy) =>
    startKernel({ isolation, createHost }, [hungry(), hungry('test.modest')], {
      policy: { resources },
      supervision: { backoff: 60_000 },
    });
  const steps = (kernel: Kernel) => {
    const all: Limited[] = [];
    kernel.events.on('resource:limited', ({ payload }) => void all.push(payload));
    return all;
  };

  describe(`node ${isolation}: memory and CPU`, () => {
    it('buffers count: a guest is warned, and ended beyond its limit', async () => {
      const kernel = await start({ plugins: { 'test.hungry': { memory: '100MB' } } });
      const warned = nextEvent<Limited>(kernel, 'resource:limited');
      await kernel.commands.execute('test.hungry:take', 85_000_000);
      expect(await warned).toMatchObject({
        plugin: 'test.hungry',
        resource: 'memory',
        step: 'warned',
      });
      const crashed = nextEvent<{ code: string }>(kernel, 'plugin:crashed');
      await kernel.commands.execute('test.hungry:take', 60_000_000);
      expect((await crashed).code).toBe('guest/out-of-memory');
      expect(await kernel.commands.execute('test.modest:ping')).toBe('pong');
    }, 20_000);

    it('a tenant’s plugins share a memory limit: the one that uses most is ended', async () => {
      const kernel = await start({ tenant: { memory: '150MB' } });
      const crashed = nextEvent<{ id: string; code: string }>(kernel, 'plugin:crashed');
      await kernel.commands.execute('test.modest:take', 40_000_000);
      await kernel.commands.execute('test.hungry:take', 140_000_000);
      expect(await crashed).toMatchObject({ id: 'test.hungry', code: 'guest/out-of-memory' });
    }, 20_000);

    it('a plugin above its CPU share is throttled, suspended, ended; one below it is not affected', async () => {
      // Far apart, so that both stay on their side of it where other processes use the processors.
      const kernel = await start({
        default: { cpu: 0.2 },
        patience: 1_000,
        pause: 1_500,
        pauses: 1,
      });
      const seen = steps(kernel);
      const crashed = nextEvent<{ id: string; code: string }>(kernel, 'plugin:crashed');
      await kernel.commands.execute('test.modest:work', 0.02);
      await kernel.commands.execute('test.hungry:work', 1);
      expect(await crashed).toMatchObject({ id: 'test.hungry', code: 'guest/over-limit' });
      expect(seen.filter(({ plugin }) => plugin === 'test.hungry').map(({ step }) => step)).toEqual(
        expect.arrayContaining(['throttled', 'suspended', 'ended']),
      );
      expect(seen.filter(({ plugin }) => plugin === 'test.modest')).toEqual([]);
    }, 60_000);
  });
}
