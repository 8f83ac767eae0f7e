/** Tests of the model: it must notice each way in which a link can be broken, and nothing in a healthy one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runSchedule, schedules } from './model.ts';
import { healthy, mutants } from './mutants.ts';
import type { MakePair } from './pairs.ts';

/** Schedules that a mutant may survive. */
const numRuns = 60;

/** Runs the model; what is found isn't shrunk, because only that it is found matters. */
const check = (make: MakePair) =>
  fc.check(
    // A broken link never comes to rest: there is no use in waiting long.
    fc.asyncProperty(schedules, (schedule) => runSchedule(schedule, make, { turns: 200 })),
    { numRuns, seed: 20_261_121, endOnFailure: true },
  );

describe('the model', () => {
  for (const [what, make] of healthy) {
    it(`finds nothing: ${what}`, async () => {
      expect(await check(make)).toMatchObject({ failed: false, numRuns, errorInstance: null });
    });
  }

  for (const [what, make] of mutants) {
    it(`finds: ${what}`, async () => {
      expect(await check(make)).toMatchObject({ failed: true });
    });
  }
});
