/** Guests behind two walls behave as all others do; the rest of that is in the long run of the suites. */
import { createHost, runtime } from '#host';
import { conformance } from './conformance.ts';

conformance(`${runtime} sandbox`, { isolation: 'sandbox', createHost });
