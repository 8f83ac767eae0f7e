/** The schedules of `lifecycle-model.test.ts`, many more of them. */

import fc from 'fast-check';
import { describe, it } from 'vitest';
import { createHost, runtime } from '#host';
import { runSchedule, type Setting, sequences, storms } from './lifecycle-model.ts';

const settings: readonly (readonly [string, Setting, number])[] = [
  ['inline', { isolation: 'inline' }, 400],
  [`${runtime} worker`, { isolation: 'worker', createHost }, 80],
];

describe('lifecycle model', () => {
  for (const [where, setting, numRuns] of settings) {
    for (const [how, schedules] of Object.entries({
      'one at a time': sequences,
      'at once': storms,
    })) {
      it(`${where}, ${how}: holds for ${numRuns} schedules`, { timeout: 240_000 }, async () => {
        await fc.assert(
          fc.asyncProperty(schedules, (schedule) => runSchedule(schedule, setting)),
          { numRuns, seed: 7_031_999, endOnFailure: true },
        );
      });
    }
  }
});
