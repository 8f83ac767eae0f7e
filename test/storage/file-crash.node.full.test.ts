import { expect, it } from 'vitest';
import { crashRepeatedly } from './file-crash.ts';

it('fileStorage() loses no acknowledged write and tears none in 100 kills', {
  timeout: 300_000,
}, async () => {
  const report = await crashRepeatedly(100);
  expect(report.problems).toEqual([]);
  expect(report.acknowledged).toBeGreaterThan(500);
  // Otherwise the kills missed the moment they are meant for.
  expect(report.interrupted).toBeGreaterThan(5);
});
