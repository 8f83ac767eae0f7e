/** What controls of a view hold when the plugin changes something else, or shows the view again. */
import { KIT } from '@plinth/ui/host';
import { afterEach, expect, it } from 'vitest';
import { userEvent } from 'vitest/browser';
import { listen } from '../../extensions/ui/src/dom-events.ts';
import { DomRenderer } from '../../extensions/ui/src/dom-renderer.ts';
import { FocusRight } from '../../extensions/ui/src/focus-right.ts';
import { limitsOf } from '../../extensions/ui/src/limits.ts';
import { htmlOf } from '../../extensions/ui/src/markup.ts';
import { ViewTree } from '../../extensions/ui/src/view-tree.ts';

const scope = { uid: 'x', words: { close: 'Close' } };
const end = new AbortController();
afterEach(() => document.body.replaceChildren());

/** Draws a view by its changes. */
function draw() {
  const body = document.createElement('div');
  const section = document.createElement('section');
  section.dataset.plinth = 'view';
  section.append(body);
  document.body.append(section);
  const renderer = new DomRenderer(body, KIT, 'Close', end.signal);
  listen(body, renderer, {}, end.signal);
  let tree: ViewTree;
  return {
    body,
    /** The view is shown, or shown again. */
    show(...changes: readonly unknown[]) {
      tree = new ViewTree(KIT, limitsOf());
      for (const change of changes) tree.apply(change);
      tree.listener = renderer.show(tree, async () => {});
      renderer.settle(true);
    },
    apply(...changes: readonly unknown[]) {
      for (const change of changes) tree.apply(change);
      renderer.settle(true);
    },
  };
}

const listIn = (body: Element) => body.querySelector('select') as HTMLSelectElement;

/** The user takes the next choice. */
async function next(list: HTMLSelectElement): Promise<void> {
  list.focus();
  await userEvent.keyboard('{ArrowDown}');
}

const option = (id: number, value: string) => [
  ...[id, 'option', { value }, null],
  [[id + 100, value]],
];
const list = (value: string, more: object = {}) => [
  ...[0, 0, 0],
  [1, 'select', { label: 'City', value, ...more }, ['change'], [option(2, 'a'), option(3, 'b')]],
];

it('a list of choices keeps what its user has chosen until the plugin says another value', async () => {
  const { body, show, apply } = draw();
  show(list('a'));
  const select = listIn(body);
  const value = () => select.value;
  await next(select);
  apply([3, 1, { label: 'Your city' }], [0, 1, 2, option(4, 'c')]);
  show([...list('a').slice(0, 3), [7, 'select', { label: 'City', value: 'a' }, null, []]]);
  apply([0, 7, 0, option(8, 'a')], [0, 7, 1, option(9, 'b')]);
  expect(value()).toBe('a');
  await next(select);
  apply([3, 7, { disabled: true }], [3, 7, { disabled: null }]);
  expect(value()).toBe('b');
  // What was chosen is gone.
  apply([1, 9]);
  expect(value()).toBe('a');
  apply([0, 7, 1, option(10, 'b')], [3, 7, { value: 'b' }]);
  expect(value()).toBe('b');
});

it('a list of choices keeps it over an update, too', async () => {
  const { body, show } = draw();
  show(list('a'));
  const select = listIn(body);
  await next(select);
  show(list('a', { disabled: false }));
  expect(select.value).toBe('b');
});

it('a list of choices keeps it when its choices change places', async () => {
  const { body, show, apply } = draw();
  show(list('a'));
  const select = listIn(body);
  await next(select);
  // The elements stay, and stand for others.
  apply([3, 2, { value: 'new' }], [3, 3, { value: 'a' }], [0, 1, 2, option(4, 'b')]);
  expect(select.value).toBe('b');
  apply([1, 4]);
  expect(select.value).toBe('a');
});

it('groups of choices keep theirs when the view is shown again under other ids', () => {
  const { body, show } = draw();
  const radio = (id: number, value: string) => [
    ...[id, 'radio', { label: `Group ${id}`, value }, null],
    [option(id + 10, 'x'), option(id + 20, 'y')],
  ];
  const group = (id: number, value: string) => [0, 0, 1, radio(id, value)];
  const taken = () =>
    [...body.querySelectorAll('input')].map(({ checked }) => (checked ? 1 : 0)).join('');
  show([0, 0, 0, [1, 'list', { label: 'L' }, null, []]], group(7, 'y'), group(2, 'x'));
  expect(taken()).toBe('1001');
  show([0, 0, 0, [1, 'list', { label: 'L' }, null, []]], group(4, 'y'), group(7, 'x'));
  expect(taken()).toBe('1001');
});

