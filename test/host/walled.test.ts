/** Guests behind two walls behave as all others do; those behind one, in the long run of the suites. */
import { createHost, runtime } from '#host';
import { conformance } from './conformance.ts';
import { wireConformance } from './wire-conformance.ts';

const setting = { isolation: 'sandbox', createHost } as const;
conformance(`${runtime} sandbox`, setting);
wireConformance(`${runtime} sandbox`, setting);
