/**
 * The rows that run inside the runtime they measure, Node or a page. Each is loaded when it is
 * chosen, because a commit that is compared may not have the packages of all of them.
 */
import type { RowName } from '../goals.ts';
import type { Outcomes } from '../outcome.ts';
import type { Bench } from '../platform.ts';

export const IN_RUNTIME: Readonly<Partial<Record<RowName, (bench: Bench) => Promise<Outcomes>>>> = {
  kernel: async (bench) => (await import('./kernel.ts')).measureKernel(bench),
  validation: async (bench) => (await import('./validation.ts')).measureValidation(bench),
  extension: async (bench) => (await import('./extension.ts')).measureExtension(bench),
  otel: async (bench) => (await import('./otel.ts')).measureOtel(bench),
  relay: async (bench) => (await import('./relay.ts')).measureRelay(bench),
  events: async (bench) => (await import('./events.ts')).measureEvents(bench),
  crowd: async (bench) => (await import('./crowd.ts')).measureCrowd(bench),
  spare: async (bench) => (await import('./spare.ts')).measureSpare(bench),
  sandbox: async (bench) => (await import('./sandbox.ts')).measureSandbox(bench),
  held: async (bench) => (await import('./held.ts')).measureHeld(bench),
  settle: async (bench) => (await import('./settle.ts')).measureSettle(bench),
  flood: async (bench) => (await import('./flood.ts')).measureFlood(bench),
  resolve10k: async (bench) => (await import('./resolve10k.ts')).measureResolve10k(bench),
  search10k: async (bench) => (await import('./search10k.ts')).measureSearch10k(bench),
  swap: async (bench) => (await import('./swap.ts')).measureSwap(bench),
};