it('a row of tabs can be reached by keys, whichever is selected', () => {
  const { body, show, apply } = draw();
  const tab = (id: number) => [id, 'tab', { selected: false }, ['press'], [[id + 100, `${id}`]]];
  show([0, 0, 0, [1, 'tabs', { label: 'T' }, null, [tab(2), tab(3)]]]);
  const reached = () =>
    [...body.querySelectorAll<HTMLElement>('[role="tab"]')].map(({ tabIndex }) => tabIndex);
  expect(reached()).toEqual([0, -1]);
  apply([3, 3, { selected: true }]);
  expect(reached()).toEqual([-1, 0]);
  apply([1, 3]);
  expect(reached()).toEqual([0]);
  apply([0, 1, 0, tab(5)]);
  expect(reached()).toEqual([0, -1]);
});

it('also one with a text before its tabs, and one whose selected tab has gone elsewhere', () => {
  const { body, show, apply } = draw();
  const tab = (id: number, selected: boolean) => [id, 'tab', { selected }, ['press'], []];
  show(
    [0, 0, 0, [1, 'tabs', { label: 'T' }, null, [[9, 'Views'], tab(2, false), tab(3, true)]]],
    [0, 0, 1, [5, 'tabs', { label: 'Other' }, null, []]],
  );
  apply([4, 3, 5, 0]);
  const reached = [...body.querySelectorAll<HTMLElement>('[role="tab"]')];
  expect(reached.map(({ tabIndex }) => tabIndex)).toEqual([0, 0]);
});

it('what has no name gets that of its type', () => {
  const { body, show } = draw();
  show([0, 0, 0, [1, 'field', { label: ' ' }, null, []]]);
  expect(body.querySelector('label')?.textContent).toBe('field');
});

it('a view takes the focus from itself, from what stands around it, and from nothing else', () => {
  document.body.innerHTML = `
    <input id="own">
    <main tabindex="-1"><section data-plinth="view"><button></button><input id="wanted"></section></main>`;
  const [own, main, inside, wanted] = ['#own', 'main', 'button', '#wanted'].map(
    (one) => document.querySelector(one) as HTMLElement,
  ) as [HTMLElement, HTMLElement, HTMLElement, HTMLElement];
  const right = new FocusRight();
  const taken = (from: HTMLElement) => {
    from.focus();
    right.used();
    right.move(wanted);
    return document.activeElement === wanted;
  };
  expect([taken(inside), taken(main), taken(own)]).toEqual([true, true, false]);
  // An element that is gone, in a link: links have a host, too.
  const link = document.createElement('a');
  link.href = 'https://a.test';
  link.append(document.createElement('input'));
  right.move(link.firstElementChild as HTMLElement);
  expect(document.activeElement).toBe(own);
});

/** Where an application may show the markup of a view. */
const AROUND = ['<div>|</div>', '<ul><li>|</li></ul>', '<table><tr><td>|</td></tr></table>'];

it('the markup of a view ends where it does, whatever stands in what', () => {
  const types = [...Object.keys(KIT), 'unknown'];
  const escaped: string[] = [];
  const node = (id: number, type: string, inside: readonly unknown[]) => {
    const isLeaf = KIT[type]?.leaf === true;
    const props = { label: 'x', text: '- [a](https://a.test)\n\n> # b', block: true };
    return [id, type, props, ['press'], isLeaf ? [] : inside];
  };
  for (const outer of types)
    for (const inner of types)
      for (const between of ['', 'stack', 'item', 'row', 'cell', 'option', 'table', 'select']) {
        const deepest = node(4, inner, [[5, 'text']]);
        const middle = between === '' ? deepest : node(3, between, [deepest, [6, 'more']]);
        const tree = new ViewTree(KIT, limitsOf());
        tree.apply([0, 0, 0, node(1, outer, [node(2, outer, [middle]), [7, 'end']])]);
        const html = htmlOf(tree.root, KIT, scope);
        for (const around of AROUND) {
          const page = document.createElement('template');
          page.innerHTML = `${around.replace('|', `<div class="box">${html}</div><i></i>`)}<b></b>`;
          const [box, after, last] = ['.box', 'i', 'b'].map((one) =>
            page.content.querySelector(one),
          );
          const ends = box?.nextElementSibling === after && after?.nextElementSibling === null;
          if (!ends || last?.parentNode !== page.content)
            escaped.push(`${outer} > ${between} > ${inner} in ${around}: ${html}`);
        }
      }
  expect(escaped.slice(0, 3)).toEqual([]);
});
