import { expect, test } from 'vitest';
import { linesOf, paced } from './paced.ts';

test('lines are those of the text, without the last empty one', () => {
  expect([...linesOf('a\n\nb\n')]).toEqual(['a', '', 'b']);
  expect([...linesOf('')]).toEqual([]);
});

test('other work goes on between 100,000 items', async () => {
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  });
  let count = 0;
  for await (const _ of paced(linesOf('x\n'.repeat(100_000)))) count += 1;
  clearInterval(timer);
  expect(count).toBe(100_000);
  expect(turns).toBeGreaterThan(10);
});
