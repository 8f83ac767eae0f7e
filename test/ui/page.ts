/** What tests do in a page: a slot, and waiting for what stands in it. */

import type { Kernel } from '@plinth/kernel';
import { type MountOptions, mountView, type ShownView, type ViewState } from '@plinth/ui/dom';
import { afterEach, expect } from 'vitest';
import { PANEL } from './kernels.ts';

const mounted = new Set<ShownView>();
afterEach(async () => {
  await Promise.all([...mounted].map((shown) => shown.close()));
  mounted.clear();
  document.body.replaceChildren();
});

/** A view in a slot of the page, with what it has told. */
export interface Page {
  readonly slot: HTMLElement;
  readonly shown: ShownView;
  readonly states: ViewState[];
  readonly errors: Error[];
  readonly body: HTMLElement;
  button(name: string): HTMLButtonElement;
}

/** Shows the panel in a slot. */
export function mount(kernel: Kernel, options: Partial<MountOptions> = {}): Page {
  const slot = document.createElement('aside');
  document.body.append(slot);
  const states: ViewState[] = [];
  const errors: Error[] = [];
  const shown = mountView(slot, kernel, {
    plugin: PANEL,
    view: 'panel',
    onState: (state, error) => {
      states.push(state);
      if (error !== undefined) errors.push(error);
    },
    onError: (error) => errors.push(error),
    ...options,
  });
  mounted.add(shown);
  return {
    ...{ slot, shown, states, errors },
    body: slot.querySelector('[data-plinth="view-body"]') as HTMLElement,
    button(name) {
      const found = [...slot.querySelectorAll('button')].find((one) => one.textContent === name);
      if (found === undefined) throw new Error(`no button '${name}' in ${slot.innerText}`);
      return found;
    },
  };
}

/** Waits until it is so. */
export const until = (isSo: () => boolean, what: string): Promise<void> =>
  expect.poll(isSo, { message: what, interval: 5 }).toBe(true);
