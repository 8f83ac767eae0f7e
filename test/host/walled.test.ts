/** Guests behind a wall behave as all others do. */
import { createHost, runtime } from '#host';
import { conformance } from './conformance.ts';
import { wireConformance } from './wire-conformance.ts';

for (const isolation of ['process', 'sandbox'] as const) {
  conformance(`${runtime} ${isolation}`, { isolation, createHost });
  wireConformance(`${runtime} ${isolation}`, { isolation, createHost });
}
