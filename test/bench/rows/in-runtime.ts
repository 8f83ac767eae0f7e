/** The rows that run inside the runtime they measure, Node or a page. */
import type { RowName } from '../goals.ts';
import type { Outcomes } from '../outcome.ts';
import type { Bench } from '../platform.ts';
import { measureCrowd } from './crowd.ts';
import { measureEvents } from './events.ts';
import { measureExtension } from './extension.ts';
import { measureFlood } from './flood.ts';
import { measureHeld } from './held.ts';
import { measureKernel } from './kernel.ts';
import { measureOtel } from './otel.ts';
import { measureRelay } from './relay.ts';
import { measureResolve10k } from './resolve10k.ts';
import { measureSandbox } from './sandbox.ts';
import { measureSearch10k } from './search10k.ts';
import { measureSettle } from './settle.ts';
import { measureSpare } from './spare.ts';
import { measureSwap } from './swap.ts';
import { measureValidation } from './validation.ts';

export const IN_RUNTIME: Readonly<Partial<Record<RowName, (bench: Bench) => Promise<Outcomes>>>> = {
  kernel: measureKernel,
  validation: measureValidation,
  extension: measureExtension,
  otel: measureOtel,
  relay: measureRelay,
  events: measureEvents,
  crowd: measureCrowd,
  spare: measureSpare,
  sandbox: measureSandbox,
  held: measureHeld,
  settle: measureSettle,
  flood: measureFlood,
  resolve10k: measureResolve10k,
  search10k: measureSearch10k,
  swap: measureSwap,
};
