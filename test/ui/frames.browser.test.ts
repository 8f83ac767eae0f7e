/** Frames: what a plugin draws for itself, and what it can't do from there. */

import type { ShownView, ViewState } from '@plinth/ui/dom';
import { type FrameOptions, mountFrame } from '@plinth/ui/frame';
import { ui } from '@plinth/ui/host';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { userEvent } from 'vitest/browser';
import { createHost } from '#host';
import { has } from '../matrix/gaps.ts';
import { nextEvent, startKernel } from '../support/kernels.ts';
import { PANEL, viewPackage } from './kernels.ts';
import { until } from './page.ts';
import framesCode from './plugins/frames.ts?bundle';

const hasInput = await has('input');
const mounted: ShownView[] = [];
afterEach(async () => {
  await Promise.all(mounted.splice(0).map((one) => one.close()));
  document.body.replaceChildren();
  document.documentElement.removeAttribute('style');
});

const start = () =>
  startKernel({ isolation: 'worker', createHost }, [
    viewPackage(framesCode, {
      provides: ['plinth.frame@1'],
      permissions: { contracts: { provide: ['plinth.frame'] } },
      activation: [
        'command:plinth.frame:open',
        ...['code', 'told'].map((one) => `command:${PANEL}:${one}`),
      ],
    }),
  ]);

/** Shows a script. What it passes to `tell` is in `told()`. */
async function show(
  script: string,
  props?: unknown,
  options: Partial<FrameOptions> = {},
  shadow = false,
) {
  const kernel = await start();
  const run = (command: string, input?: unknown) =>
    kernel.commands.execute(`${PANEL}:${command}`, input);
  await run('code', script);
  const outside = document.createElement('main');
  document.body.append(outside);
  const place = document.createElement('div');
  (shadow ? outside.attachShadow({ mode: 'open' }) : outside).append(place);
  const states: ViewState[] = [];
  const shown = mountFrame(place, kernel, {
    plugin: PANEL,
    view: 'panel',
    ...(props !== undefined && { props }),
    ...options,
    onState: (state) => states.push(state),
  });
  mounted.push(shown);
  const told = async () => (await run('told')) as readonly unknown[];
  const frame = () => place.querySelector('iframe');
  return { kernel, run, place, shown, states, told, frame };
}
const tells = async (told: () => Promise<readonly unknown[]>, what: unknown) =>
  expect.poll(told).toEqual(what);

