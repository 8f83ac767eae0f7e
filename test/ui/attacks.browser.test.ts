/** What a hostile view tries in a page. Each attack is shown by a real worker. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { userEvent } from 'vitest/browser';
import { createHost } from '#host';
import { showView } from '../../extensions/ui/src/show-view.ts';
import { has } from '../matrix/gaps.ts';
import { startKernel } from '../support/kernels.ts';
import { PANEL, sending, startPanel, viewPackage } from './kernels.ts';
import { mount, until } from './page.ts';

const EVIL = 'https://evil.test';
const leaf = (type: string, props: Record<string, unknown>) => [
  [0, 0, 0, [1, type, props, ['press'], []]],
];
const many = (count: number) => Array.from({ length: count }, (_, at) => at);

/** Shown, with nothing of what it tries. */
const HARMLESS: Readonly<Record<string, unknown>> = {
  'a script': [[0, 0, 0, [1, 'script', {}, null, [[2, 'globalThis.pwned = true']]]]],
  'an element of the page by its tag': leaf('iframe', {
    src: `${EVIL}/frame`,
    srcdoc: '<script>parent.pwned=1</script>',
  }),
  'an image that loads': leaf('img', { src: `${EVIL}/beacon`, onerror: 'globalThis.pwned = true' }),
  'the kit’s image with an address': leaf('image', {
    src: `${EVIL}/beacon`,
    data: `${EVIL}/beacon`,
    label: 'x',
  }),
  'an image of SVG': leaf('image', {
    data: btoa(`<svg xmlns="http://www.w3.org/2000/svg"><image href="${EVIL}"/></svg>`),
    label: 'x',
  }),
  'handlers as props': leaf('button', {
    onclick: 'globalThis.pwned = true',
    onPress: 'globalThis.pwned = true',
  }),
  'markup as a prop': leaf('stack', {
    innerHTML: '<img src=x: onerror="globalThis.pwned=true">',
    textContent: 'x',
  }),
  'markup as React has it': leaf('stack', {
    dangerouslySetInnerHTML: '<img>',
    ref: 'x',
    children: 'x',
  }),
  'a style': leaf('stack', {
    style: 'position:fixed;inset:0;z-index:9999',
    class: 'admin',
    className: 'admin',
  }),
  'an id and a slot': leaf('stack', { id: 'appConfig', slot: 'actions', name: 'currentUser' }),
  'a link that runs': leaf('link', { to: 'javascript:globalThis.pwned = true' }),
  'a link with a line break': leaf('link', { to: 'java\nscript:globalThis.pwned = true' }),
  'a link to data': leaf('link', { to: 'data:text/html,<script>1</script>' }),
  'a link that looks like another': leaf('link', { to: 'https://bank.test@evil.test/' }),
  'a link with an object': leaf('link', { to: { toString: 'x' } }),
  'a form': leaf('form', { action: `${EVIL}/form`, method: 'post' }),
  'a field for secrets': leaf('field', {
    kind: 'password',
    label: 'Password',
    autocomplete: 'current-password',
    name: 'password',
    form: 'login',
  }),
  'the focus': leaf('field', { autofocus: true, focus: true, label: 'x' }),
  'a popover': leaf('button', {
    popovertarget: 'menu',
    command: 'show-modal',
    commandfor: 'menu',
    formaction: EVIL,
  }),
  'a base and a refresh': [
    [0, 0, 0, [1, 'base', { href: EVIL }, null, []]],
    [0, 0, 1, [2, 'meta', { 'http-equiv': 'refresh', content: '0;url=data:,gone' }, null, []]],
  ],
  'names that every object has': [
    [
      0,
      0,
      0,
      [1, 'constructor', {}, ['constructor', '__proto__'], [[2, '__proto__', {}, null, []]]],
    ],
    [0, 0, 1, [3, 'toString', { hasOwnProperty: 'x', valueOf: 1 }, null, []]],
    [3, 1, { toString: 'x' }, ['valueOf']],
  ],
  'texts of another kind in props': leaf('button', { label: 7, tone: 'url(evil)', disabled: 'no' }),
};

