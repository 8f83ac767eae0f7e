/** `@plinth/ui/preact`: views that are written in Preact, behind each wall. */
import { openView } from '@plinth/ui/testing';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { startKernel } from '../support/kernels.ts';
import { PANEL, viewPackage } from './kernels.ts';
import plugin from './plugins/preact-panel.ts';
import code from './plugins/preact-panel.ts?bundle';

const walls =
  runtime === 'node'
    ? (['inline', 'worker', 'process', 'sandbox'] as const)
    : (['inline', 'worker', 'sandbox'] as const);

describe(`${runtime}: a view in Preact`, () => {
  it.each(walls)('has state, effects and lists in isolation %s', async (isolation) => {
    const { manifest } = viewPackage('');
    const packages = [isolation === 'inline' ? { manifest, plugin } : { manifest, code }];
    const kernel = await startKernel({ isolation, createHost }, packages);
    const props = { greet: 'Good day' };
    const view = await openView(kernel, { plugin: PANEL, view: 'panel', props });
    await view.shows('Good day count 0 seen 0');
    expect(view.text()).toContain('Rows Row 1 Row 2 Row 3');
    await view.press('count 0');
    await view.shows('count 1 seen 1');
    expect(view.text()).toContain('odd');
    await view.press('count 1');
    await view.shows('count 2 seen 2');
    expect(view.text()).not.toContain('odd');
    await view.press('reverse');
    await view.shows('Row 3 Row 2 Row 1');
    await view.press('Row 2');
    await view.shows('Row 3 Row 1');
    await view.enter('Note', 'typed');
    await view.shows('note: typed');
    expect(view.html()).toContain('value="typed"');
    await view.close();
    const again = await openView(kernel, { plugin: PANEL, view: 'panel' });
    await again.shows('Hello count 0');
    await again.close();
  });
});