describe('a frame', () => {
  it('draws, calls its plugin, and hears it', async () => {
    const { place, run, told, states } = await show(
      `plinth.ready.then(async (props) => {
         plinth.on((message) => plinth.call('tell', message));
         const failed = await plinth.call('fail').catch((error) => error.message);
         const none = await plinth.call('none').catch((error) => error.message);
         await plinth.call('tell', [props, await plinth.call('add', 2), failed, none]);
       });`,
      { name: 'Ada' },
    );
    await expect.poll(told).toHaveLength(1);
    expect((await told())[0]).toEqual([
      { name: 'Ada' },
      2,
      'it has failed',
      "the frame 'panel' has no call 'none': there are add, tell, fail, wait, large",
    ]);
    await run('send', { x: [1] });
    await expect.poll(async () => (await told())[1]).toEqual({ x: [1] });
    expect(place.querySelector('header')?.textContent).toBe('The panel');
    expect(place.querySelector('iframe')?.title).toBe('The panel');
    expect(states).toEqual(['opening', 'shown']);
  });

  it('gets the colours of the application, also when they change', async () => {
    document.documentElement.style.setProperty('--plinth-color-accent', 'rgb(1, 2, 3)');
    const { told } = await show(
      `plinth.ready.then(async () => {
         for (let last = ''; ;) {
           const now = getComputedStyle(document.documentElement).getPropertyValue('--plinth-color-accent');
           if (now !== last) await plinth.call('tell', last = now);
           await new Promise(requestAnimationFrame);
         }
       });`,
    );
    await expect.poll(told).toContain('rgb(1, 2, 3)');
    document.documentElement.style.setProperty('--plinth-color-accent', 'rgb(4, 5, 6)');
    await expect.poll(told).toContain('rgb(4, 5, 6)');
  });

  it('without a script says so', async () => {
    const { shown } = await show(undefined as never);
    await until(() => shown.state === 'failed', 'failed');
    expect(shown.error?.message).toContain("the 'script' of the frame 'panel' is a text");
  });

  it('that has failed ends with its kernel', async () => {
    const { kernel, shown } = await show(undefined as never);
    await until(() => shown.state === 'failed', 'failed');
    await kernel.stop({ drain: 0 });
    await until(() => shown.state === 'closed', 'closed');
  });

  it('hears null for what is no data, and each message that follows', async () => {
    const { run, told } = await show(
      `plinth.on((message) => plinth.call('tell', [message]));
       plinth.ready.then(() => plinth.call('tell', 'begun'));`,
    );
    await tells(told, ['begun']);
    await run('send');
    await run('send', 'next');
    await tells(told, ['begun', [null], ['next']]);
  });

  it('is shown again when its plugin is replaced or has crashed, and ends with the kernel', async () => {
    const { kernel, run, shown, states, frame } = await show(`plinth.call('tell', 'here')`);
    await until(() => shown.state === 'shown', 'shown');
    const first = frame();
    await kernel.plugins.reload(PANEL);
    await until(() => states.filter((one) => one === 'shown').length === 2, 'shown again');
    expect(frame()).not.toBe(first);
    expect(document.querySelectorAll('iframe')).toHaveLength(1);
    const back = nextEvent(kernel, 'plugin:restarted');
    void run('crash').catch(() => {});
    await back;
    await until(() => states.filter((one) => one === 'shown').length === 3, 'shown a third time');
    await kernel.plugins.disable(PANEL);
    await until(() => shown.state === 'failed', 'failed');
    expect(frame()).toBeNull();
    await kernel.plugins.enable(PANEL);
    await kernel.plugins.activate(PANEL);
    await until(() => shown.state === 'shown', 'shown once more');
    await kernel.stop({ drain: 0 });
    await until(() => shown.state === 'closed', 'closed');
    expect(frame()).toBeNull();
  });

  it.skipIf(!hasInput)('can be reached and left by keys', async () => {
    const { shown, place, told, frame } = await show(
      `document.body.innerHTML = '<input aria-label="inside">';
       document.querySelector('input').oninput = ({ target }) => plinth.call('tell', target.value);`,
    );
    await until(() => shown.state === 'shown', 'shown');
    const before = document.createElement('button');
    place.before(before);
    before.focus();
    await userEvent.keyboard('{Tab}');
    expect(document.activeElement?.textContent).toBe('Open The panel');
    await userEvent.keyboard('{Enter}');
    await until(() => document.activeElement === frame(), 'the focus');
    await userEvent.keyboard('{Tab}a');
    await tells(told, ['a']);
    await userEvent.keyboard('{Escape}');
    await until(() => document.activeElement?.textContent === 'Open The panel', 'left');
  });
});

describe('a frame in a shadow tree', () => {
  it.skipIf(!hasInput)('is left by Escape', async () => {
    const { shown, place, frame, told } = await show(
      `document.body.innerHTML = '<input aria-label="inside">';
       document.querySelector('input').oninput = ({ target }) => plinth.call('tell', target.value);`,
      undefined,
      {},
      true,
    );
    await until(() => shown.state === 'shown', 'shown');
    const root = place.getRootNode() as ShadowRoot;
    const enter = place.querySelector('button') as HTMLButtonElement;
    enter.focus();
    await userEvent.keyboard('{Enter}');
    await until(() => root.activeElement === frame(), 'the focus');
    await userEvent.keyboard('{Tab}a');
    await tells(told, ['a']);
    await userEvent.keyboard('{Escape}');
    await until(() => root.activeElement === enter, 'left');
  });

  it('gets back what it has taken', async () => {
    const { states, place, frame, run } = await show(
      `plinth.on(() => { window.focus(); document.body.tabIndex = 0; document.body.focus(); });`,
      undefined,
      {},
      true,
    );
    await until(() => states.includes('shown'), 'shown');
    const [other, field] = [document.createElement('input'), document.createElement('input')];
    place.before(other, field);
    other.focus();
    // The document hears nothing of this move.
    field.focus();
    await run('send', 1);
    const root = place.getRootNode() as ShadowRoot;
    await until(() => frame() === null || root.activeElement === field, 'the focus is back');
    expect(root.activeElement).toBe(field);
  });
});

