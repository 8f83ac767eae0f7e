/**
 * The cost of the walls: activation of a plugin in a sandbox compared with a worker of the same
 * kernel, both cold; and the time of the same work in both: numbers, objects, arrays, maps, strings
 * and promises, as plugins use them. Regular expressions are excluded; their cost is documented.
 */
import { createKernel, type Kernel, packageSource } from '@plinth/kernel';
import { packageFor } from '../guest-code.ts';
import { milliseconds, type Outcomes, ratioFigure } from '../outcome.ts';
import type { Bench } from '../platform.ts';
import { medianOf, pause, sideBySide, timeOf } from '../statistics.ts';

/** Runs in the guest. Returns a number that depends on all its work. */
async function work(rounds: number): Promise<number> {
  let sum = 0;
  for (let round = 0; round < rounds; round++) {
    const bodies = Array.from({ length: 50 }, (_, n) => ({
      x: Math.sin(n),
      y: Math.cos(n),
      mass: n + 1,
    }));
    for (const one of bodies)
      for (const other of bodies)
        sum +=
          (one.mass * other.mass) /
          (1 + Math.sqrt((one.x - other.x) ** 2 + (one.y - other.y) ** 2));
    const words = new Map<string, number>();
    for (let n = 0; n < 500; n++) words.set(`word${n % 50}`, (words.get(`word${n % 50}`) ?? 0) + 1);
    sum += [...words.values()].filter((count) => count > 5).reduce((all, count) => all + count, 0);
    sum += JSON.stringify({ bodies, words: Object.fromEntries(words) }).length;
    sum += await Promise.all(bodies.map(async ({ mass }) => mass)).then((all) => all.length);
  }
  return sum;
}

/** Milliseconds in which a spare has started. */
const UNTIL_READY = 1_500;

/** Activation in a sandbox that is ready. */
async function fromSpare(
  platform: Bench['platform'],
  rounds: number,
  code: string,
): Promise<Outcomes> {
  const kernel = await createKernel({
    host: platform.createHost(1),
    isolation: 'sandbox',
    sources: [packageSource([packageFor(ID, code, { activation: [] })])],
  });
  try {
    await kernel.start();
    const times: number[] = [];
    for (let round = 0; round <= rounds; round++) {
      const time = await timeOf(() => kernel.plugins.activate(ID));
      // The first round found no spare.
      if (round > 0) times.push(time);
      await kernel.plugins.deactivate(ID);
      await pause(UNTIL_READY);
    }
    return { startTime: { value: medianOf(times), rounds: times } };
  } finally {
    await kernel.stop();
  }
}

const ROUNDS = 400;
const ID = 'bench.worker';

export async function measureSandbox({ platform, rounds }: Bench): Promise<Outcomes> {
  const code = `${work} export default { activate(ctx) { ctx.commands.handle('work', work); } };`;
  const make = (isolation: 'worker' | 'sandbox') =>
    createKernel({
      host: platform.createHost(),
      isolation,
      sources: [packageSource([packageFor(ID, code, { activation: [] })])],
    });
  const expected = await work(ROUNDS);
  const kernels: Record<'worker' | 'sandbox', Kernel> = {
    worker: await make('worker'),
    sandbox: await make('sandbox'),
  };
  const start = async (isolation: 'worker' | 'sandbox') => {
    const time = await timeOf(() => kernels[isolation].plugins.activate(ID));
    await kernels[isolation].plugins.deactivate(ID);
    return time;
  };
  const run = async (isolation: 'worker' | 'sandbox') => {
    let sum: unknown;
    const time = await timeOf(async () => {
      sum = await kernels[isolation].commands.execute(`${ID}:work`, ROUNDS);
    });
    if (sum !== expected)
      throw new Error(`the work in a ${isolation} came to ${String(sum)} instead of ${expected}`);
    return time;
  };
  try {
    await Promise.all(Object.values(kernels).map((kernel) => kernel.start()));
    // Loads what is read only once.
    for (const isolation of ['worker', 'sandbox'] as const) await start(isolation);
    const starts = await sideBySide(
      rounds,
      () => start('sandbox'),
      () => start('worker'),
    );
    for (const isolation of ['worker', 'sandbox'] as const) {
      await kernels[isolation].plugins.activate(ID);
      await run(isolation);
    }
    const runs = await sideBySide(
      rounds,
      () => run('sandbox'),
      () => run('worker'),
    );
    return {
      ...(await fromSpare(platform, rounds, code)),
      start: ratioFigure(starts.plinth, starts.raw, milliseconds),
      work: ratioFigure(runs.plinth, runs.raw, milliseconds),
    };
  } finally {
    await Promise.all(Object.values(kernels).map((kernel) => kernel.stop()));
  }
}
