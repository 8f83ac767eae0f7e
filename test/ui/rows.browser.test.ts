/** Rows on demand in a page: scrolling, keys and focus, in the DOM and in React. */
import type { Kernel } from '@plinth/kernel';
import { mountView } from '@plinth/ui/dom';
import { PluginView } from '@plinth/ui/react';
import { createElement } from 'react';
import { createRoot } from 'react-dom/client';
import { afterEach, describe, expect, it } from 'vitest';
import { userEvent } from 'vitest/browser';
import { createHost } from '#host';
import { startKernel } from '../support/kernels.ts';
import { PANEL, sending, viewPackage } from './kernels.ts';
import { mount, until } from './page.ts';
import rows from './plugins/rows.ts?bundle';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  document.body.replaceChildren();
});

const renderers = {
  dom(place: HTMLElement, kernel: Kernel, view: string) {
    const shown = mountView(place, kernel, { plugin: PANEL, view });
    ends.push(() => shown.close());
  },
  react(place: HTMLElement, kernel: Kernel, view: string) {
    const root = createRoot(place);
    root.render(createElement(PluginView, { kernel, plugin: PANEL, view }));
    ends.push(() => root.unmount());
  },
} as const;

const show = async (renderer: keyof typeof renderers, view: string, shadow = false) => {
  const kernel = await startKernel({ isolation: 'worker', createHost }, [viewPackage(rows)]);
  const outside = document.createElement('main');
  document.body.append(outside);
  const place = document.createElement('div');
  (shadow ? outside.attachShadow({ mode: 'closed' }) : outside).append(place);
  renderers[renderer](place, kernel, view);
  await until(() => place.querySelector('[data-plinth="window"]') !== null, 'shown');
  const box = place.querySelector('[data-plinth="window"]') as HTMLElement;
  await until(() => box.scrollHeight > 1_000_000, 'as tall as all rows');
  const run = (command: string, input?: unknown) =>
    kernel.commands.execute(`${PANEL}:${command}`, input);
  return { box, run };
};

/** The texts of rows that are in sight of the box. */
function inSight(box: HTMLElement): readonly string[] {
  const { top, bottom } = box.getBoundingClientRect();
  return [...box.querySelectorAll('tr, li')]
    .filter((row) => {
      const place = row.getBoundingClientRect();
      return place.bottom > top + 1 && place.top < bottom - 1;
    })
    .map((row) => row.textContent as string);
}

describe.each(['dom', 'react'] as const)('rows on demand in %s', (renderer) => {
  it('come into sight wherever their user scrolls, and no more than a few stand there', async () => {
    const { box } = await show(renderer, 'panel');
    for (const part of [0.5, 0.123, 0.999, 0]) {
      box.scrollTop = (box.scrollHeight - box.clientHeight) * part;
      await until(() => inSight(box).length > box.clientHeight / 60, `rows at ${part}`);
      const numbers = inSight(box).flatMap((text) => /entry (\d+)/.exec(text)?.[1] ?? []);
      const [first] = numbers.map(Number);
      expect(Math.abs((first as number) - part * 100_000)).toBeLessThan(100);
    }
    box.scrollTop = box.scrollHeight;
    await until(() => inSight(box).at(-1)?.includes('entry 99999') === true, 'the last row');
    expect(box.querySelectorAll('tr').length).toBeLessThan(250);
    const last = [...box.querySelectorAll('tr')].at(-1);
    expect(last?.getAttribute('aria-rowindex')).toBe('100001');
    expect(box.querySelector('table')?.getAttribute('aria-rowcount')).toBe('100001');
  });

  it('come into sight in a shadow tree', async () => {
    const { box } = await show(renderer, 'panel', true);
    for (const part of [0.5, 0]) {
      box.scrollTop = (box.scrollHeight - box.clientHeight) * part;
      await until(() => inSight(box).length > box.clientHeight / 60, `rows at ${part}`);
    }
  });

  it('follow the keys, and the focus stays in the list when its row goes', async () => {
    const { box, run } = await show(renderer, 'later');
    box.focus();
    // A press while the list still moves may count for less than a page.
    const scrolled = async () => {
      await userEvent.keyboard('{PageDown}');
      return box.scrollTop > box.clientHeight;
    };
    await expect.poll(scrolled).toBe(true);
    await until(() => inSight(box).length > 3, 'rows');
    const row = box.querySelector('[role="button"]') as HTMLElement;
    row.focus();
    expect(document.activeElement).toBe(row);
    await run('count', 5);
    await until(() => box.querySelectorAll('li').length <= 5, 'fewer rows');
    await until(() => document.activeElement !== document.body, 'the focus');
    expect(box.contains(document.activeElement)).toBe(true);
  });

  it('are asked for once, however long their plugin takes', async () => {
    const { box, run } = await show(renderer, 'later');
    await until(() => inSight(box).length > 3, 'rows');
    await run('hold', true);
    await run('asked');
    box.scrollTop = box.scrollHeight / 2;
    await expect.poll(async () => ((await run('asked')) as string[]).length).toBeGreaterThan(0);
    for (let frame = 0; frame < 20; frame++) await new Promise(requestAnimationFrame);
    expect(await run('asked')).toEqual([]);
    await run('hold', false);
    await until(() => inSight(box).length > 3, 'rows');
  });
});