describe('a hostile frame', () => {
  const witness = () => `${inject('witness')}/${crypto.randomUUID()}`;
  const seen = async (url: string): Promise<readonly string[]> =>
    (await fetch(url.replace(/\/([^/]*)$/, '/seen/$1'))).json() as Promise<string[]>;

  const WAYS: Readonly<Record<string, string>> = {
    'a request': `fetch(URL, { mode: 'no-cors' }).catch(() => {})`,
    'a beacon': `navigator.sendBeacon(URL, 'x')`,
    'an image': `new Image().src = URL`,
    'a style sheet': `document.head.innerHTML = '<link rel=stylesheet href="' + URL + '">'`,
    'a style that loads': `document.body.style.backgroundImage = 'url(' + URL + ')'`,
    'a font': `new FontFace('x', 'url(' + URL + ')').load().catch(() => {})`,
    'a prefetch': `document.head.innerHTML = '<link rel=prefetch href="' + URL + '">'`,
    'a script': `document.head.append(Object.assign(document.createElement('script'), { src: URL }))`,
    'a worker': `new Worker('data:text/javascript,fetch("' + URL + '")')`,
    'a worker of bytes': `new Worker(window.URL.createObjectURL(new Blob(['fetch("' + URL + '")'])))`,
    'a frame': `document.body.innerHTML = '<iframe src="' + URL + '"></iframe>'`,
    'a frame with a script of its own': `document.body.innerHTML = '<iframe srcdoc="<script>fetch(&quot;' + URL + '&quot;)</' + 'script>"></iframe>'`,
    'an object': `document.body.innerHTML = '<object data="' + URL + '"></object>'`,
    'a form': `document.body.innerHTML = '<form action="' + URL + '" method=post></form>'; document.forms[0].submit()`,
    'going elsewhere': `location.href = URL`,
    'a refresh': `document.head.innerHTML = '<meta http-equiv=refresh content="0;url=' + URL + '">'`,
    'the frame around it': `parent.location.href = URL`,
    'the page': `top.location.href = URL`,
    'a window': `open(URL)`,
    'a link with a ping': `document.body.innerHTML = '<a href="' + URL + '" ping="' + URL + '">x</a>'; document.querySelector('a').click()`,
    'a socket': `new WebSocket(URL.replace('http', 'ws'))`,
    'a video': `document.body.innerHTML = '<video src="' + URL + '" autoplay></video>'`,
    'a stream of events': `new EventSource(URL)`,
  };

  it.each(Object.entries(WAYS))('sends nothing by %s', async (_, way) => {
    const url = witness();
    const { shown, told } = await show(
      `plinth.ready.then(async () => {
         const URL = ${JSON.stringify(url)};
         await plinth.call('tell', 'begun');
         try { ${way.replaceAll('window.URL', 'globalThis.URL')}; } catch {}
       });`,
    );
    await expect.poll(told).toContain('begun');
    // A witness that begins later finishes first; a frame that has gone elsewhere tells nothing.
    const control = witness();
    for (let time = 0; time < 30; time++) await fetch(control);
    for (let frame = 0; frame < 10; frame++) await new Promise(requestAnimationFrame);
    expect(await seen(control)).toHaveLength(30);
    expect(await seen(url)).toEqual([]);
    expect(['shown', 'opening', 'failed']).toContain(shown.state);
    expect(location.href).not.toBe(url);
  });

  it('reaches nothing of the page, its storage, and no peer', async () => {
    const { told } = await show(
      `const tries = {
         parent: () => parent.document.body,
         top: () => top.document.body,
         frame: () => frameElement.ownerDocument,
         cookie: () => document.cookie || undefined,
         storage: () => localStorage.length,
         database: () => indexedDB.open('x') && 'opened',
         peer: () => new RTCPeerConnection(),
         code: () => eval('1'),
         function: () => new Function('return 1')(),
         dialog: () => { alert(1); return undefined; },
       };
       const reached = Object.entries(tries).flatMap(([name, go]) => {
         try { const got = go(); return got === undefined || got === null ? [] : [name]; } catch { return []; }
       });
       document.body.innerHTML = '<img src=x onerror="plinth.call(\\'tell\\', \\'handler ran\\')"><iframe></iframe>';
       try { if (frames[0].RTCPeerConnection) reached.push('a peer of another frame'); } catch {}
       plinth.call('tell', { origin, reached });`,
    );
    await expect.poll(told).toEqual([{ origin: 'null', reached: ['database'].slice(1) }]);
  });

  it('begins with the same script in a frame of its own, without a peer', async () => {
    const { told } = await show(
      `const own = document.currentScript.textContent;
       if (globalThis.name === '') {
         addEventListener('message', ({ data }) => /^inside/.test(data) && plinth.call('tell', data));
         const frame = document.createElement('iframe');
         frame.setAttribute('sandbox', 'allow-scripts');
         frame.name = 'nested';
         frame.srcdoc = '<script>' + own + '</' + 'script>';
         document.body.append(frame);
         (async () => {
           for (let at = 0; at < 30; at++) await new Promise(requestAnimationFrame);
           await plinth.call('tell', 'waited');
         })();
       } else parent.postMessage('inside ' + typeof RTCPeerConnection, '*');`,
    );
    await expect.poll(told).toContain('waited');
    // WebKit doesn't begin such a frame at all.
    if (hasInput) await expect.poll(told).toContain('inside undefined');
    expect(await told()).not.toContain('inside function');
  });

  it.each([
    ['what is no text', `port.postMessage({})`],
    ['what is no JSON', `port.postMessage('[[')`],
    ['what is no list', `port.postMessage('{}')`],
    ['another kind', `port.postMessage('["run",1]')`],
    ['a call without a number', `port.postMessage('["call","1","add","1"]')`],
    ['a long text', `port.postMessage('x'.repeat(1_000_001))`],
    [
      'long texts without end',
      `const text = JSON.stringify(['leave', 0, 'x'.repeat(900_000)]); for (let n = 0; n < 5; n++) port.postMessage(text)`,
    ],
    ['messages without end', `for (let n = 0; n < 2_000; n++) port.postMessage('["leave",0]')`],
  ])('is refused for %s', async (_, say) => {
    const { shown, frame, states } = await show(
      `addEventListener('message', ({ ports: [port] }) => { if (port) setTimeout(() => { ${say}; }, 50); });`,
    );
    await until(() => shown.state === 'failed', 'refused');
    expect(shown.error).toMatchObject({ code: 'view/refused' });
    expect(frame()).toBeNull();
    expect(states.filter((one) => one === 'opening')).toHaveLength(1);
  });

  it('that calls too much, or gets too much, is told so', async () => {
    const { told, run } = await show(
      `plinth.ready.then(async () => {
         const waits = Array.from({ length: 32 }, () => plinth.call('wait'));
         const more = await plinth.call('add', 1).catch((error) => error.message);
         await Promise.all(waits);
         await plinth.call('tell', more);
       });`,
    );
    await expect.poll(told).toHaveLength(32);
    await run('go');
    await expect.poll(told).toContain('32 calls are open already');
    const large = await show(
      `plinth.call('large').catch((error) => plinth.call('tell', error.message));`,
    );
    await tells(large.told, ['an answer has at most 1000000 characters']);
  });

  it('that hears nothing gets no more than a few messages, and the others when it does', async () => {
    const { run, told } = await show(
      `plinth.ready.then(async () => {
         let heard = 0;
         plinth.on(() => { heard += 1; });
         await plinth.call('tell', 'begun');
         const end = performance.now() + 300;
         while (performance.now() < end);
         while (heard < 100) await new Promise((done) => setTimeout(done, 10));
         await plinth.call('tell', heard);
       });`,
    );
    await expect.poll(told).toEqual(['begun']);
    for (let at = 0; at < 100; at++) await run('send', 'x'.repeat(10_000));
    await expect.poll(told).toEqual(['begun', 100]);
  });

  it('that never says what it has heard ends all the same', async () => {
    const { kernel, run, place, shown, frame } = await show(
      `plinth.ready.then(() => { JSON.parse = () => { throw new Error('deaf'); }; });`,
    );
    await until(() => shown.state === 'shown', 'shown');
    for (let at = 0; at < 40; at++) await run('send', at);
    await shown.close();
    expect(place.childElementCount).toBe(0);
    const again = mountFrame(place, kernel, { plugin: PANEL, view: 'panel', patience: 500 });
    mounted.push(again);
    await until(() => again.state === 'shown', 'shown again');
    for (let at = 0; at < 40; at++) await run('send', at);
    await kernel.stop({ drain: 0 });
    await until(() => frame() === null, 'ended');
  });

  it.each(['a click', 'Tab'])('cannot take the focus from the page after %s', async (by) => {
    const { shown, place, frame } = await show(
      `document.body.innerHTML = '<input>';
       setInterval(() => {
         document.querySelector('input').blur();
         window.focus();
         document.querySelector('input').focus();
       }, 10);`,
    );
    const field = document.createElement('input');
    const first = document.createElement('input');
    place.before(first, field);
    await userEvent.click(by === 'Tab' ? first : field);
    if (by === 'Tab') await userEvent.tab();
    // WebKit lets none of them in.
    if (hasInput) {
      await until(() => shown.state === 'failed', 'refused');
      expect(shown.error?.message).toContain('it takes the focus from the page');
      expect(frame()).toBeNull();
    }
    await userEvent.keyboard('typed in the page');
    expect(document.activeElement).toBe(field);
    expect(field.value).toBe('typed in the page');
  });
});

