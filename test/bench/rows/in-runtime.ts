/** The rows that run inside the runtime they measure, Node or a page. */
import type { RowName } from '../goals.ts';
import type { Outcomes } from '../outcome.ts';
import type { Bench } from '../platform.ts';
import { measureCrowd } from './crowd.ts';
import { measureEvents } from './events.ts';
import { measureFlood } from './flood.ts';
import { measureKernel } from './kernel.ts';
import { measureRelay } from './relay.ts';
import { measureSettle } from './settle.ts';
import { measureSpare } from './spare.ts';

export const IN_RUNTIME: Readonly<Partial<Record<RowName, (bench: Bench) => Promise<Outcomes>>>> = {
  kernel: measureKernel,
  relay: measureRelay,
  events: measureEvents,
  crowd: measureCrowd,
  spare: measureSpare,
  settle: measureSettle,
  flood: measureFlood,
};
