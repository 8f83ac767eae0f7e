/**
 * Views of plugins in a page, whose plugin runs in a worker.
 *
 * Measured: the time from a click of the user to the changed text, beyond that of a call without a
 * view in the same click, since browsers draw a frame right after a click; 1 000 rows until they stand in
 * the page, compared with the same rows by Preact in the page itself; and how long 60 changes of a
 * view keep the page's thread at work, also beyond the same changes by Preact in the page, since the
 * browser itself works for each changed text.
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
  const views = busy.map(({ view }) => view);
  const beyondOwn = busy.map(({ view, own }) => view - own);
  return {
    click: {
      value: medianOf(beyond),
      rounds: beyond,
      detail: `${milliseconds(whole('view'))} and ${milliseconds(whole('call'))}`,
    },
    rows: ratioFigure(rows.plinth, rows.raw, milliseconds),
    updates: { value: medianOf(views), rounds: views },
    updatesBeyond: {
      value: Math.max(0, medianOf(beyondOwn)),
      rounds: beyondOwn,
      detail: `${milliseconds(medianOf(views))} and ${milliseconds(medianOf(busy.map(({ own }) => own)))}`,
    },
  };
}

/** Milliseconds in which the page's thread runs scripts and layout for 60 changes. */
interface Busy {
  readonly view: number;
  readonly own: number;
}

async function busyOf(session: CDPSession, inPage: <T>(call: string) => Promise<T>): Promise<Busy> {
  const measure = async (place: '#counter' | '#own') => {
    const before = await workOf(session);
    const counted = await inPage<number>(`counted('${place}')`);
    await pause(WATCHED);
    const work = (await workOf(session)) - before;
    return { work, changes: (await inPage<number>(`counted('${place}')`)) - counted };
  };
  const idle = await measure('#counter');
  const ofChanges = async (tick: 'tick' | 'tickOwn', place: '#counter' | '#own') => {
    await inPage(`${tick}(true)`);
    const { work, changes } = await measure(place);
    await inPage(`${tick}(false)`);
    if (changes < 30) throw new Error(`the text changed ${changes} times a second`);
    return (Math.max(0, work - idle.work) * 60) / changes;
  };
  return { view: await ofChanges('tick', '#counter'), own: await ofChanges('tickOwn', '#own') };
}

async function workOf(session: CDPSession): Promise<number> {
  const { metrics } = await session.send('Performance.getMetrics');
  const seconds = ['ScriptDuration', 'LayoutDuration', 'RecalcStyleDuration'].map(
    (name) => metrics.find((one) => one.name === name)?.value ?? 0,
  );
  return seconds.reduce((sum, one) => sum + one, 0) * 1_000;
}
