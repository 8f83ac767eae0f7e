/** Node reports whether a debugger may be attached. */

import inspector from 'node:inspector';
import { nodeHost } from '@plinth/host-node';
import { expect, it } from 'vitest';
import { rejection, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

it('a guest is not ended for silence while the inspector is open, and is again once it is closed', async () => {
  const held = pluginOf(
    'test.held',
    "ctx.commands.handle('hold', (ms) => { for (const end = performance.now() + ms; performance.now() < end; ); return 'went on'; });",
  );
  const kernel = await startKernel({ isolation: 'worker', createHost: () => nodeHost() }, [held], {
    supervision: { heartbeat: 100, timeout: 500, restart: false },
  });
  inspector.open(0, '127.0.0.1');
  try {
    expect(await kernel.commands.execute('test.held:hold', 1_500)).toBe('went on');
  } finally {
    inspector.close();
  }
  expect(await rejection(kernel.commands.execute('test.held:hold', 20_000))).toMatchObject({
    code: 'guest/unresponsive',
  });
});
