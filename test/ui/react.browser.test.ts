/** `@plinth/ui/react`: views in React, with components of the application. */

import { ui } from '@plinth/ui/host';
import type { ElementProps } from '@plinth/ui/react';
import { PluginFrame, PluginSlot, PluginView } from '@plinth/ui/react';
import { createElement, type ReactNode, StrictMode } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, describe, expect, it } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { createHost } from '#host';
import { startKernel } from '../support/kernels.ts';
import { PANEL, sending, startPanel, viewPackage } from './kernels.ts';
import { until } from './page.ts';
import frames from './plugins/frames.ts?bundle';
import gallery from './plugins/gallery.ts?bundle';
import panel from './plugins/panel.ts?bundle';

let root: Root | undefined;
let place: HTMLElement;
function render(what: ReactNode): void {
  if (root === undefined) {
    place = document.createElement('main');
    document.body.append(place);
    root = createRoot(place);
  }
  root.render(createElement(StrictMode, null, what));
}
afterEach(async () => {
  root?.unmount();
  root = undefined;
  document.body.replaceChildren();
});

describe('a view in React', () => {
  it('shows the kit, and the components that the application has in its place', async () => {
    const kernel = await startPanel();
    const button = ({ on, children }: ElementProps) =>
      createElement(
        'button',
        { type: 'button', className: 'mine', onClick: () => on.press?.() },
        '» ',
        children,
      );
    render(
      createElement(PluginView, { kernel, plugin: PANEL, view: 'panel', components: { button } }),
    );
    await userEvent.click(page.getByRole('button', { name: '» count 0' }));
    await expect.element(page.getByRole('button', { name: '» count 1' })).toHaveClass('mine');
    await expect.element(page.getByRole('heading', { name: 'Hello one' })).toBeVisible();
    expect(place.querySelector('header')?.textContent).toBe('The panel');
    await kernel.commands.execute(`${PANEL}:rows`, [1, 2]);
    await until(() => place.querySelectorAll('li').length === 2, 'two rows');
    const first = place.querySelector('li');
    await kernel.commands.execute(`${PANEL}:rows`, [2, 1]);
    const list = place.querySelector('ul');
    await until(() => list?.textContent === 'Row 2Row 1', 'turned around');
    expect(place.querySelectorAll('li')[1]).toBe(first);
    await userEvent.click(page.getByText('Row 2'));
    await expect.element(page.getByRole('button', { name: '» count 3' })).toBeVisible();
  });

  const controlled = ({ props, on }: ElementProps) =>
    createElement('label', null, String(props.label), [
      createElement('input', {
        key: 'input',
        value: String(props.value),
        onChange: (event: { target: { value: string } }) => on.input?.(event.target.value),
        onKeyDown: (event: { key: string }) => event.key === 'Enter' && on.submit?.(),
      }),
    ]);
  it.each([
    ['the kit', {}],
    ['a controlled component', { field: controlled }],
  ])('loses no key of a fast typist: %s', async (_, components) => {
    const kernel = await startPanel();
    render(createElement(PluginView, { kernel, plugin: PANEL, view: 'panel', components }));
    const field = page.getByLabelText('Note');
    await expect.element(field).toBeVisible();
    const text = 'the quick brown fox jumps over the lazy dog 0123456789';
    await userEvent.type(field, text);
    expect((field.element() as HTMLInputElement).value).toBe(text);
    await expect.poll(() => kernel.commands.execute(`${PANEL}:note`)).toBe(text);
    expect((field.element() as HTMLInputElement).value).toBe(text);
    await userEvent.keyboard('{Enter}');
    await until(() => (field.element() as HTMLInputElement).value === '', 'cleared');
  });

  it('keeps elements, focus and typed text when its plugin is reloaded', async () => {
    const kernel = await startKernel({ isolation: 'worker', createHost }, [viewPackage(panel)]);
    const states: string[] = [];
    const onState = (state: string) => states.push(state);
    render(createElement(PluginView, { kernel, plugin: PANEL, view: 'panel', onState }));
    const field = page.getByLabelText('Note');
    await userEvent.click(page.getByRole('button', { name: 'count 0' }));
    await userEvent.type(field, 'kept');
    const input = field.element() as HTMLInputElement;
    states.length = 0;
    await kernel.plugins.reload(PANEL);
    await until(() => states.includes('shown'), 'shown again');
    expect(document.activeElement).toBe(input);
    expect([input.value, input.isConnected]).toEqual(['kept', true]);
    await userEvent.click(page.getByRole('button', { name: 'count 1' }));
    await expect.element(page.getByRole('button', { name: 'count 2' })).toBeVisible();
  });

  it('gives nothing that was typed for one plugin to another', async () => {
    const field = JSON.stringify([
      [0, 0, 0, [1, 'stack', {}, null, [[2, 'field', { label: 'Note', value: '' }, null, []]]]],
    ]);
    const code = sending(`yield '${field}';`);
    const kernel = await startKernel({ isolation: 'worker', createHost }, [
      viewPackage(code),
      viewPackage(code, { id: 'test.other', activation: ['startup'] }),
    ]);
    const show = (plugin: string) => createElement(PluginView, { kernel, plugin, view: 'panel' });
    render(show(PANEL));
    await userEvent.type(page.getByLabelText('Note'), 'secret');
    const before = page.getByLabelText('Note').element();
    render(show('test.other'));
    await until(() => !before.isConnected, 'the other view');
    await expect.element(page.getByLabelText('Note')).toHaveValue('');
  });

  it('shows every element of the kit, and React has nothing to say of it', async () => {
    const said: unknown[] = [];
    const { error } = console;
    console.error = (...what) => said.push(what);
    try {
      const kernel = await startKernel({ isolation: 'worker', createHost }, [viewPackage(gallery)]);
      render(createElement(PluginView, { kernel, plugin: PANEL, view: 'panel' }));
      await expect.element(page.getByRole('heading', { name: 'Gallery' })).toBeVisible();
      expect(place.querySelector('svg path')?.namespaceURI).toBe('http://www.w3.org/2000/svg');
      await expect.element(page.getByRole('table', { name: 'Visits' })).toBeInTheDocument();
      await expect.element(page.getByRole('link', { name: 'link', exact: true })).toBeVisible();
      expect(place.querySelector('[data-plinth="code"]')).not.toBeNull();
    } finally {
      console.error = error;
    }
    expect(said).toEqual([]);
  });

  it('shows the fallback of the application for a view that is refused', async () => {
    const kernel = await startKernel({ isolation: 'worker', createHost }, [
      viewPackage(sending(`yield '[[1,0]]';`)),
    ]);
    const fallback = (error: Error) => createElement('p', null, `sorry: ${error.message}`);
    render(createElement(PluginView, { kernel, plugin: PANEL, view: 'panel', fallback }));
    await expect.element(page.getByText(/sorry: the view is refused/)).toBeVisible();
  });

  it('fills a slot with what may run, and leaves nothing behind', async () => {
    const present = { notify() {}, ask: async () => null };
    const contributes = {
      ui: { views: [{ id: 'panel', title: 'Panel', slot: 'sidebar', when: 'open' }] },
    };
    const kernel = await startKernel(
      { isolation: 'worker', createHost },
      [viewPackage(panel, { contributes })],
      { extensions: [ui({ slots: ['sidebar'], present })] },
    );
    const workbench = kernel.extension(ui);
    render(createElement(PluginSlot, { kernel, workbench, name: 'sidebar' }));
    expect(place.querySelector('section')).toBeNull();
    workbench.facts.set('open', true);
    await expect.element(page.getByRole('region', { name: 'Panel' })).toBeVisible();
    await expect.element(page.getByRole('button', { name: 'count 0' })).toBeVisible();
    await kernel.plugins.disable(PANEL);
    await until(() => place.querySelector('section') === null, 'gone');
  });

  it('shows the fallback of a view whose plugin does not start', async () => {
    const present = { notify() {}, ask: async () => null };
    const views = [{ id: 'panel', title: 'Panel', slot: 'sidebar' }];
    const code = `throw new Error('it does not start');`;
    const kernel = await startKernel(
      { isolation: 'worker', createHost },
      [viewPackage(code, { contributes: { ui: { views } } })],
      { extensions: [ui({ slots: ['sidebar'], present })] },
    );
    const workbench = kernel.extension(ui);
    const fallback = () => createElement('p', { role: 'alert' }, 'sorry');
    render(createElement(PluginSlot, { kernel, workbench, name: 'sidebar', fallback }));
    await expect.element(page.getByRole('alert')).toHaveTextContent('sorry');
    expect(place.querySelectorAll('section')).toHaveLength(1);
  });

  it('is inert once the kernel has stopped', async () => {
    const kernel = await startPanel();
    render(createElement(PluginView, { kernel, plugin: PANEL, view: 'panel' }));
    await expect.element(page.getByRole('button', { name: 'count 0' })).toBeVisible();
    const body = place.querySelector<HTMLElement>('[data-plinth="view-body"]');
    expect(body?.inert).toBe(false);
    await kernel.stop({ drain: 0 });
    await until(() => body?.inert === true, 'inert');
  });

  it('can be used after the application has passed other props', async () => {
    const kernel = await startPanel();
    const shown = (greet: string) =>
      createElement(PluginView, { kernel, plugin: PANEL, view: 'panel', props: { greet } });
    render(shown('Hello'));
    await expect.element(page.getByRole('heading', { name: 'Hello one' })).toBeVisible();
    render(shown('Good day'));
    await expect.element(page.getByRole('heading', { name: 'Good day one' })).toBeVisible();
    await userEvent.click(page.getByRole('button', { name: 'count 0' }));
    await expect.element(page.getByRole('button', { name: 'count 1' })).toBeVisible();
  });

  it('shows a frame, another one for other props, and none once it is gone', async () => {
    const commands = ['code', 'told'].map((one) => `command:${PANEL}:${one}`);
    const kernel = await startKernel({ isolation: 'worker', createHost }, [
      viewPackage(frames, {
        provides: ['plinth.frame@1'],
        permissions: { contracts: { provide: ['plinth.frame'] } },
        activation: ['command:plinth.frame:open', ...commands],
      }),
    ]);
    const script = `plinth.ready.then((props) => plinth.call('tell', props));`;
    await kernel.commands.execute(`${PANEL}:code`, script);
    const told = () => kernel.commands.execute(`${PANEL}:told`);
    const shown = (name: string) =>
      createElement(PluginFrame, { kernel, plugin: PANEL, view: 'panel', props: { name } });
    render(shown('Ada'));
    await expect.poll(told).toContainEqual({ name: 'Ada' });
    render(shown('Grace'));
    await expect.poll(told).toContainEqual({ name: 'Grace' });
    await until(() => place.querySelectorAll('iframe').length === 1, 'one frame');
    render(null);
    await until(() => place.querySelector('iframe') === null, 'gone');
  });
});
