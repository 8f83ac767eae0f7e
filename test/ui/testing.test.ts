/** `openView` of `@plinth/ui/testing`, and with it that a view is the same behind each wall. */
import type { Kernel } from '@plinth/kernel';
import { openView } from '@plinth/ui/testing';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { rejection, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';
import { PANEL, sending, startPanel, viewPackage } from './kernels.ts';
import plugin from './plugins/panel.ts';
import panel from './plugins/panel.ts?bundle';

const open = (kernel: Kernel) => openView(kernel, { plugin: PANEL, view: 'panel' });
const walls =
  runtime === 'node'
    ? (['inline', 'worker', 'process', 'sandbox'] as const)
    : (['inline', 'worker', 'sandbox'] as const);

describe(`${runtime}: a view`, () => {
  it.each(walls)('is the same in isolation %s', async (isolation) => {
    const { manifest } = viewPackage('');
    const packages = [isolation === 'inline' ? { manifest, plugin } : { manifest, code: panel }];
    const kernel = await startKernel({ isolation, createHost }, packages);
    const view = await open(kernel);
    expect(view.text()).toBe('Hello one count 0 Note Rows fail break wait');
    await view.press('count 0');
    await view.shows('count 1');
    await view.enter('Note', 'a note');
    await kernel.commands.execute(`${PANEL}:rows`, [5, 6]);
    await view.shows('Row 6');
    await view.press('Row 5');
    await view.shows('count 6');
    expect(view.html()).toContain('value="a note"');
    expect((await rejection(view.press('fail'))).message).toContain('handler is broken');
    await view.close();
  });

  it('says what it has instead of what is asked for', async () => {
    const view = await open(await startPanel());
    const missing = await rejection(view.press('Fly'));
    expect(missing.message).toContain("no 'Fly' that hears press: count 0, fail, break, wait");
    expect((await rejection(view.enter('Name', 'x'))).message).toContain("no 'Name'");
    const late = await rejection(view.shows('Fly', 20));
    expect([late.code, late.message]).toEqual([
      'call/timeout',
      expect.stringContaining("'Fly' did not show in 20 ms: 'Hello one"),
    ]);
    await view.close();
    await view.close();
  });

  it('rejects when it breaks, and when it is refused', async () => {
    const view = await open(await startPanel());
    const shown = view.shows('never');
    await view.press('break');
    expect((await rejection(shown)).message).toContain('render is broken');
    const kernel = await startKernel({ isolation: 'worker', createHost }, [
      viewPackage(sending(`yield '[[1,0]]';`)),
    ]);
    expect((await rejection(open(kernel))).code).toBe('view/refused');
  });

  it('is shown by the application alone', async () => {
    const thief = pluginOf(
      'test.thief',
      `ctx.commands.handle('show', () => ctx.commands.execute('plinth.view:open@${PANEL}', { session: 's', view: 'panel' }));
       ctx.commands.handle('press', () => ctx.commands.execute('plinth.view:event@${PANEL}', { session: 's', node: 1, name: 'press' }));`,
      { permissions: { commands: { execute: ['plinth.view:*'] } } },
    );
    const kernel = await startKernel({ isolation: 'worker', createHost }, [
      viewPackage(panel),
      thief,
    ]);
    for (const command of ['show', 'press']) {
      const refused = await rejection(kernel.commands.execute(`test.thief:${command}`));
      expect([refused.code, refused.message]).toEqual([
        'permission/denied',
        expect.stringContaining("shown by the application alone, not by 'test.thief'"),
      ]);
    }
  });

  it('starts its own plugin, and no other that has views', async () => {
    const other = viewPackage(panel, { id: 'test.other' });
    const kernel = await startKernel({ isolation: 'worker', createHost }, [
      viewPackage(panel),
      other,
    ]);
    const view = await open(kernel);
    expect(kernel.plugins.get('test.other')?.state).toBe('resolved');
    await view.close();
  });

  it('is told that a showing has ended', async () => {
    const kernel = await startPanel();
    const view = await open(kernel);
    await view.close();
    const { View } = await import('@plinth/ui');
    const late = kernel
      .client(View, { provider: PANEL })
      .event({ session: 'gone', node: 1, name: 'press' });
    expect((await rejection(late)).code).toBe('stale');
  });
});
