/** A guest with access to its raw port posts mutated valid frames; short and seeded here. */

import { it } from 'vitest';
import { runtime } from '#host';
import { expectReached, fuzz } from './fuzz-run.ts';

it(`${runtime} worker: 600 forged messages change nothing outside their guest`, {
  timeout: 60_000,
}, async () => {
  expectReached(await fuzz(600, 20_261_121), 600);
});
