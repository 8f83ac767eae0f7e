/** `/health/ready`: whether the application should get requests. */
import { http } from '@plinth/http/host';
import { defineExtension, type ExtensionHealth } from '@plinth/kernel/extension';
import { expect, it } from 'vitest';
import { createHost } from '#host';
import { startKernel } from '../support/kernels.ts';
import { BASE } from './serve.ts';

it('is 200 while no extension is unhealthy, and says nothing of the reason', async () => {
  let [asked, health]: [number, () => ExtensionHealth | Promise<ExtensionHealth>] = [
    0,
    () => 'healthy',
  ];
  const one = defineExtension({ name: 'one', uses: ['events'] }, () => ({
    install: (port) =>
      port.inspect({
        health: () => {
          asked += 1;
          return health();
        },
      }),
  }));
  const kernel = await startKernel({ isolation: 'worker', createHost }, [], {
    extensions: [one(), http()],
  });
  const { fetch } = kernel.extension(http);
  const ready = async () => {
    const response = await fetch(new Request(`${BASE}/health/ready`));
    return [response.status, await response.json()];
  };
  expect(await ready()).toEqual([200, { status: 'ready' }]);
  health = () => 'degraded';
  expect(await ready()).toEqual([200, { status: 'ready' }]);
  health = () => {
    throw new Error('secret');
  };
  expect(await ready()).toEqual([503, { status: 'not ready' }]);
  // Those that ask at the same time share one answer.
  const gate = Promise.withResolvers<ExtensionHealth>();
  health = () => gate.promise;
  asked = 0;
  const both = [ready(), ready()];
  await expect.poll(() => asked).toBe(1);
  gate.resolve('healthy');
  for (const [status] of await Promise.all(both)) expect(status).toBe(200);
  expect(asked).toBe(1);
});
