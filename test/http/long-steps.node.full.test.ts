/** Steps of the admin API that take longer than a connection may be silent. */
import { http } from '@plinth/http/host';
import { expect, it } from 'vitest';
import { pluginOf } from '../support/plugins.ts';
import { serve } from './serve.ts';

it('a step that waits for calls is answered, however long they take', async () => {
  const slow = pluginOf(
    'test.slow',
    `ctx.commands.handle('sleep', () => new Promise((go) => setTimeout(() => go('slept'), 40_000)));`,
  );
  const { kernel } = await serve([slow], { limits: { timeout: 1_000 } });
  const token = 'token-of-the-operator';
  await kernel
    .extension(http)
    .admin(kernel, { tokens: { [token]: { name: 'o', role: 'operator' } } });
  const { url } = await kernel.extension(http).listen();
  const call = kernel.commands.execute('test.slow:sleep', undefined, { timeout: 60_000 });
  const answer = await fetch(`${url}/api/v1/plugins/test.slow/disable?drain=60000`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
  });
  expect([answer.status, await call]).toEqual([204, 'slept']);
  // The next request on the connection has the usual time.
  expect((await fetch(`${url}/health`)).status).toBe(200);
}, 90_000);
