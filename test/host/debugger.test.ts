/** A guest that stands at a breakpoint is not ended for being silent or slow. */

import { describe, expect, it } from 'vitest';
import { createHost } from '#host';
import { rejection, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const supervision = { heartbeat: 100, timeout: 500, restart: false };
/** Like a breakpoint: nothing in the thread runs meanwhile. */
const HOLD =
  'const hold = (ms) => { for (const end = performance.now() + ms; performance.now() < end; ); };';
const held = pluginOf(
  'test.held',
  `${HOLD} ctx.commands.handle('hold', (ms) => { hold(ms); return 'went on'; });`,
);
const slow = pluginOf(
  'test.slow',
  `${HOLD} hold(2_000); ctx.commands.handle('ping', () => 'pong');`,
);

describe('a debugger', () => {
  it('prevents guests from being ended for silence, and from failing because they start slowly', async () => {
    const kernel = await startKernel(
      { isolation: 'worker', createHost: () => createHost({ debug: true }) },
      [held, slow],
      { supervision, limits: { activate: 1_000 } },
    );
    expect(await kernel.commands.execute('test.slow:ping')).toBe('pong');
    expect(await kernel.commands.execute('test.held:hold', 1_500)).toBe('went on');
  });

  it('is necessary for that: without one they are ended', async () => {
    const kernel = await startKernel(
      { isolation: 'worker', createHost: () => createHost({ debug: false }) },
      [held, slow],
      { supervision, limits: { activate: 1_000 } },
    );
    expect(kernel.plugins.explain('test.slow')).toMatchObject({ state: 'failed' });
    expect(await rejection(kernel.commands.execute('test.held:hold', 20_000))).toMatchObject({
      code: 'guest/unresponsive',
    });
  });
});
