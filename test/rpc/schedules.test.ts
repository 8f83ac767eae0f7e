/** Random schedules over every way in which two links can be connected; short and seeded here. */
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { runSchedule, schedules } from './model.ts';
import { pairs } from './pairs.ts';

describe('Link schedules', () => {
  for (const [how, make] of pairs) {
    it(`${how}: order, single settlement, cancels, streams, moved buffers and the end are correct`, async () => {
      await fc.assert(
        fc.asyncProperty(schedules, (schedule) => runSchedule(schedule, make)),
        { numRuns: 150, seed: 20_261_121 },
      );
    });
  }
});