describe('a slot', () => {
  it('shows frames only where the application wants them', async () => {
    const present = { notify() {}, ask: async () => null };
    const views = ['plain', 'pixels'].map((slot) => ({ id: slot, title: 'P', slot, frame: true }));
    const kernel = await startKernel(
      { isolation: 'worker', createHost },
      [
        viewPackage(framesCode, {
          provides: ['plinth.frame@1'],
          permissions: { contracts: { provide: ['plinth.frame'] } },
          activation: ['command:plinth.frame:open'],
          contributes: { ui: { views } },
        }),
      ],
      { extensions: [ui({ slots: ['plain', 'pixels'], frames: ['pixels'], present })] },
    );
    const bench = kernel.extension(ui);
    expect(bench.views('plain')).toEqual([]);
    expect(bench.views('pixels').map(({ id }) => id)).toEqual(['pixels']);
  });
});

// It ends its turn by itself after 4 s: Chromium has opaque frames of all pages in one process, so
// guests of other tests in the sandbox would wait with it.
describe.skipIf(!(await has('frame-thread')))('a frame that does not end a turn', () => {
  it('leaves the page its frames, and is ended when it has not listened for too long', async () => {
    const spin = `let end; plinth.on(() => { end ??= Date.now() + 4_000; while (Date.now() < end); });`;
    const { run, shown, frame } = await show(spin, undefined, {
      patience: 1_000,
    });
    await until(() => shown.state === 'shown', 'shown');
    let frames = 0;
    const counted = (async () => {
      while (shown.state === 'shown') {
        await new Promise(requestAnimationFrame);
        frames += 1;
      }
    })();
    // What it doesn't hear must not keep it.
    for (let at = 0; at < 40; at++) await run('send', at);
    await counted;
    expect(frames).toBeGreaterThan(10);
    expect(shown.state).toBe('failed');
    expect(shown.error).toMatchObject({ code: 'guest/unresponsive', plugin: PANEL });
    expect(frame()).toBeNull();
  });
});
