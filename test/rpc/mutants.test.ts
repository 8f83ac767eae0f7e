/**
 * Tests of the model: it must detect every kind of broken link, and report nothing for a healthy
 * one.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runSchedule, schedules } from './model.ts';
import { healthy, mutants } from './mutants.ts';
import type { MakePair } from './pairs.ts';

/** Schedules that a mutant may survive. */
const numRuns = 60;

/** Runs the model. Failures aren't shrunk, because only their existence matters. */
const check = (make: MakePair) =>
  fc.check(
    // A broken link never becomes silent, so a long wait is useless.
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
