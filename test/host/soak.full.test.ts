/** Ten minutes of mixed traffic at a hundred operations a second; see `soak.ts`. */

import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { type Fault, type Setting, seedFor, soak } from './soak.ts';

const OPS = 100 * 600;
const CALLERS = 5;
const faults: readonly Fault[] = [
  'crash',
  'reload',
  'kill',
  'hibernate',
  'configure',
  'spin',
  'skew',
  'suspend',
];
const where: readonly (readonly [string, Pick<Setting, 'isolation' | 'createHost'>])[] = [
  ['inline', { isolation: 'inline' }],
  [`${runtime} worker`, { isolation: 'worker', createHost }],
];

describe('soak', () => {
  for (const [name, setting] of where) {
    it(`${name}: ${OPS} operations`, { timeout: 180_000 }, async () => {
      const outcome = await soak({
        ...setting,
        seed: seedFor(7_031_999),
        ops: OPS / CALLERS,
        every: 1_000,
        faults,
      });
      console.log(`soak, ${name}: ${JSON.stringify(outcome)}`);
      expect(outcome.ops).toBeGreaterThanOrEqual(OPS);
    });
  }
});
