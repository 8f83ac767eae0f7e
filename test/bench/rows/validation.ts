/**
 * The cost that schemas add to a call. The host calls itself, so that only the kernel is measured:
 * with a worker between caller and provider the same cost is a smaller part of the call.
 *
 * Measured: CPU time of a call through a typed client, its input parsed by the provider and its
 * output by the caller, both with valibot, compared with the same call of a contract without
 * schemas. Argument and answer are copied in both cases.
 */
import { createKernel } from '@plinth/kernel';
import { command, contract } from '@plinth/sdk';
import { type Answer, type Argument, answer, payload } from '../guest-code.ts';
import { type Outcomes, ratioFigure } from '../outcome.ts';
import { answerSchema, argumentSchema } from '../parsed-contract.ts';
import type { Bench } from '../platform.ts';
import { sideBySide } from '../statistics.ts';

const Parsed = contract('bench.parsed@1', {
  run: command({ input: argumentSchema, output: answerSchema }),
});
const Plain = contract('bench.plain@1', { run: command({}) });

const IN_FLIGHT = 256;
const WARM_UP = 50_000;

export async function measureValidation({
  platform,
  rounds,
  milliseconds,
}: Bench): Promise<Outcomes> {
  const kernel = await createKernel();
  kernel.provide(Parsed, { run: answer });
  kernel.provide(Plain, { run: (argument) => answer(argument as Argument) });
  const parsed = kernel.client(Parsed);
  let called = 0;
  const ways = {
    plinth(argument: Argument) {
      called += 1;
      return parsed.run(argument);
    },
    raw: kernel.client(Plain).run as (argument: Argument) => Promise<Answer>,
  };
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
  for (const way of Object.values(ways)) for (let n = 0; n < WARM_UP; n++) await way(payload(n));
  const costs = await sideBySide(
    rounds,
    () => perCall(ways.plinth),
    () => perCall(ways.raw),
  );
  const { failures, validations } = kernel.metrics.snapshot();
  await kernel.stop();
  if (failures !== 0 || validations !== 2 * called)
    throw new Error(
      `the kernel counted ${failures} failures and ${validations} validations for ${called} calls with schemas`,
    );
  return { ratio: ratioFigure(costs.plinth, costs.raw, (cost) => `${cost.toFixed(2)} µs`) };
}
