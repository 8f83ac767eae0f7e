/** What is typed while the plugin says something of the same field: no key is lost. */
import type { Kernel } from '@plinth/kernel';
import { type ElementProps, PluginView } from '@plinth/ui/react';
import { createElement } from 'react';
import { createRoot } from 'react-dom/client';
import { afterEach, describe, expect, it } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { createHost } from '#host';
import { startKernel } from '../support/kernels.ts';
import { PANEL, startPanel, viewPackage } from './kernels.ts';
import { mount, until } from './page.ts';
import typing from './plugins/typing.ts?bundle';

const ends: (() => unknown)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
  document.body.replaceChildren();
});

function react(kernel: Kernel, props: object, components = {}): void {
  const place = document.createElement('main');
  document.body.append(place);
  const root = createRoot(place);
  root.render(
    createElement(PluginView, { kernel, plugin: PANEL, view: 'panel', props, components }),
  );
  ends.push(() => root.unmount());
}

const controlled = ({ props, on }: ElementProps) =>
  createElement(
    'label',
    null,
    String(props.label),
    createElement('input', {
      value: String(props.value),
      onChange: (event: { target: { value: string } }) => on.input?.(event.target.value),
      onKeyDown: (event: { key: string }) => event.key === 'Enter' && on.submit?.(),
    }),
  );

const RENDERERS: Readonly<Record<string, (kernel: Kernel, props: object) => void>> = {
  'the page': (kernel, props) => void mount(kernel, { props }),
  React: (kernel, props) => react(kernel, props),
  'a controlled component': (kernel, props) => react(kernel, props, { field: controlled }),
};

describe.each(Object.entries(RENDERERS))('a field in %s', (_, show) => {
  const open = async (counts: boolean) => {
    const kernel = await startKernel({ isolation: 'worker', createHost }, [viewPackage(typing)]);
    show(kernel, { counts });
    const field = page.getByLabelText('Note');
    await expect.element(field).toBeVisible();
    const input = field.element() as HTMLInputElement;
    input.focus();
    const heard = async () => (await kernel.commands.execute(`${PANEL}:heard`)) as string[];
    return { input, heard };
  };

  it('keeps what was typed behind what is cleared, and tells the plugin', async () => {
    const { input, heard } = await open(true);
    await userEvent.keyboard('ab');
    await expect.poll(heard).toEqual(['a', 'ab', 'b']);
    expect(input.value).toBe('b');
    await userEvent.keyboard('c');
    await expect.poll(heard).toEqual(['a', 'ab', 'b', 'bc']);
    await userEvent.keyboard('x');
    await until(() => input.value === '', 'cleared');
  });

  it('takes the word of a plugin of an older kit at once', async () => {
    const { input, heard } = await open(false);
    await userEvent.keyboard('ab');
    await until(() => input.value === '', 'cleared');
    expect(await heard()).toEqual(['a', 'ab']);
    await userEvent.keyboard('c');
    await expect.poll(heard).toEqual(['a', 'ab', 'c']);
    expect(input.value).toBe('c');
  });

  it('is cleared by Enter, whatever follows it', async () => {
    const kernel = await startPanel();
    show(kernel, {});
    const field = page.getByLabelText('Note');
    await expect.element(field).toBeVisible();
    const input = field.element() as HTMLInputElement;
    input.focus();
    await userEvent.keyboard('first{Enter}second{Enter}third');
    await expect.poll(() => kernel.commands.execute(`${PANEL}:note`)).toBe('third');
    expect(input.value).toBe('third');
  });
});
