/** An option whose value is `undefined` counts as absent, as where an application passes one on. */
import { createKernel } from '@plinth/host-node';
import type { KernelOptions } from '@plinth/kernel';
import { packageSource } from '@plinth/kernel';
import { expect, it } from 'vitest';
import { pluginOf } from '../support/plugins.ts';

it('a host that is undefined is the default one', async () => {
  const kernel = await createKernel({
    host: undefined,
    storage: undefined,
    isolation: undefined,
    supervision: undefined,
    limits: undefined,
    policy: undefined,
    config: undefined,
    sources: [packageSource([pluginOf('test.ping', `ctx.commands.handle('ping', () => 'pong');`)])],
  } as unknown as KernelOptions);
  try {
    await kernel.start();
    expect(await kernel.commands.execute('test.ping:ping')).toBe('pong');
    expect(kernel.plugins.get('test.ping')).toMatchObject({ state: 'active' });
  } finally {
    await kernel.stop();
  }
});
