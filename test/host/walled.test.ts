/** Guests behind two walls behave like all others; the remaining suites run in the long form. */

import { describe } from 'vitest';
import { createHost, runtime } from '#host';
import { has } from '../matrix/gaps.ts';
import { conformance } from './conformance.ts';

describe.skipIf(!(await has('wall')))('behind a wall', () => {
  conformance(`${runtime} sandbox`, { isolation: 'sandbox', createHost });
});
