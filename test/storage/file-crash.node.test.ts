import { expect, it } from 'vitest';
import { crashRepeatedly } from './file-crash.ts';

it('fileStorage() loses no acknowledged write and tears none in 5 kills', async () => {
  const report = await crashRepeatedly(5);
  expect(report.problems).toEqual([]);
  expect(report.acknowledged).toBeGreaterThanOrEqual(5);
});
