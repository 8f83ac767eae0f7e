import { createHost, runtime } from '#host';
import { conformance } from './conformance.ts';

conformance(`${runtime} worker`, { isolation: 'worker', createHost });
