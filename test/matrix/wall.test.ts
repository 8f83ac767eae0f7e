/** Untrusted plugins start behind a wall, or don't start. */

import { expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';
import { has } from './gaps.ts';

for (const isolation of ['process', 'sandbox'] as const) {
  it(`${runtime} ${isolation}: a plugin runs behind the wall; without one it doesn't start, and the error names the missing wall`, async () => {
    const kernel = await startKernel({ isolation, createHost }, [
      pluginOf('test.untrusted', `ctx.commands.handle('ping', () => 'pong');`),
    ]);
    if (await has('wall'))
      expect(await kernel.commands.execute('test.untrusted:ping')).toBe('pong');
    else
      expect(kernel.plugins.explain('test.untrusted')).toMatchObject({
        running: false,
        error: { code: 'plugin/launch-failed', message: expect.stringContaining("'--permission'") },
      });
  });
}
