/** The look of the kit, and what axe says of it, in light, dark and right to left. */
import { PlinthView } from '@plinth/ui/dom';
import axe from 'axe-core';
import { afterEach, describe, expect, it } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { createHost } from '#host';
import { startKernel } from '../support/kernels.ts';
import { PANEL, sending, startPanel, viewPackage } from './kernels.ts';
import { mount, until } from './page.ts';
import gallery from './plugins/gallery.ts?bundle';

const show = async (options = {}) => {
  const kernel = await startKernel({ isolation: 'worker', createHost }, [viewPackage(gallery)]);
  const view = mount(kernel, options);
  await until(() => view.shown.state === 'shown', 'shown');
  return view;
};

afterEach(() => {
  document.documentElement.removeAttribute('style');
  document.documentElement.removeAttribute('dir');
});

describe('the kit', () => {
  it.each([
    ['light', 'ltr'],
    ['dark', 'ltr'],
    ['light', 'rtl'],
  ])('has nothing that axe finds: %s, %s', async (scheme, direction) => {
    document.documentElement.dir = direction;
    const view = await show();
    const section = view.slot.firstElementChild as HTMLElement;
    section.style.colorScheme = scheme;
    const { violations, passes } = await axe.run(view.slot, {
      // The rest of a page is the application's.
      rules: { region: { enabled: false } },
    });
    expect(
      violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`),
    ).toEqual([]);
    expect(passes.map(({ id }) => id)).toContain('color-contrast');
  });

  it('takes its colours from the tokens of the application, and gives way to its rules', async () => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync('[data-plinth="heading"] { font-size: 40px; }');
    document.adoptedStyleSheets.push(sheet);
    document.documentElement.style.setProperty('--plinth-color-accent', 'rgb(1, 2, 3)');
    const view = await show();
    const heading = view.slot.querySelector('h3') as HTMLElement;
    expect(getComputedStyle(heading).fontSize).toBe('40px');
    const accent = view.button('Accent');
    expect(getComputedStyle(accent).backgroundColor).toBe('rgb(1, 2, 3)');
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== sheet);
  });

  it('cannot leave its box', async () => {
    const view = await show();
    const { contain, isolation, unicodeBidi } = getComputedStyle(
      view.slot.firstElementChild as HTMLElement,
    );
    expect([contain, isolation, unicodeBidi]).toEqual(['content', 'isolate', 'isolate']);
  });

  it('keeps a button whole beside a long text', async () => {
    const row = [
      ...[1, 'stack', { direction: 'row' }, null],
      [
        [2, 'text', null, null, [[3, 'a long text '.repeat(30)]]],
        [4, 'button', null, null, [[5, 'Delete all']]],
        [6, 'badge', null, null, [[7, 'not yet']]],
      ],
    ];
    const code = sending(`yield ${JSON.stringify(JSON.stringify([[0, 0, 0, row]]))};`);
    const kernel = await startKernel({ isolation: 'worker', createHost }, [viewPackage(code)]);
    const view = mount(kernel);
    view.slot.style.inlineSize = '300px';
    await until(() => view.shown.state === 'shown', 'shown');
    for (const one of view.body.querySelectorAll('[data-plinth="button"], [data-plinth="badge"]')) {
      const words = document.createRange();
      words.selectNodeContents(one);
      expect(words.getClientRects()).toHaveLength(1);
    }
    expect(view.body.scrollWidth).toBeLessThanOrEqual(view.body.clientWidth);
  });

  it('shows an image that is one, by its bytes', async () => {
    await show();
    const image = page.getByRole('img', { name: 'A pixel' }).element() as HTMLImageElement;
    await until(() => image.complete && image.naturalWidth === 1, 'decoded');
  });
});

describe('<plinth-view>', () => {
  it('shows what its attributes name, stays over a move, and ends when it goes', async () => {
    PlinthView.define();
    PlinthView.define();
    const kernel = await startPanel();
    const element = document.createElement('plinth-view') as PlinthView;
    const states: unknown[] = [];
    element.addEventListener('plinth-state', (event) => states.push((event as CustomEvent).detail));
    element.setAttribute('plugin', PANEL);
    element.setAttribute('view', 'panel');
    element.kernel = kernel;
    element.props = { greet: 'Good day' };
    document.body.append(element);
    await expect.element(page.getByRole('heading', { name: 'Good day one' })).toBeVisible();
    await userEvent.click(page.getByRole('button', { name: 'count 0' }));
    await expect.element(page.getByRole('button', { name: 'count 1' })).toBeVisible();
    const button = element.querySelector('button');
    const other = document.createElement('div');
    document.body.append(other);
    other.append(element);
    await Promise.resolve();
    expect(element.querySelector('button')).toBe(button);
    element.remove();
    await until(() => element.childElementCount === 0, 'ended');
    expect(states).toContain('closed');
  });

  it('has a title, and a fallback that asks again', async () => {
    PlinthView.define();
    PlinthView.define('other-view');
    const kernel = await startPanel();
    const element = document.createElement('other-view') as PlinthView;
    element.setAttribute('plugin', PANEL);
    element.setAttribute('view', 'panel');
    element.title = 'Counter';
    element.fallback = ({ message }) => `sorry: ${message}`;
    element.kernel = kernel;
    document.body.append(element);
    await expect.element(page.getByRole('region', { name: 'Counter' })).toBeVisible();
    await userEvent.click(page.getByRole('button', { name: 'break' }));
    await expect.element(page.getByRole('alert')).toHaveTextContent('sorry: render is broken');
    await kernel.commands.execute(`${PANEL}:mend`);
    element.retry();
    await expect.element(page.getByRole('button', { name: 'count 0' })).toBeVisible();
    element.remove();
    await until(() => element.childElementCount === 0, 'ended');
  });
});
