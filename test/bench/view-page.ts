/** Views in a page, for the driver of their row: a counter, a list, and the same list by Preact. */
import { browserHost } from '@plinth/host-browser';
import { createKernel, type Kernel, packageSource } from '@plinth/kernel';
import { mountView } from '@plinth/ui/dom';
import { h, render } from 'preact';
import type { Pairs } from './statistics.ts';
import { pause, sideBySide, timeOf } from './statistics.ts';

const ID = 'bench.views';
const ROWS = 1_000;
let kernel: Kernel;
let clicks: Clicked[] = [];
let last: Promise<number> | undefined;
let onClick = () => {};

/** Milliseconds of one click, and of a call without a view that is made in it. */
export interface Clicked {
  readonly view: number;
  readonly call: number;
}

/** Shows the counter and the list. Answers the middle of the button. */
export async function show(code: string): Promise<{ readonly x: number; readonly y: number }> {
  const manifest = {
    id: ID,
    version: '1.0.0',
    main: 'plugin.js',
    engines: { plinth: '^1.0.0' },
    provides: ['plinth.view@1'],
    permissions: { contracts: { provide: ['plinth.view'] } },
  };
  kernel = await createKernel({
    host: browserHost(),
    telemetry: { log: false },
    sources: [packageSource([{ manifest, code }])],
  });
  await kernel.start();
  for (const view of ['counter', 'list']) {
    const place = document.createElement('div');
    place.id = view;
    document.body.append(place);
    mountView(place, kernel, { plugin: ID, view });
  }
  const own = document.createElement('div');
  own.id = 'own';
  document.body.append(own);
  await changed('#counter', () => document.querySelector('#counter button') !== null);
  // Scripts of the page hear an event before it reaches the view, and the text when it is there.
  let since = 0;
  addEventListener(
    'click',
    () => {
      since = performance.now();
      last = timeOf(() => kernel.commands.execute(`${ID}:nothing`));
    },
    { capture: true },
  );
  new MutationObserver(() => {
    const view = performance.now() - since;
    void last?.then((call) => {
      clicks.push({ view, call });
      onClick();
    });
    last = undefined;
  }).observe(document.querySelector('#counter') as Element, {
    characterData: true,
    subtree: true,
  });
  const { left, top } = (
    document.querySelector('#counter button') as Element
  ).getBoundingClientRect();
  return { x: left + 5, y: top + 5 };
}

/** Resolves when so many clicks are answered. */
export function answered(count: number): Promise<void> {
  return new Promise((resolve) => {
    onClick = () => {
      if (clicks.length >= count) resolve();
    };
    onClick();
  });
}

/** The clicks since the last time. */
export function clickTimes(): readonly Clicked[] {
  const taken = clicks;
  clicks = [];
  return taken;
}

/** Milliseconds until all rows stand in the page and have their places: of a plugin, and of Preact in the page itself. */
export async function rowTimes(rounds: number): Promise<Pairs<number>> {
  const own = document.querySelector('#own') as Element;
  const rowsOf = (place: string) => document.querySelectorAll(`${place} li`).length;
  let first = 0;
  return sideBySide(
    rounds,
    async () => {
      first += ROWS;
      const time = await timeOf(async () => {
        const there = changed('#list', () => rowsOf('#list') === ROWS);
        await Promise.all([there, kernel.commands.execute(`${ID}:rows`, first)]);
        document.querySelector('#list')?.getBoundingClientRect();
      });
      const gone = changed('#list', () => rowsOf('#list') === 0);
      await Promise.all([gone, kernel.commands.execute(`${ID}:rows`, -1)]);
      return time;
    },
    async () => {
      first += ROWS;
      const row = (at: number) =>
        h('li', { key: first + at, 'data-plinth': 'item' }, h('span', null, `Row ${first + at}`));
      const list = () =>
        h(
          'ul',
          null,
          Array.from({ length: ROWS }, (_, at) => row(at)),
        );
      const time = await timeOf(async () => {
        render(list(), own);
        own.getBoundingClientRect();
      });
      render(null, own);
      await pause(20);
      return time;
    },
  );
}

/** Starts or ends 60 changes a second. */
export async function tick(on: boolean): Promise<void> {
  await kernel.commands.execute(`${ID}:tick`, on);
}

let ticking: ReturnType<typeof setInterval> | undefined;

/** Starts or ends the same changes by Preact in the page. */
export function tickOwn(on: boolean): void {
  clearInterval(ticking);
  const own = document.querySelector('#own') as Element;
  let count = 0;
  const change = () => {
    count += 1;
    render(h('button', { type: 'button' }, `count ${count}`), own);
  };
  if (on) ticking = setInterval(change, 1_000 / 60);
  else render(null, own);
}

/** The number in a counter. */
export const counted = (place: '#counter' | '#own'): number =>
  Number(document.querySelector(`${place} button`)?.textContent?.slice('count '.length) ?? 0);

/** Resolves when a change in a place has made it so. */
function changed(place: string, isSo: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      if (!isSo()) return;
      observer.disconnect();
      resolve();
    };
    const observer = new MutationObserver(done);
    observer.observe(document.querySelector(place) as Element, { childList: true, subtree: true });
    done();
  });
}
