/** Untrusted plugins start behind a wall or not at all. */
import { createHost, runtime } from '#host';
import { expect, it } from 'vitest';
import { startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';
import { has } from './gaps.ts';

for (const isolation of ['process', 'sandbox'] as const) {
  it(`${runtime} ${isolation}: a plugin runs behind the wall; where there is none it doesn't start, and is told which is missing`, async () => {
    const kernel = await startKernel({ isolation, createHost }, [pluginOf('test.untrusted', `ctx.commands.handle('ping', () => 'pong');`)]);
    if (await has('wall')) expect(await kernel.commands.execute('test.untrusted:ping')).toBe('pong');
    else
      expect(kernel.plugins.explain('test.untrusted')).toMatchObject({
        running: false,
        error: { code: 'plugin/launch-failed', message: expect.stringContaining("'--permission'") },
      });
  });
}
