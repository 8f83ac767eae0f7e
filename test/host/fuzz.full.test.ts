/** The fuzz of `fuzz.test.ts`, much longer. */

import { it } from 'vitest';
import { runtime } from '#host';
import { expectReached, fuzz } from './fuzz-run.ts';

it(`${runtime} worker: 10,000 forged messages change nothing outside their guest`, {
  timeout: 180_000,
}, async () => {
  expectReached(await fuzz(10_000, 7_031_999), 10_000);
});
