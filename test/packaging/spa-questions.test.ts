/** The queue of dialogs in the page examples, and what a permission prompt answers. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { consentBy } from '../../examples/spa-plain/src/core/consent.ts';
import { Notices } from '../../examples/spa-plain/src/core/notices.ts';
import { PAUSE, Questions } from '../../examples/spa-plain/src/core/questions.ts';

const question = (title: string) => ({
  title,
  plugin: 'test.a',
  lines: [],
  choices: ['No', 'Yes'],
});
const request = (scope: string) => ({
  plugin: 'test.a',
  version: '1.0.0',
  reason: 'request' as const,
  permissions: { 'commands.execute': [scope] },
});

const { signal } = new AbortController();
let questions: Questions;
const shown = () => questions.current.value?.title;
const answer = (choice: number | null) => {
  if (questions.current.value === undefined) throw new Error('nothing is asked');
  vi.advanceTimersByTime(PAUSE);
  questions.answer(questions.current.value, choice);
};

beforeEach(() => {
  vi.useFakeTimers();
  questions = new Questions();
});
afterEach(() => {
  vi.useRealTimers();
});

it('one question is shown at a time, in the order in which they came', async () => {
  const answers = [questions.ask(question('first')), questions.ask(question('second'))];
  expect(shown()).toBe('first');
  answer(1);
  expect(shown()).toBe('second');
  answer(null);
  expect(shown()).toBeUndefined();
  expect(await Promise.all(answers)).toEqual([1, null]);
  expect(vi.getTimerCount()).toBe(0);
});

it('a press that was meant for the question before is no answer', async () => {
  const first = questions.ask(question('first'));
  const second = questions.ask(question('second'));
  answer(1);
  const shownNow = questions.current.value;
  if (shownNow === undefined) throw new Error('nothing is asked');
  questions.answer(shownNow, 1);
  expect([await first, shown()]).toEqual([1, 'second']);
  // It can be closed at once.
  questions.answer(shownNow, null);
  expect(await second).toBe(null);
});

it('a question that is asked again is another one, so that its dialog begins at the first choice', () => {
  void questions.ask(question('the same'));
  void questions.ask(question('the same'));
  const first = questions.current.value?.key;
  answer(1);
  expect(shown()).toBe('the same');
  expect(questions.current.value?.key).not.toBe(first);
  questions.close();
});

it('a notice that comes again stands there once', () => {
  const notices = new Notices();
  const notice = { name: 'A', text: 'does not work', tone: 'bad' } as const;
  notices.add(notice);
  notices.add({ ...notice, text: 'works' });
  notices.add(notice);
  expect(notices.list.value.map(({ text }) => text)).toEqual(['works', 'does not work']);
  notices.clear();
  expect([notices.list.value, vi.getTimerCount()]).toEqual([[], 0]);
});

it('the time of a question runs from when it is seen', async () => {
  const first = questions.ask(question('first'));
  const second = questions.ask(question('second'));
  vi.advanceTimersByTime(119_000);
  answer(1);
  vi.advanceTimersByTime(119_000);
  expect([await first, shown()]).toEqual([1, 'second']);
  vi.advanceTimersByTime(1_000);
  expect([await second, shown()]).toEqual([null, undefined]);
});

it('a question ends with its signal, also while it waits, and no later answer counts', async () => {
  const ends = [new AbortController(), new AbortController()];
  const [first, second] = ends.map(({ signal }, at) => questions.ask(question(`${at}`), signal));
  const seen = questions.current.value;
  ends[1]?.abort();
  expect(await second).toBe(null);
  ends[0]?.abort();
  expect([await first, shown()]).toEqual([null, undefined]);
  if (seen !== undefined) questions.answer(seen, 1);
  expect(await questions.ask(question('late'), AbortSignal.abort())).toBe(null);
  expect(vi.getTimerCount()).toBe(0);
});

it('what waits when the page ends is answered', async () => {
  const answers = [questions.ask(question('first')), questions.ask(question('second'))];
  questions.close();
  expect(await Promise.all(answers)).toEqual([null, null]);
  expect([shown(), vi.getTimerCount()]).toEqual([undefined, 0]);
});

it('a prompt allows once, always, or not, and a closed one decides nothing', async () => {
  const consent = consentBy(questions, () => 'A');
  for (const [choice, decision] of [
    [0, false],
    [1, { for: 60_000 }],
    [2, true],
    [null, undefined],
  ] as const) {
    const decided = consent(request('x:a'), { signal });
    expect(shown()).toBe('A asks for your permission');
    answer(choice);
    expect(await decided).toEqual(decision);
  }
});

it('an update asks each time, and only a yes is one', async () => {
  const consent = consentBy(questions, () => 'A');
  const update = { ...request('x:a'), reason: 'update' as const };
  for (const [choice, decision] of [
    [null, undefined],
    [0, false],
    [1, true],
  ] as const) {
    const decided = consent(update, { signal });
    answer(choice);
    expect(await decided).toBe(decision);
  }
});
