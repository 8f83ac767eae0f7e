import { expect, test } from 'vitest';
import type { Column } from './comparison.ts';
import { measureAll } from './measure.ts';
import { failure, type Outcome } from './outcome.ts';
import type { Runtime } from './runtimes.ts';

const answer = (value: unknown): Outcome => ({ kind: 'answer', value });

/** A runtime that answers as it is told, and writes down when it is asked. */
function runtime(title: string, outcomes: readonly Outcome[], asked: string[] = []): Runtime {
  let next = 0;
  return {
    title,
    async call() {
      asked.push(title);
      return outcomes[next++ % outcomes.length] as Outcome;
    },
    artefact: async (plugin) => `file of ${plugin}`,
    stop: async () => {},
  };
}

async function columnsOf(
  runtimes: readonly Runtime[],
  calls = 1,
  signal = new AbortController().signal,
): Promise<readonly Column[]> {
  let last: readonly Column[] = [];
  await measureAll(
    runtimes,
    { command: 'demo.notes:list', input: undefined, calls },
    {
      signal,
      most: 10_000,
      tell: (columns) => {
        last = columns;
      },
    },
  );
  return last;
}

test('one runtime is asked after the other, and each of its calls is counted', async () => {
  const asked: string[] = [];
  const flaky = [answer(1), failure('call/timeout', 'too late')];
  const columns = await columnsOf([runtime('a', flaky, asked), runtime('b', flaky, asked)], 4);
  expect(asked.join('')).toBe('aaaabbbb');
  for (const column of columns) {
    expect(column).toMatchObject({ state: 'done', ended: 4, failed: 2, text: '1' });
    expect(column.artefact).toBe('file of demo.notes');
    expect(column.times?.p99).toBeGreaterThanOrEqual(column.times?.median ?? Number.NaN);
  }
});

test.each<[string, Outcome, Outcome, object]>([
  ['equal answers', answer({ a: 1 }), answer({ a: 1 }), { equal: true }],
  ['other answers', answer({ a: 1 }), answer({ a: 2 }), { equal: false, path: '$.a' }],
  ['errors of one code', failure('a/b', 'one'), failure('a/b', 'other'), { equal: true }],
  [
    'errors of two codes',
    failure('a/b', 'one'),
    failure('a/c', 'one'),
    { equal: false, here: 'the error a/b', there: 'the error a/c' },
  ],
  [
    'an answer and an error',
    answer(1),
    failure('a/b', 'one'),
    { equal: false, here: 'an answer', there: 'the error a/b' },
  ],
  ['two streams', { kind: 'stream' }, { kind: 'stream' }, { equal: true }],
])('the second runtime is compared with the first: %s', async (_name, one, other, difference) => {
  const [first, second] = await columnsOf([runtime('a', [one]), runtime('b', [other])]);
  expect(first?.difference).toBeUndefined();
  expect(second?.difference).toMatchObject(difference);
});

test('what is cancelled asks no further, and no other runtime', async () => {
  const stop = new AbortController();
  const asked: string[] = [];
  const first = runtime('a', [answer(1)], asked);
  const cancelling: Runtime = {
    ...first,
    call(...given) {
      stop.abort();
      return first.call(...given);
    },
  };
  const columns = await columnsOf([cancelling, runtime('b', [answer(1)], asked)], 9, stop.signal);
  expect(asked).toEqual(['a']);
  expect(columns.map(({ state }) => state)).toEqual(['running', 'waiting']);
});

test('a plugin cannot fill the page with its code or its message', () => {
  expect(failure('c'.repeat(10_000), 'm\u202E'.repeat(10_000))).toMatchObject({
    code: expect.stringMatching(/^c{80}…$/),
    message: expect.stringMatching(/^[^\u202E]{1000,8000}…$/),
  });
});
