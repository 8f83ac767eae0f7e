/** Forged messages on the ports of this runtime; seeded. */

import { it } from 'vitest';
import { runtime } from '#host';
import { expectReached, fuzz } from '../host/fuzz-run.ts';

it(`${runtime} worker: 2,000 forged messages change nothing outside their guest`, {
  timeout: 120_000,
}, async () => {
  expectReached(await fuzz(2_000, 20_261_121), 2_000);
});
