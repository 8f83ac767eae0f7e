/**
 * The cost that extensions add to calls that they don't watch. The host calls itself, so that only
 * the kernel is measured.
 *
 * Measured: CPU time of a call in a kernel with eight extensions that are asked about each target
 * and want none, compared with the same call in a kernel without extensions.
 */
import { createKernel } from '@plinth/kernel';
import { defineExtension } from '@plinth/kernel/extension';
import { type Answer, type Argument, answer, payload } from '../guest-code.ts';
import { type Outcomes, ratioFigure } from '../outcome.ts';
import type { Bench } from '../platform.ts';
import { sideBySide } from '../statistics.ts';

const EXTENSIONS = 8;
const IN_FLIGHT = 256;
const WARM_UP = 50_000;

export async function measureExtension({
  platform,
  rounds,
  milliseconds,
}: Bench): Promise<Outcomes> {
  let asked = 0;
  const watchers = Array.from({ length: EXTENSIONS }, (_, index) =>
    defineExtension({ name: `watcher-${index}`, uses: ['intercept'] }, () => ({
      install: (port) =>
        port.intercept({
          place: 'outside',
          for() {
            asked += 1;
            return undefined;
          },
        }),
    }))(),
  );
  const kernels = [await createKernel({ extensions: watchers }), await createKernel()] as const;
  const [extended, plain] = kernels.map((kernel) => {
    kernel.commands.handle('run', (argument) => answer(argument as Argument));
    return (argument: Argument) => kernel.commands.execute('host:run', argument) as Promise<Answer>;
  }) as [(argument: Argument) => Promise<Answer>, (argument: Argument) => Promise<Answer>];
  const perCall = async (way: (argument: Argument) => Promise<Answer>) => {
    let made = 0;
    const end = performance.now() + milliseconds;
    const started = platform.cpuTime();
    while (performance.now() < end) {
      const first = made;
      made += IN_FLIGHT;
      const replies = await Promise.all(
        Array.from({ length: IN_FLIGHT }, (_, index) => way(payload(first + index))),
      );
      if (!replies.every(({ ok, n }, index) => ok && n === first + index))
        throw new Error(`one of the calls from ${first} on was answered wrongly`);
    }
    return (platform.cpuTime() - started) / made;
  };
  for (const way of [extended, plain]) for (let n = 0; n < WARM_UP; n++) await way(payload(n));
  const costs = await sideBySide(
    rounds,
    () => perCall(extended),
    () => perCall(plain),
  );
  await Promise.all(kernels.map((kernel) => kernel.stop()));
  if (asked !== EXTENSIONS) throw new Error(`extensions were asked ${asked} times, not once each`);
  return { ratio: ratioFigure(costs.plinth, costs.raw, (cost) => `${cost.toFixed(2)} µs`) };
}
