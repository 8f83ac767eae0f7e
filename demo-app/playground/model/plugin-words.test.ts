import type { Question } from '@plinth/ui/host';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PluginWords } from './plugin-words.ts';

beforeEach(() => {
  vi.useFakeTimers();
  // What has changed is drawn later.
  vi.stubGlobal('document', { hidden: true });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const say = (words: PluginWords, text: string) =>
  words.notify({ plugin: 'test.a', name: 'Test', text, tone: 'plain' });
const question = (title: string, signal = new AbortController().signal): Question => ({
  ...{ plugin: 'test.a', name: 'Test', title, text: undefined, choices: ['Yes', 'No'], signal },
});

test('the last four notices are shown, and each goes by itself', () => {
  const words = new PluginWords();
  for (const text of ['a', 'b', 'c', 'd', 'e']) say(words, text);
  expect(words.notices.map(({ text }) => text)).toEqual(['e', 'd', 'c', 'b']);
  vi.advanceTimersByTime(7_000);
  say(words, 'f');
  vi.advanceTimersByTime(1_000);
  expect(words.notices.map(({ text }) => text)).toEqual(['f']);
  words.close(words.notices[0]?.key ?? 0);
  expect(words.notices).toEqual([]);
});

test('questions take turns, and the first answer counts', async () => {
  const words = new PluginWords();
  const answers = [words.ask(question('first')), words.ask(question('second'))];
  const { question: first } = words;
  first?.answer(1);
  first?.answer(0);
  expect(words.question?.title).toBe('second');
  words.question?.answer(0);
  expect(await Promise.all(answers)).toEqual([1, 0]);
  expect(words.question).toBeUndefined();
});

test('a question closes when its plugin waits no longer', async () => {
  const words = new PluginWords();
  const gone = new AbortController();
  const answer = words.ask(question('late', gone.signal));
  gone.abort();
  expect(await answer).toBeNull();
  expect(words.question).toBeUndefined();
});

test('a name is told with its id, which no other plugin has', () => {
  const words = new PluginWords();
  words.notify({ plugin: 'test.a', name: 'Notes', text: 'all are gone', tone: 'plain' });
  words.notify({ plugin: 'demo.notes', name: 'Notes', text: 'one more', tone: 'plain' });
  void words.ask(question('sure?'));
  expect(words.notices.map(({ from }) => from)).toEqual(['Notes', 'Notes (test.a)']);
  expect(words.question?.from).toBe('Test (test.a)');
});
