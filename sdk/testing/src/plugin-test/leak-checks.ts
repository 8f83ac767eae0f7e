/** Is everything gone when the plugin has stopped? */

import { pendingTimers } from '../clock.js';
import type { TestKernelOptions } from '../test-kernel.js';
import { ensure, type Run, type Subject } from './subject.js';

/** Starts and stops that are compared: what grows with each is left behind. */
const CYCLES = 4;

/** Without what sets timers of its own. */
const QUIET = {
  supervision: false,
  metrics: false,
  audit: false,
  hibernation: false,
  limits: false,
} as const satisfies TestKernelOptions;

/** The checks of the group `leaks`. */
export function leakRuns(subject: Subject): Readonly<Record<string, Run>> {
  const { id } = subject;
  return {
    registrations: async () => {
      await using kernel = await subject.started();
      await subject.exercise(kernel);
      await kernel.plugins.deactivate(id);
      const { commands, hooks } = kernel.plugins.capabilities(id);
      const left = [...commands, ...hooks].filter(({ active }) => active).map(({ id: one }) => one);
      ensure(left.length === 0, `${left.join(', ')} are still registered after it has stopped`);
      return 'nothing is registered after it has stopped';
    },
    ...(subject.options.host === undefined && { timers: () => timers(subject) }),
  };
}

/** Timers that pile up with each start and stop. In a worker they end with it. */
async function timers(subject: Subject): Promise<string> {
  const { id } = subject;
  await using kernel = await subject.started({ ...QUIET, clock: true });
  const cycle = async () => {
    await kernel.plugins.deactivate(id);
    await kernel.clock.advance(0);
    const pending = pendingTimers(kernel.clock);
    await kernel.plugins.activate(id);
    return pending;
  };
  const first = await cycle();
  let last = first;
  for (let count = 1; count < CYCLES; count += 1) last = await cycle();
  const grown = last - first;
  ensure(
    grown < CYCLES - 1,
    `${grown} timers are left after ${CYCLES - 1} starts and stops: clear them in ctx.defer()`,
  );
  return `no timer is left after ${CYCLES} starts and stops`;
}
