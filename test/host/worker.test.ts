import { createHost, runtime } from '#host';
import { conformance } from './conformance.ts';
import { wireConformance } from './wire-conformance.ts';

conformance(`${runtime} worker`, { isolation: 'worker', createHost });
wireConformance(`${runtime} worker`, { isolation: 'worker', createHost });
