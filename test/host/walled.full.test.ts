/** Guests behind the outer wall alone behave as all others do. */
import { createHost, runtime } from '#host';
import { conformance } from './conformance.ts';
import { wireConformance } from './wire-conformance.ts';

const setting = { isolation: 'process', createHost } as const;
conformance(`${runtime} process`, setting);
wireConformance(`${runtime} process`, setting);
