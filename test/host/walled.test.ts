/** Guests behind two walls behave as all others do; the rest of that is in the long run of the suites. */
import { createHost, runtime } from '#host';
import { describe } from 'vitest';
import { has } from '../matrix/gaps.ts';
import { conformance } from './conformance.ts';

describe.skipIf(!(await has('wall')))('behind a wall', () => {
  conformance(`${runtime} sandbox`, { isolation: 'sandbox', createHost });
});