/** Refused, and not asked again. */
const REFUSED: Readonly<Record<string, unknown>> = {
  'no list': { 0: 1 },
  'a change that is no list': [{ 0: 1 }],
  'a change that there is not': [[9, 1]],
  'an id twice': [
    [0, 0, 0, [1, 'stack', {}, null, []]],
    [0, 0, 0, [1, 'stack', {}, null, []]],
  ],
  'an id that is no number': [[0, 0, 0, ['1', 'stack', {}, null, []]]],
  'the root removed': [[1, 0]],
  'the root moved': [[4, 0, 0, 0]],
  'a node moved into itself': [
    [0, 0, 0, [1, 'stack', {}, null, [[2, 'stack', {}, null, []]]]],
    [4, 1, 2, 0],
  ],
  'a child of a leaf': [[0, 0, 0, [1, 'field', { label: 'x' }, null, [[2, 'x']]]]],
  'a child of a text': [
    [0, 0, 0, [1, 'x']],
    [0, 1, 0, [2, 'y']],
  ],
  'a place that there is not': [[0, 0, 5, [1, 'x']]],
  'a node that there is not': [[3, 77, {}]],
  'props that are a list': [[0, 0, 0, [1, 'stack', [1], null, []]]],
  'too many props': [
    [0, 0, 0, [1, 'stack', Object.fromEntries(many(100).map((at) => [`p${at}`, 1])), null, []]],
  ],
  'too many events': [[0, 0, 0, [1, 'button', {}, many(100).map(String), []]]],
  'too many nodes': [[0, 0, 0, [1, 'stack', {}, null, many(20_000).map((at) => [at + 2, 'x'])]]],
  'names that every object has, and then too many nodes': [
    [0, 0, 0, [1, 'stack', { constructor: 1, toString: 1, valueOf: 'x' }, null, []]],
    [0, 0, 0, [2, 'stack', {}, null, many(20_000).map((at) => [at + 3, 'x'])]],
  ],
  'too many changes': many(30_000).map(() => [1, 5]),
  'too deep': [
    [
      0,
      0,
      0,
      many(40).reduce<unknown>(
        (inside, at) => [at + 1, 'stack', {}, null, inside === null ? [] : [inside]],
        null,
      ),
    ],
  ],
  'a long text': [[0, 0, 0, [1, 'x'.repeat(20_000)]]],
  'much text in small parts': [
    [0, 0, 0, [1, 'stack', {}, null, many(200).map((at) => [at + 2, 'x'.repeat(9_000)])]],
  ],
  'much text in props': many(150).map((at) => [
    0,
    0,
    0,
    [at + 1, 'field', { label: 'x', value: 'x'.repeat(9_000) }, null, []],
  ]),
  'a long type': [[0, 0, 0, [1, 'x'.repeat(100), {}, null, []]]],
};

const show = async (code: string) => {
  const kernel = await startKernel({ isolation: 'worker', createHost }, [viewPackage(code)]);
  return { kernel, view: mount(kernel) };
};
const showBatch = (batch: unknown) =>
  show(sending(`yield ${JSON.stringify(JSON.stringify(batch))};`));

/** What must not have happened. */
function harm(): readonly string[] {
  const found: string[] = [];
  const page = globalThis as { readonly pwned?: unknown; readonly appConfig?: unknown };
  if (page.pwned !== undefined) found.push('code ran');
  if (page.appConfig instanceof Element) found.push('a global is shadowed');
  if (Reflect.get({}, 'polluted') !== undefined) found.push('a prototype is changed');
  if (document.activeElement !== document.body) found.push('the focus is taken');
  if (document.baseURI.startsWith(EVIL)) found.push('the base has moved');
  const asked = performance
    .getEntriesByType('resource')
    .filter(({ name }) => name.startsWith(EVIL));
  if (asked.length > 0) found.push('a request went out');
  const inside = document.querySelectorAll('aside [data-plinth="view-body"] *');
  for (const element of inside) {
    for (const { name, value } of element.attributes) {
      if (/^(on|style$|class$|id$|slot$|src$|form|popover|autofocus|command|name$)/.test(name))
        found.push(`${element.localName} has ${name}="${value.slice(0, 40)}"`);
      if (/javascript|evil\.test/i.test(value)) found.push(`${element.localName} has ${value}`);
    }
    if (/^(script|iframe|form|base|meta|style|object|embed|svg|template)$/.test(element.localName))
      found.push(`there is a ${element.localName}`);
    if ((element as HTMLInputElement).type === 'password') found.push('there is a password field');
  }
  return found;
}

