/**
 * The kernel's own cost of a call, without any worker.
 *
 * Measured: CPU time of a call through a typed client to a contract that the host provides, with
 * its input and output checked, three middlewares around it, a deadline and metrics; minus the CPU
 * time of the same handler awaited in its own promise. One thread, 256 calls in flight, as in the
 * throughput rows: what the kernel does once per turn (its clock, its flush) is shared in the same
 * way. In a page, which has no CPU clock, the time of a loop that never waits is used.
 *
 * A host's command copies its values, as a worker's port would. That is transport, so the first
 * figure calls with a number, which needs no copy, while the schemas still check a whole argument
 * and answer. The second figure sends the argument itself and includes the copies. Not included: a
 * permission check, which only plugins' calls have (one lookup in a Map; the relay row includes
 * it).
 */
import { createKernel, type Kernel } from '@plinth/kernel';
import { command, contract } from '@plinth/sdk';
import {
  type Answer,
  type Argument,
  answer,
  checking,
  isAnswer,
  isArgument,
  payload,
} from '../guest-code.ts';
import type { Figure, Outcomes } from '../outcome.ts';
import type { Bench } from '../platform.ts';
import { medianOf, sideBySide } from '../statistics.ts';

const someArgument = payload(0);
const someAnswer = answer(someArgument);

/** Checks as much as the schema of an argument, for a number that stands for one. */
const standIn = (check: () => boolean) =>
  checking<number>((value) => typeof value === 'number' && check());

const Numbers = contract('bench.numbers@1', {
  run: command({
    input: standIn(() => isArgument(someArgument)),
    output: standIn(() => isAnswer(someAnswer)),
  }),
});
const Objects = contract('bench.objects@1', {
  run: command({ input: checking<Argument>(isArgument), output: checking<Answer>(isAnswer) }),
});

/** Calls in flight. */
const IN_FLIGHT = 256;
/** Calls until everything is compiled. */
const WARM_UP = 50_000;
const MIDDLEWARES = 3;

export async function measureKernel({ platform, rounds, milliseconds }: Bench): Promise<Outcomes> {
  const kernel = await createKernel();
  for (let layer = 0; layer < MIDDLEWARES; layer++)
    kernel.middleware.use('command:bench.*', (_, next) => next());
  kernel.provide(Numbers, { run: increment });
  kernel.provide(Objects, { run: answer });
  const numbers = kernel.client(Numbers);
  const objects = kernel.client(Objects);
  let called = 0;
  const counted = <T>(promise: Promise<T>) => {
    called += 1;
    return promise;
  };
  const ways = {
    cost: {
      plinth: async (n: number) => isNext(n, await counted(numbers.run(n))),
      direct: async (n: number) =>
        isNext(n, await new Promise<number>((resolve) => resolve(increment(n)))),
    },
    costWithCopies: {
      plinth: async (n: number) => isAnswerTo(n, await counted(objects.run(payload(n)))),
      direct: async (n: number) =>
        isAnswerTo(n, await new Promise<Answer>((resolve) => resolve(answer(payload(n))))),
    },
  };
  const perCall = async (way: (n: number) => Promise<boolean>) => {
    let made = 0;
    const end = performance.now() + milliseconds;
    const started = platform.cpuTime();
    while (performance.now() < end) {
      const first = made;
      made += IN_FLIGHT;
      const right = await Promise.all(
        Array.from({ length: IN_FLIGHT }, (_, index) => way(first + index)),
      );
      if (!right.every(Boolean))
        throw new Error(`one of the calls from ${first} on was answered wrongly`);
    }
    return (platform.cpuTime() - started) / made;
  };
  const outcomes: Record<string, Figure> = {};
  for (const [name, { plinth, direct }] of Object.entries(ways)) {
    for (let n = 0; n < WARM_UP; n++) await plinth(n);
    for (let n = 0; n < WARM_UP; n++) await direct(n);
    const pairs = await sideBySide(
      rounds,
      () => perCall(plinth),
      () => perCall(direct),
    );
    const costs = pairs.plinth.map((cost, round) => cost - (pairs.raw[round] as number));
    outcomes[name] = {
      value: medianOf(costs),
      rounds: costs,
      detail: `${medianOf(pairs.plinth).toFixed(2)} less ${medianOf(pairs.raw).toFixed(2)}`,
    };
  }
  checkCounters(kernel, called);
  await kernel.stop();
  return outcomes;
}

function checkCounters(kernel: Kernel, called: number): void {
  const { calls, failures, middlewareRuns, validations } = kernel.metrics.snapshot();
  if (
    calls !== called ||
    failures !== 0 ||
    middlewareRuns !== MIDDLEWARES * called ||
    validations !== 2 * called
  ) {
    throw new Error(
      `the kernel counted ${calls} calls, ${failures} failures, ${middlewareRuns} middleware runs, ${validations} validations for ${called} calls`,
    );
  }
}

const increment = (n: number) => n + 1;
const isNext = (n: number, reply: number) => reply === n + 1;
const isAnswerTo = (n: number, reply: Answer) => reply.ok && reply.n === n;
