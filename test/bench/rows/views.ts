/**
 * Views of plugins in a page, whose plugin runs in a worker.
 *
 * Measured: the time from a click of the user to the changed text, beyond that of a call without a
 * view in the same click, since browsers draw a frame right after a click; 1 000 rows until they stand in
 * the page, compared with the same rows by Preact in the page itself; and how long scripts of the page
 * run for 60 changes of a view. The browser's own work for each changed text, style and layout, is
 * told beside, and the same changes by Preact in the page.
 */
import type { CDPSession, Page } from 'playwright';
import { milliseconds, type Outcomes, ratioFigure } from '../outcome.ts';
import { medianOf, pause } from '../statistics.ts';
import type { Clicked } from '../view-page.ts';

const CLICKS = 60;
/** Milliseconds for which changes are watched in a round. */
const WATCHED = 1_000;

/** Measures in a page that the driver has opened. */
export async function measureViews(page: Page, code: string, rounds: number): Promise<Outcomes> {
  const inPage = <T>(call: string): Promise<T> =>
    page.evaluate(`import('/test/bench/view-page.ts').then((functions) => functions.${call})`);
  const { x, y } = await inPage<{ x: number; y: number }>(`show(${JSON.stringify(code)})`);
  const click = async (): Promise<readonly Clicked[]> => {
    for (let at = 1; at <= CLICKS; at++) {
      await page.mouse.click(x, y);
      await inPage(`answered(${at})`);
    }
    return inPage('clickTimes()');
  };
  await click();
  await inPage(`rowTimes(3)`);
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  const clicks: (readonly Clicked[])[] = [];
  const busy: Busy[] = [];
  for (let round = 0; round < rounds; round++) {
    clicks.push(await click());
    busy.push(await busyOf(session, inPage));
  }
  const rows = await inPage<{ plinth: number[]; raw: number[] }>(`rowTimes(${rounds})`);
  const beyond = clicks.map((all) => medianOf(all.map(({ view, call }) => view - call)));
  const whole = (which: keyof Clicked) => medianOf(clicks.flat().map((one) => one[which]));
  const scripts = busy.map(({ view }) => view.script);
  const beyondOwn = busy.map(({ view, own }) => sumOf(view) - sumOf(own));
  const whole60 = (which: keyof Busy) =>
    milliseconds(medianOf(busy.map((one) => sumOf(one[which]))));
  return {
    click: {
      value: medianOf(beyond),
      rounds: beyond,
      detail: `${milliseconds(whole('view'))} and ${milliseconds(whole('call'))}`,
    },
    rows: ratioFigure(rows.plinth, rows.raw, milliseconds),
    updates: {
      value: medianOf(scripts),
      rounds: scripts,
      detail: `with style and layout ${whole60('view')}`,
    },
    updatesBeyond: {
      value: Math.max(0, medianOf(beyondOwn)),
      rounds: beyondOwn,
      detail: `${whole60('view')} and ${whole60('own')}`,
    },
  };
}

/** Milliseconds of the page's thread. */
interface Work {
  readonly script: number;
  /** Style and layout, which the browser does for any changed text. */
  readonly drawing: number;
}

/** What 60 changes cost. */
interface Busy {
  readonly view: Work;
  readonly own: Work;
}

const sumOf = ({ script, drawing }: Work): number => script + drawing;

async function busyOf(session: CDPSession, inPage: <T>(call: string) => Promise<T>): Promise<Busy> {
  const measure = async (place: '#counter' | '#own') => {
    const before = await workOf(session);
    const counted = await inPage<number>(`counted('${place}')`);
    await pause(WATCHED);
    const after = await workOf(session);
    return {
      work: { script: after.script - before.script, drawing: after.drawing - before.drawing },
      changes: (await inPage<number>(`counted('${place}')`)) - counted,
    };
  };
  const idle = await measure('#counter');
  const ofChanges = async (tick: 'tick' | 'tickOwn', place: '#counter' | '#own') => {
    await inPage(`${tick}(true)`);
    const { work, changes } = await measure(place);
    await inPage(`${tick}(false)`);
    if (changes < 30) throw new Error(`the text changed ${changes} times a second`);
    const of60 = (kind: keyof Work) => (Math.max(0, work[kind] - idle.work[kind]) * 60) / changes;
    return { script: of60('script'), drawing: of60('drawing') };
  };
  return { view: await ofChanges('tick', '#counter'), own: await ofChanges('tickOwn', '#own') };
}

async function workOf(session: CDPSession): Promise<Work> {
  const { metrics } = await session.send('Performance.getMetrics');
  const of = (name: string) => (metrics.find((one) => one.name === name)?.value ?? 0) * 1_000;
  return {
    script: of('ScriptDuration'),
    drawing: of('LayoutDuration') + of('RecalcStyleDuration'),
  };
}