describe('a hostile list', () => {
  const wire = (props: object, kids: number) =>
    JSON.stringify([
      [
        ...[0, 0, 0],
        [
          ...[1, 'list', { label: 'x', ...props }, ['range']],
          Array.from({ length: kids }, (_, at) => [at + 2, 'item', {}, null, [[at + 5_000, 'x']]]),
        ],
      ],
    ]);
  const showBatch = async (batch: string) => {
    const code = sending(`yield ${JSON.stringify(batch)};`);
    const kernel = await startKernel({ isolation: 'worker', createHost }, [viewPackage(code)]);
    return mount(kernel);
  };

  it('that answers more rows than any range has is refused', async () => {
    const view = await showBatch(wire({ count: 100_000 }, 501));
    await until(() => view.shown.state === 'failed', 'refused');
    expect(view.shown.error).toMatchObject({ code: 'view/refused' });
  });

  it('of which there are many leaves the page its frames', async () => {
    const lists = Array.from({ length: 40 }, (_, at) => {
      const first = at * 30 + 1;
      const kids = Array.from({ length: 10 }, (_, row) => [
        ...[first + row * 2 + 1, 'item', {}, null],
        [[first + row * 2 + 2, 'x']],
      ]);
      return [0, 0, at, [first, 'list', { label: 'x', count: 100_000 }, ['range'], kids]];
    });
    const view = await showBatch(JSON.stringify(lists));
    await until(() => view.shown.state === 'shown', 'shown');
    const before = performance.now();
    for (let at = 1; at <= 5; at++) {
      for (const box of [...view.body.querySelectorAll('[data-plinth="window"]')].slice(0, 50))
        box.scrollTop = at * 1_000;
      await new Promise(requestAnimationFrame);
    }
    expect(performance.now() - before).toBeLessThan(15_000);
  });

  it.each([
    ['a count without end', { count: 1e15 }],
    ['a count below 0', { count: -1 }],
    ['a count that is a text', { count: '9' }],
  ])('that has %s is a plain list', async (_, props) => {
    const view = await showBatch(wire(props, 3));
    await until(() => view.shown.state === 'shown', 'shown');
    expect(view.body.querySelector('[data-plinth="window"]')).toBeNull();
    expect(view.body.querySelectorAll('li')).toHaveLength(3);
  });

  it('whose rows begin behind its end shows them at its end', async () => {
    const view = await showBatch(wire({ count: 10, from: 250_000, head: 16 }, 3));
    await until(() => view.shown.state === 'shown', 'shown');
    const box = view.body.querySelector('[data-plinth="window"]') as HTMLElement;
    await until(() => box.scrollHeight > 0, 'laid out');
    expect(box.scrollHeight).toBeLessThan(1_000);
  });

  it('that never brings rows into sight is asked once for each place', async () => {
    const events = `
      globalThis.asked = [];
      yield JSON.stringify([[0, 0, 0, [1, 'list', { label: 'x', count: 1000 }, ['range'], []]], [0, 0, 1, [2, '0']]]);
      for (;;) {
        await new Promise((done) => { globalThis.tell = done; });
        yield JSON.stringify([[2, 2, String(globalThis.asked.length)]]);
      }`;
    const code = sending(events).replace(
      'event() {}',
      `event({ detail }) { globalThis.asked.push(detail); globalThis.tell(); }`,
    );
    const kernel = await startKernel({ isolation: 'worker', createHost }, [viewPackage(code)]);
    const view = mount(kernel);
    await until(() => view.body.textContent?.endsWith('1') === true, 'asked');
    for (let frame = 0; frame < 30; frame++) await new Promise(requestAnimationFrame);
    expect(view.body.textContent?.endsWith('1')).toBe(true);
    const box = view.body.querySelector('[data-plinth="window"]') as HTMLElement;
    box.scrollTop = 5_000;
    await until(() => view.body.textContent?.endsWith('2') === true, 'asked again');
  });
});
