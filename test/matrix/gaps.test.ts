/** The list of gaps is true in this runtime. It also fails when a gap has been closed. */
import { describe, expect, inject, it } from 'vitest';
import { GAPS, has } from './gaps.ts';

describe('gaps', () => {
  for (const { id, what, legs } of GAPS) {
    it(`${id}: ${what}`, async () => {
      expect(await has(id), `whether ${inject('leg')} has it`).toBe(
        !(legs as readonly string[]).includes(inject('leg')),
      );
    });
  }
});
