import { createHost, runtime } from '#host';
import { conformance } from './conformance.ts';
import { lanesConformance } from './lanes-conformance.ts';
import { wireConformance } from './wire-conformance.ts';

const setting = { isolation: 'worker', createHost } as const;
conformance(`${runtime} worker`, setting);
wireConformance(`${runtime} worker`, setting);
lanesConformance(`${runtime} worker`, setting);
