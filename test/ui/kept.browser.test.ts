/** What a user has typed, chosen or turned to stays, whatever the plugin says beside it. */
import type { Kernel } from '@plinth/kernel';
import { PlinthView } from '@plinth/ui/dom';
import { PluginView } from '@plinth/ui/react';
import { createElement } from 'react';
import { createRoot } from 'react-dom/client';
import { afterEach, describe, expect, it } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { createHost } from '#host';
import { startKernel } from '../support/kernels.ts';
import { PANEL, startPanel, viewPackage } from './kernels.ts';
import { mount, until } from './page.ts';
import kept from './plugins/kept.ts?bundle';

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
  document.body.replaceChildren();
});

type Show = (kernel: Kernel, view: string, onState: (state: string) => void) => void;

const RENDERERS: Readonly<Record<string, Show>> = {
  'the page': (kernel, view, onState) => void mount(kernel, { view, onState, hideAfter: 1 }),
  React(kernel, view, onState) {
    const place = document.createElement('main');
    document.body.append(place);
    const root = createRoot(place);
    const given = { kernel, plugin: PANEL, view, onState, hideAfter: 1 };
    root.render(createElement(PluginView, given));
    ends.push(() => root.unmount());
  },
};

const start = () => startKernel({ isolation: 'worker', createHost }, [viewPackage(kept)]);

describe.each(Object.entries(RENDERERS))('a view in %s', (_, show) => {
  const open = async (view = 'panel') => {
    const kernel = await start();
    const states: string[] = [];
    show(kernel, view, (state) => states.push(state));
    await until(() => states.includes('shown'), 'shown');
    const run = (command: string, input?: unknown) =>
      kernel.commands.execute(`${PANEL}:${command}`, input);
    const control = <T extends Element>(name: string) =>
      page.getByLabelText(name).element() as unknown as T;
    return { kernel, states, run, control };
  };

  it('keeps what its plugin does not speak of, over an update and out of sight', async () => {
    const { kernel, states, control } = await open();
    const draft = control<HTMLInputElement>('Draft');
    const agree = control<HTMLInputElement>('Agree');
    await userEvent.type(page.getByLabelText('Draft'), 'half a thought');
    await userEvent.click(page.getByLabelText('Agree'));
    states.length = 0;
    await kernel.plugins.reload(PANEL);
    await until(() => states.includes('shown'), 'shown again');
    expect([draft.isConnected, draft.value, agree.checked]).toEqual([true, 'half a thought', true]);
    const section = draft.closest('section') as HTMLElement;
    (document.activeElement as HTMLElement).blur();
    section.style.display = 'none';
    await until(() => states.includes('hidden'), 'hidden');
    states.length = 0;
    section.style.display = '';
    await until(() => states.includes('shown'), 'seen again');
    expect([draft.isConnected, draft.value, agree.checked]).toEqual([true, 'half a thought', true]);
  });

  it('is not hidden while it has the focus', async () => {
    const { states, control, run } = await open();
    const draft = control<HTMLInputElement>('Draft');
    states.length = 0;
    draft.focus();
    const section = draft.closest('section') as HTMLElement;
    section.style.position = 'fixed';
    section.style.top = '-9999px';
    // An observer is told within two frames.
    for (let frame = 0; frame < 4; frame++) await new Promise(requestAnimationFrame);
    await run('level', 51);
    await until(() => section.textContent?.includes('said 51') === true, 'still shown');
    expect(states).not.toContain('hidden');
    draft.blur();
    await until(() => states.includes('hidden'), 'hidden');
  });

  it('chooses what its plugin means once that is among the choices', async () => {
    const { control, run } = await open();
    await run('choices', ['a', 'b', 'c']);
    const select = control<HTMLSelectElement>('Pick');
    await until(() => select.options.length === 3, 'choices');
    expect(select.value).toBe('b');
  });

  it('loses no step of a slider to an older answer', async () => {
    const { control, run } = await open();
    const slider = control<HTMLInputElement>('Level');
    const text = () => slider.closest('section')?.textContent;
    slider.focus();
    await userEvent.keyboard('{ArrowRight}{ArrowRight}');
    await expect.poll(() => run('heard')).toEqual([51, 52]);
    await run('level', 51);
    await expect.poll(text).toContain('said 51');
    expect(slider.value).toBe('52');
    await run('level', 52);
    await run('level', 10);
    await until(() => slider.value === '10', 'the plugin’s own value');
  });

  it('moves the focus to what asks for it, after a use of the view alone', async () => {
    const { kernel, run, control } = await open();
    await run('find');
    await expect.element(page.getByLabelText('Search')).toBeVisible();
    expect(document.activeElement).toBe(document.body);
    await kernel.plugins.reload(PANEL);
    await until(() => page.getByLabelText('Search').query() === null, 'as at first');
    await userEvent.click(page.getByRole('button', { name: 'find' }));
    await until(() => page.getByLabelText('Search').query() !== null, 'found');
    await until(() => document.activeElement === control('Search'), 'the focus');
  });

  it('leaves the focus where its user has gone since', async () => {
    const { run } = await open();
    await userEvent.click(page.getByLabelText('Agree'));
    const own = document.createElement('input');
    document.body.append(own);
    await userEvent.click(own);
    await run('find');
    await expect.element(page.getByLabelText('Search')).toBeVisible();
    await userEvent.keyboard('mine');
    expect([document.activeElement, own.value]).toEqual([own, 'mine']);
  });

  it('is shown when it shows nothing at first, also in place of what stood there', async () => {
    const { kernel, states, run } = await open('empty');
    await run('there', true);
    await expect.element(page.getByText('there')).toBeVisible();
    states.length = 0;
    await kernel.plugins.reload(PANEL);
    await until(() => states.includes('shown'), 'shown again');
    await until(() => page.getByText('there').query() === null, 'nothing');
  });
});

describe('<plinth-view>', () => {
  it('takes what it was given before it was defined', async () => {
    const kernel = await startPanel();
    const early = document.createElement('plinth-early');
    early.setAttribute('plugin', PANEL);
    early.setAttribute('view', 'panel');
    Object.assign(early, { kernel, props: { greet: 'Early' } });
    document.body.append(early);
    PlinthView.define('plinth-early');
    await expect.element(page.getByRole('heading', { name: 'Early one' })).toBeVisible();
    early.remove();
  });
});