beforeEach(() => performance.clearResourceTimings());
afterEach(() => Reflect.deleteProperty(globalThis, 'pwned'));

describe('a hostile view', () => {
  it.each(Object.entries(HARMLESS))('shows nothing of: %s', async (_, batch) => {
    const { view } = await showBatch(batch);
    await until(() => view.shown.state === 'shown', 'shown');
    for (const link of view.body.querySelectorAll('a')) {
      expect(link.hasAttribute('href')).toBe(false);
      await userEvent.click(link, { force: true, timeout: 500 }).catch(() => {});
    }
    expect(harm()).toEqual([]);
  });

  it.each(Object.entries(REFUSED))('is refused for: %s', async (_, batch) => {
    const { view } = await showBatch(batch);
    await until(() => view.shown.state === 'failed', 'refused');
    expect(view.shown.error).toMatchObject({ code: 'view/refused' });
    expect(view.states.filter((one) => one === 'opening')).toHaveLength(1);
    expect(harm()).toEqual([]);
  });

  it.each([
    ['20 MB of text', `yield 'x'.repeat(20_000_000);`],
    ['no text', 'yield 7;'],
    ['a text that is no JSON', `yield '[[0';`],
    ['a million brackets', `yield '['.repeat(1_000_000);`],
  ])('is refused for a batch of %s', async (_, batches) => {
    const { view } = await show(sending(batches));
    await until(() => view.shown.state === 'failed', 'refused');
    expect(view.shown.error).toMatchObject({ code: 'view/refused' });
  });

  it('is refused for an image that is small as bytes and huge as pixels', async () => {
    const png = new Uint8Array(33);
    const view = new DataView(png.buffer);
    view.setUint32(0, 0x89504e47);
    png.set(
      [...'IHDR'].map((letter) => letter.charCodeAt(0)),
      12,
    );
    view.setUint32(16, 60_000);
    view.setUint32(20, 60_000);
    const data = btoa(String.fromCharCode(...png));
    const { view: shown } = await showBatch(leaf('image', { data, label: 'big' }));
    await until(() => shown.shown.state === 'shown', 'shown');
    expect(shown.body.querySelector('img')?.getAttribute('src')).toBeNull();
  });

  it('leaves the page its frames while it floods, and closes at once', async () => {
    const flood = `
      yield JSON.stringify([[0, 0, 0, [1, 'stack', {}, null, [[2, '0']]]]]);
      for (let n = 0; ; n++)
        yield JSON.stringify(Array.from({ length: 200 }, (_, k) => [2, 2, String(n * 200 + k)]));`;
    const { view } = await show(sending(flood));
    await until(() => view.shown.state === 'shown', 'shown');
    let frames = 0;
    await new Promise<void>((resolve) => {
      const tick = () => {
        frames += 1;
        if (frames === 30) resolve();
        else requestAnimationFrame(tick);
      };
      requestAnimationFrame(tick);
    });
    const before = performance.now();
    await view.shown.close();
    expect(performance.now() - before).toBeLessThan(10_000);
  });

  it.each(['at once', 'a microtask later, as React does'])(
    'gives the page the frames that its changes have taken: drawn %s',
    async (when) => {
      const few = `
        yield JSON.stringify([[0, 0, 0, [1, '0']]]);
        for (let n = 1; n <= 4; n++) yield JSON.stringify([[2, 1, String(n)]]);`;
      const kernel = await startKernel({ isolation: 'worker', createHost }, [
        viewPackage(sending(few)),
      ]);
      let frame = 0;
      const tick = () => {
        frame += 1;
        if (drawn.length < 5) requestAnimationFrame(tick);
      };
      const drawn: number[] = [];
      const draw = () => {
        // As long as five shares.
        for (const until = performance.now() + 30; performance.now() < until; );
        drawn.push(frame);
      };
      requestAnimationFrame(tick);
      const shown = showView(
        kernel,
        { plugin: PANEL, view: 'panel' },
        {
          show: () => ({ insert() {}, remove() {}, text() {}, change() {}, move() {} }),
          settle: () => (when === 'at once' ? draw() : queueMicrotask(draw)),
        },
      );
      await until(() => drawn.length === 5, 'all drawn');
      await shown.close();
      // The first is the view as a whole.
      const rests = drawn.slice(2).map((at, index) => at - (drawn[index + 1] as number));
      expect(Math.min(...rests)).toBeGreaterThan(2);
    },
  );

  it('gives the page its frames within the largest batch', { timeout: 60_000 }, async () => {
    const moves = `
      // Each takes its own ten with it: a fast machine must not be done in one frame.
      const own = (k) => Array.from({ length: 10 }, (_, at) => [1_000 + k * 10 + at, 'x']);
      const kids = Array.from({ length: 200 }, (_, k) => [k + 10, 'stack', {}, null, own(k)]);
      yield JSON.stringify([[0, 0, 0, [1, 'stack', {}, null, kids]], [0, 0, 1, [2, 'stack', {}, null, []]]]);
      yield JSON.stringify(Array.from({ length: 20000 }, (_, k) => [4, (k % 200) + 10, 1 + (k >> 2) % 2, 0]));
      yield JSON.stringify([[0, 0, 2, [9, 'the end']]]);`;
    const { view } = await show(sending(moves));
    await until(() => view.shown.state === 'shown', 'shown');
    const frames = new Set<number>();
    let frame = 0;
    let watching = true;
    const tick = () => {
      frame += 1;
      if (watching) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
    const changes = new MutationObserver(() => frames.add(frame));
    changes.observe(view.body, { childList: true, subtree: true });
    const text = () => view.body.textContent;
    await expect.poll(text, { timeout: 55_000 }).toMatch(/the end$/);
    watching = false;
    changes.disconnect();
    expect(frames.size).toBeGreaterThan(2);
    expect(view.shown.state).toBe('shown');
  });

  it('that grows without end is refused at the limit, and others stay as they are', async () => {
    const grow = `
      yield JSON.stringify([[0, 0, 0, [1, 'stack', {}, null, []]]]);
      for (let n = 2; ; n += 500)
        yield JSON.stringify(Array.from({ length: 500 }, (_, k) => [0, 1, 0, [n + k, 'x']]));`;
    const other = await startPanel();
    const calm = mount(other);
    await until(() => calm.shown.state === 'shown', 'the other view is shown');
    const kernel = await startKernel({ isolation: 'worker', createHost }, [
      viewPackage(sending(grow)),
    ]);
    const view = mount(kernel, { limits: { nodes: 2_000 } });
    await until(() => view.shown.state === 'failed', 'refused');
    expect(view.shown.error).toMatchObject({ code: 'view/refused' });
    await userEvent.click(calm.button('count 0'));
    await until(() => calm.slot.innerText.includes('count 1'), 'the other view works');
  });

  it('that is refused is not asked again by retries of its own, but by an update', async () => {
    const { kernel, view } = await showBatch([[1, 0]]);
    await until(() => view.shown.state === 'failed', 'refused');
    await kernel.plugins.reload(PANEL);
    await until(
      () => view.states.filter((one) => one === 'opening').length === 2,
      'asked once more',
    );
  });

  it('can lead to https alone, and the application has the last word', async () => {
    const onLink = vi.fn((_: URL) => false);
    const batch = [[0, 0, 0, [1, 'link', { to: 'https://good.test/a' }, null, [[2, 'good']]]]];
    const code = sending(`yield ${JSON.stringify(JSON.stringify(batch))};`);
    const kernel = await startKernel({ isolation: 'worker', createHost }, [viewPackage(code)]);
    const view = mount(kernel, { onLink });
    await until(() => view.shown.state === 'shown', 'shown');
    const link = view.body.querySelector('a') as HTMLAnchorElement;
    expect([link.rel, link.target]).toEqual(['noopener noreferrer nofollow', '_blank']);
    await userEvent.click(link);
    expect(onLink.mock.calls.map(([url]) => url.href)).toEqual(['https://good.test/a']);
    if (!(await has('input'))) return;
    await userEvent.click(link, { button: 'middle' });
    expect(onLink).toHaveBeenCalledTimes(2);
    // The browser's menu would hear what other tests do.
    link.addEventListener('contextmenu', (event) => event.preventDefault());
    await userEvent.click(link, { button: 'right' });
    expect(onLink).toHaveBeenCalledTimes(2);
  });
});
