/** Rows on demand: a list or a table asks for those that are in sight. */
import { renderView } from '@plinth/ui/html';
import { openView } from '@plinth/ui/testing';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { rejection, startKernel } from '../support/kernels.ts';
import { PANEL, viewPackage } from './kernels.ts';
import rows from './plugins/rows.ts?bundle';

const start = async () => {
  const kernel = await startKernel({ isolation: 'worker', createHost }, [viewPackage(rows)]);
  const run = (command: string, input?: unknown) =>
    kernel.commands.execute(`${PANEL}:${command}`, input);
  return { kernel, run, open: (view: string) => openView(kernel, { plugin: PANEL, view }) };
};

describe(`${runtime}: rows on demand`, () => {
  it('are asked for by range, and say where they stand', async () => {
    const { run, open } = await start();
    const view = await open('panel');
    expect(view.text()).toContain('entry 49');
    expect(view.text()).not.toContain('entry 50');
    await view.scroll('Log', 70_000);
    await view.shows('entry 70000');
    expect(view.text()).toMatch(/^Log Number Entry 70000 /);
    expect(view.text()).not.toContain('entry 70050');
    const html = view.html();
    expect(html).toContain('aria-rowcount="100001"');
    expect(html).toContain('<tr data-plinth="row" aria-rowindex="1"><th');
    expect(html).toContain(
      '<tr data-plinth="row" aria-rowindex="70002"><td data-plinth="cell">70000',
    );
    expect(await run('asked')).toEqual(['0-50', '70000-70050', '70000-70050']);
    await view.close();
  });

  it('end with the list, also when that becomes shorter', async () => {
    const { run, open } = await start();
    const view = await open('panel');
    await view.scroll('Log', 99_980);
    await view.shows('entry 99999');
    await run('count', 3);
    await expect.poll(() => view.text()).toBe('Log Number Entry');
    await view.scroll('Log', 0);
    await view.shows('entry 2');
    await view.close();
  });

  it('of a promise come later, and those that come too late are dropped', async () => {
    const { run, open } = await start();
    const view = await open('later');
    await view.shows('item 49');
    await run('hold', true);
    await view.scroll('Later', 1_000);
    expect(view.text()).toContain('item 49');
    await run('hold', false);
    await view.shows('item 1000');
    await run('hold', true);
    await view.scroll('Later', 2_000);
    await run('hold', false);
    await view.scroll('Later', 3_000);
    await view.shows('item 3000');
    expect(view.text()).not.toContain('item 2000');
    await view.press('item 3001');
    expect(await run('asked')).toContain('pressed 3001');
    await view.close();
  });

  it('come into a view that changes faster than they are answered', async () => {
    const { run, open } = await start();
    const view = await open('busy');
    for (const tick of [1, 2, 3]) {
      await run('tick');
      await view.shows(`tick ${tick}`);
    }
    // Questions of before the view has changed count, but for one that was given up for the next.
    await run('giveUp');
    expect(await run('answer')).toBe(2);
    await view.shows('item 49');
    await view.scroll('Busy', 500);
    for (let left = 1; left > 0; ) left = (await run('answer')) as number;
    await view.shows('item 500');
    expect(view.text()).not.toContain('item 49 ');
    await view.close();
  });

  it('are the same in Preact', async () => {
    const { open } = await start();
    const view = await open('preact');
    await view.shows('item 49');
    await view.scroll('In Preact', 500);
    await view.shows('item 549');
    expect(view.text()).not.toContain('item 49 ');
    expect(view.html()).toContain('aria-posinset="501" aria-setsize="100000"');
    await view.close();
  });

  it('are on the page of a server, also when they are a promise', async () => {
    const { kernel } = await start();
    for (const [view, first] of [
      ['panel', 'entry 49'],
      ['later', 'item 49'],
    ]) {
      const html = await renderView(kernel, { plugin: PANEL, view: view as string });
      expect(html).toContain(first);
      expect(html).toContain('tabindex="0"');
    }
  });

  it('that are more than a list may have are an error of the view, never a part of them', async () => {
    const { run, open } = await start();
    const view = await open('panel');
    await run('count', 250_000);
    await view.scroll('Log', 249_990);
    await view.shows('entry 249999');
    await run('count', 250_001);
    const { message } = await rejection(view.shows('entry 250000'));
    expect(message).toContain('at most 250000, and not 250001');
    await view.close();
  });

  it('that are more than were asked for are an error of the view', async () => {
    const { open } = await start();
    const { message } = await rejection(open('tooMany'));
    expect(message).toContain('rows(0, 50) has answered 900 rows');
  });
});
