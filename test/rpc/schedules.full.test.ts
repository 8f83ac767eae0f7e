/** The schedules of `schedules.test.ts`, many more of them. */
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { runSchedule, schedules } from './model.ts';
import { pairs } from './pairs.ts';

describe('Link schedules', () => {
  for (const [how, make] of pairs) {
    it(`${how}: 1,000 of them are correct`, { timeout: 180_000 }, async () => {
      await fc.assert(
        fc.asyncProperty(schedules, (schedule) => runSchedule(schedule, make)),
        { numRuns: 1_000, seed: 7_031_999 },
      );
    });
  }
});
