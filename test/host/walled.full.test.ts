/** Guests behind the outer wall alone, and the wire's guarantees for those behind both. */
import { createHost, runtime } from '#host';
import { conformance } from './conformance.ts';
import { wireConformance } from './wire-conformance.ts';

conformance(`${runtime} process`, { isolation: 'process', createHost });
for (const isolation of ['process', 'sandbox'] as const)
  wireConformance(`${runtime} ${isolation}`, { isolation, createHost });
