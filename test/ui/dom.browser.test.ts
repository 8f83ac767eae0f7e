/** `mountView` of `@plinth/ui/dom`: a view in a page, with real workers, keys and clicks. */
import { describe, expect, it } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { createHost } from '#host';
import { nextEvent, startKernel } from '../support/kernels.ts';
import { PANEL, sending, startPanel, viewPackage } from './kernels.ts';
import { mount, until } from './page.ts';
import panel from './plugins/panel.ts?bundle';

const state = (kernel: Awaited<ReturnType<typeof startPanel>>) => kernel.plugins.get(PANEL)?.state;

describe('a view in a page', () => {
  it('starts its plugin, shows its name, and answers presses of the user alone', async () => {
    const kernel = await startPanel();
    expect(state(kernel)).not.toBe('active');
    const view = mount(kernel);
    await expect.element(page.getByRole('button', { name: 'count 0' })).toBeVisible();
    expect(view.slot.querySelector('header')?.textContent).toBe('The panel');
    expect(state(kernel)).toBe('active');
    // A script of the page is not the user.
    view.button('count 0').click();
    await userEvent.click(view.button('count 0'));
    await expect.element(page.getByRole('button', { name: 'count 1' })).toBeVisible();
    expect(view.states).toEqual(['hidden', 'opening', 'shown']);
  });

  it('keeps rows by their keys, and hears them by mouse and by keys', async () => {
    const kernel = await startPanel();
    const view = mount(kernel);
    await kernel.commands.execute(`${PANEL}:rows`, [1, 2, 3]);
    await until(() => view.slot.querySelectorAll('li').length === 3, 'three rows');
    const [first] = view.slot.querySelectorAll('li');
    await kernel.commands.execute(`${PANEL}:rows`, [3, 2, 1]);
    const list = view.slot.querySelector('ul');
    await until(() => list?.textContent === 'Row 3Row 2Row 1', 'turned around');
    expect(view.slot.querySelectorAll('li')[2]).toBe(first);
    await userEvent.click(page.getByText('Row 2'));
    await expect.element(page.getByRole('button', { name: 'count 2' })).toBeVisible();
    first?.querySelector<HTMLElement>('[role="button"]')?.focus();
    await userEvent.keyboard('{Enter}');
    await expect.element(page.getByRole('button', { name: 'count 3' })).toBeVisible();
  });

  it('loses no key of a fast typist, and takes what the plugin says at last', async () => {
    const kernel = await startPanel();
    const view = mount(kernel);
    const field = page.getByLabelText('Note');
    await expect.element(field).toBeVisible();
    const text = 'the quick brown fox jumps over the lazy dog 0123456789';
    await userEvent.type(field, text);
    expect((field.element() as HTMLInputElement).value).toBe(text);
    await expect.poll(() => kernel.commands.execute(`${PANEL}:note`)).toBe(text);
    expect((field.element() as HTMLInputElement).value).toBe(text);
    await userEvent.keyboard('{Enter}');
    await until(() => (field.element() as HTMLInputElement).value === '', 'cleared');
    expect(view.errors).toEqual([]);
  });

  it('tells of a handler that fails, and stays', async () => {
    const kernel = await startPanel();
    const view = mount(kernel);
    await expect.element(page.getByRole('button', { name: 'fail' })).toBeVisible();
    await userEvent.click(view.button('fail'));
    await until(() => view.errors.length === 1, 'told');
    expect(view.errors[0]?.message).toContain('handler is broken');
    expect(view.shown.state).toBe('shown');
  });

  it('is busy while a press waits for more than a second', async () => {
    const kernel = await startPanel();
    const view = mount(kernel);
    await expect.element(page.getByRole('button', { name: 'wait' })).toBeVisible();
    await userEvent.click(view.button('wait'));
    await until(() => view.shown.state === 'busy', 'busy');
    expect(view.slot.firstElementChild?.getAttribute('aria-busy')).toBe('true');
    await kernel.commands.execute(`${PANEL}:answer`);
    await until(() => view.shown.state === 'shown', 'shown');
    expect(view.slot.firstElementChild?.getAttribute('aria-busy')).toBe('false');
  });

  it('shows the fallback after three tries, and comes back with its plugin', async () => {
    const kernel = await startPanel();
    const view = mount(kernel, { fallback: (error) => `sorry: ${error.message}` });
    await expect.element(page.getByRole('button', { name: 'break' })).toBeVisible();
    await userEvent.click(view.button('break'));
    await until(() => view.shown.state === 'failed', 'failed');
    await expect.element(page.getByRole('alert')).toHaveTextContent('sorry: render is broken');
    expect(view.states.filter((one) => one === 'opening')).toHaveLength(3);
    await kernel.commands.execute(`${PANEL}:mend`);
    view.shown.retry();
    await expect.element(page.getByRole('button', { name: 'count 0' })).toBeVisible();
    expect(view.slot.querySelector('[role="alert"]')).toBeNull();
  });

  it('keeps elements, focus and typed text when its plugin is reloaded', async () => {
    const kernel = await startKernel({ isolation: 'worker', createHost }, [viewPackage(panel)]);
    const view = mount(kernel);
    const field = page.getByLabelText('Note');
    await expect.element(field).toBeVisible();
    await userEvent.click(view.button('count 0'));
    await userEvent.type(field, 'kept');
    const input = field.element() as HTMLInputElement;
    input.setSelectionRange(1, 2);
    let blank = false;
    const watch = new MutationObserver(() => {
      blank ||= view.body.childElementCount === 0;
    });
    watch.observe(view.body, { childList: true });
    await kernel.plugins.reload(PANEL);
    await until(() => view.states.filter((one) => one === 'shown').length === 2, 'shown again');
    watch.disconnect();
    expect(blank).toBe(false);
    expect(document.activeElement).toBe(input);
    expect([input.value, input.selectionStart, input.isConnected]).toEqual(['kept', 1, true]);
    await userEvent.click(view.button('count 1'));
    await expect.element(page.getByRole('button', { name: 'count 2' })).toBeVisible();
    expect(view.states).toContain('swapped');
  });

  it('stays as it is when its plugin crashes, and works again when that is back', async () => {
    const kernel = await startPanel();
    const view = mount(kernel);
    await until(() => view.shown.state === 'shown', 'shown');
    const back = nextEvent(kernel, 'plugin:restarted');
    void kernel.commands.execute(`${PANEL}:crash`).catch(() => {});
    await back;
    await until(() => view.states.filter((one) => one === 'shown').length === 2, 'shown again');
    expect(view.slot.querySelector('[role="alert"]')).toBeNull();
    await userEvent.click(view.button('count 0'));
    await expect.element(page.getByRole('button', { name: 'count 1' })).toBeVisible();
  });

  it('lets its plugin sleep while it is out of sight, and wakes it with its state', async () => {
    const kernel = await startKernel({ isolation: 'worker', createHost }, [viewPackage(panel)], {
      hibernation: { idle: 50 },
    });
    const view = mount(kernel, { hideAfter: 20 });
    await expect.element(page.getByRole('button', { name: 'count 0' })).toBeVisible();
    await userEvent.click(view.button('count 0'));
    await expect.element(page.getByRole('button', { name: 'count 1' })).toBeVisible();
    const asleep = nextEvent(kernel, 'plugin:suspended');
    view.slot.style.display = 'none';
    await until(() => view.shown.state === 'hidden', 'hidden');
    await asleep;
    expect(view.body.inert).toBe(true);
    expect(view.button('count 1').isConnected).toBe(true);
    view.slot.style.display = '';
    await until(() => view.shown.state === 'shown', 'shown');
    expect(view.body.inert).toBe(false);
    await userEvent.click(view.button('count 1'));
    await expect.element(page.getByRole('button', { name: 'count 2' })).toBeVisible();
  });

  it('leaves nothing when it is closed, and ends quietly with its kernel', async () => {
    const kernel = await startPanel();
    const one = mount(kernel);
    const other = mount(kernel);
    await until(() => other.shown.state === 'shown', 'shown');
    await one.shown.close();
    expect([one.slot.childElementCount, one.shown.state]).toEqual([0, 'closed']);
    await kernel.stop({ drain: 0 });
    await until(() => other.shown.state === 'closed', 'closed');
    expect(other.errors).toEqual([]);
  });

  it('ends with its kernel also when it has failed', async () => {
    const kernel = await startPanel();
    const view = mount(kernel);
    await expect.element(page.getByRole('button', { name: 'break' })).toBeVisible();
    await userEvent.click(view.button('break'));
    await until(() => view.shown.state === 'failed', 'failed');
    await kernel.stop({ drain: 0 });
    await until(() => view.shown.state === 'closed', 'closed');
  });
});

describe('controls', () => {
  const show = async (...batches: readonly unknown[]) => {
    const texts = batches.map((batch) => `yield ${JSON.stringify(JSON.stringify(batch))};`);
    const kernel = await startKernel({ isolation: 'worker', createHost }, [
      viewPackage(sending(texts.join('\n'))),
    ]);
    const view = mount(kernel);
    await until(() => view.shown.state === 'shown', 'shown');
    return view;
  };

  it('are found by role and name, and hold what the plugin says', async () => {
    await show([
      [0, 0, 0, [1, 'textarea', { label: 'Text', value: 'a\nb' }, null, []]],
      [0, 0, 1, [2, 'checkbox', { label: 'Yes', checked: true }, null, []]],
      [0, 0, 2, [3, 'slider', { label: 'Loud', value: 7, max: 10 }, null, []]],
      [
        ...[0, 0, 3],
        [
          ...[4, 'select', { label: 'Pick', value: 'b' }, null],
          [
            [5, 'option', { value: 'a' }, null, [[6, 'A']]],
            [7, 'option', { value: 'b' }, null, [[8, 'B']]],
          ],
        ],
      ],
      [
        ...[0, 0, 4],
        [
          ...[9, 'radio', { label: 'Size', value: 's' }, null],
          [
            [10, 'option', { value: 's' }, null, [[11, 'Small']]],
            [12, 'option', { value: 'l' }, null, [[13, 'Large']]],
          ],
        ],
      ],
      [0, 0, 5, [14, 'progress', { label: 'Done', value: 0.5 }, null, []]],
    ]);
    await expect.element(page.getByRole('textbox', { name: 'Text' })).toHaveValue('a\nb');
    await expect.element(page.getByRole('checkbox', { name: 'Yes' })).toBeChecked();
    await expect.element(page.getByRole('slider', { name: 'Loud' })).toHaveValue('7');
    await expect.element(page.getByRole('combobox', { name: 'Pick' })).toHaveValue('b');
    await expect.element(page.getByRole('radio', { name: 'Small' })).toBeChecked();
    await expect.element(page.getByRole('radio', { name: 'Large' })).not.toBeChecked();
    await expect.element(page.getByRole('progressbar', { name: 'Done' })).toBeVisible();
  });

  it('of data leave nothing of what they showed before', async () => {
    const chart = (values: readonly number[]) => ({
      label: 'Visits',
      points: JSON.stringify(values.map(String)),
      series: JSON.stringify([{ label: 'Here', values }]),
    });
    const view = await show(
      [
        [0, 0, 0, [1, 'chart', chart([1]), null, []]],
        [0, 0, 1, [2, 'markdown', { text: 'one' }, null, []]],
      ],
      [
        [3, 1, chart([1, 2])],
        [3, 2, { text: 'two\n\nthree' }],
      ],
    );
    await expect.element(page.getByText('three')).toBeVisible();
    const texts = (selector: string) =>
      [...view.body.querySelectorAll(selector)].map(({ textContent }) => textContent);
    expect(texts('svg')).toHaveLength(1);
    expect(texts('table th[scope="row"]')).toEqual(['1', '2']);
    expect(texts('[data-plinth="markdown"] p')).toEqual(['two', 'three']);
  });

  it('that lack a label are named by what they are', async () => {
    await show([[0, 0, 0, [1, 'field', {}, null, []]]]);
    await expect.element(page.getByRole('textbox', { name: 'field' })).toBeVisible();
  });

  it('tabs move the focus by arrow keys', async () => {
    await show([
      [
        ...[0, 0, 0],
        [
          ...[1, 'tabs', { label: 'Parts' }, null],
          [
            [2, 'tab', { selected: true }, ['press'], [[3, 'One']]],
            [4, 'tab', {}, ['press'], [[5, 'Two']]],
          ],
        ],
      ],
    ]);
    await userEvent.click(page.getByRole('tab', { name: 'One' }));
    await userEvent.keyboard('{ArrowRight}');
    await expect.element(page.getByRole('tab', { name: 'Two' })).toHaveFocus();
    await userEvent.keyboard('{ArrowRight}');
    await expect.element(page.getByRole('tab', { name: 'One' })).toHaveFocus();
  });
});
