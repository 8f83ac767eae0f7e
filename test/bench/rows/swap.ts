/**
 * Calls at a steady rate while their plugin is reloaded, fifty times in a row. It counts its calls
 * and hands the count to its next instance, so no number may be lost, received twice, or received
 * after a higher one. Eight guests and the host call; once through the kernel, once over lanes,
 * which open again after a reload. Latency is compared with that of the same callers while nothing
 * is reloaded. A third way shows a plugin that takes a while to activate. Nothing is subtracted but
 * the 99th percentile of the phases without reloads.
 */
import {
  createKernel,
  type Kernel,
  type KernelOptions,
  packageOf,
  packageSource,
} from '@plinth/kernel';
import { packageFor } from '../guest-code.ts';
import type { Figure, Outcome, Outcomes } from '../outcome.ts';
import { type Faults, faultsOf, type Numbered, type Paced, pace } from '../pace.ts';
import type { Bench, Platform } from '../platform.ts';
import { medianOf, pause, percentileOf, sideBySide, timeOf } from '../statistics.ts';

const RELOADS = 50;
const CALLERS = 8;
/** Calls a second of all callers together. */
const RATE = { node: 2_000, chromium: 500 } as const;
/** Milliseconds that the slow plugin takes to activate, like one that opens a resource. */
const SLOW = 10;
/** Milliseconds that a call takes, so that some are always in flight. */
const WORK = 1;
/**
 * Milliseconds of calls before and after the reloads. Phases without reloads are as long as reloads
 * may take.
 */
const LEAD = 100;
const QUIET = 2_000;
const WARM_UP = 5;

const COUNTER = 'bench.counter';
const NEXT = `${COUNTER}:next`;
const callerIds = Array.from({ length: CALLERS }, (_, index) => `bench.caller${index}`);

/** Calls of all callers for a while. */
interface Phase {
  readonly seen: readonly Paced[];
  /** 99th percentile of milliseconds, over the calls that were answered. */
  readonly p99: number;
  readonly slowest: number;
  /** Milliseconds of each reload. */
  readonly reloads: readonly number[];
}

/** One way of calling a plugin that is reloaded. */
interface Way {
  readonly name: string;
  readonly lanes: NonNullable<KernelOptions['lanes']>;
  /** Milliseconds that the plugin takes to activate; absent where it does so at once. */
  readonly activation?: number;
}

const WAYS = {
  relayed: { name: 'relayed', lanes: false },
  // Any call within the last second is enough for a lane, so that there is one again before the
  // next reload.
  onLanes: { name: 'on lanes', lanes: { calls: 1 } },
  slow: { name: 'slow to activate', lanes: false, activation: SLOW },
} as const satisfies Readonly<Record<string, Way>>;

export async function measureSwap({ platform, rounds }: Bench): Promise<Outcomes> {
  const relayed = await measureWay(WAYS.relayed, platform, rounds);
  const onLanes = await measureWay(WAYS.onLanes, platform, rounds);
  const slow = await measureWay(WAYS.slow, platform, rounds);
  const all = [relayed, onLanes, slow];
  const count = (name: 'failed' | 'lost' | 'duplicated' | 'reordered'): Figure => {
    const detail = all.map(
      ({ way, faults }) =>
        `${way} ${faults[name]} of ${faults.calls}${name === 'failed' ? inWords(faults.problems) : ''}`,
    );
    return {
      value: all.reduce((sum, { faults }) => sum + faults[name], 0),
      detail: detail.join('; '),
    };
  };
  return {
    failed: count('failed'),
    lost: count('lost'),
    duplicated: count('duplicated'),
    reordered: count('reordered'),
    latency: relayed.latency,
    latencyOnLanes: onLanes.latency,
    latencyOfSlow: slow.latency,
  };
}

/** The result of one way of calling. */
interface Measured {
  readonly way: string;
  readonly faults: Faults;
  readonly latency: Outcome;
}

async function measureWay(
  { name, lanes, activation }: Way,
  platform: Platform,
  rounds: number,
): Promise<Measured> {
  const packages = [counterPackage(0, activation), ...callerIds.map(callerPackage)];
  const kernel = await createKernel({
    host: platform.createHost(),
    sources: [packageSource(packages)],
    lanes,
  });
  await kernel.start();
  try {
    let version = 0;
    const reload = async () => {
      version += 1;
      await kernel.plugins.reload(COUNTER, packageOf(counterPackage(version, activation)));
      const found = kernel.plugins.get(COUNTER);
      if (found?.state !== 'active' || found.version !== `1.0.${version}`)
        throw new Error(
          `after reload ${version} the plugin is ${found?.state} at ${found?.version}`,
        );
    };
    const callers: readonly Paced[][] = Array.from({ length: CALLERS + 1 }, () => []);
    const phase = async (work: () => Promise<readonly number[]>) => {
      const done = await callDuring(kernel, RATE[platform.name], work);
      for (const [index, seen] of done.seen.entries()) callers[index]?.push(seen);
      return done;
    };
    const swapping = (times: number) => phase(() => reloadInARow(reload, times));
    const quiet = () => phase(async () => pause(QUIET).then(() => []));
    await swapping(WARM_UP);
    const phases = await sideBySide(rounds, () => swapping(RELOADS), quiet);
    const { n: last } = (await kernel.commands.execute(NEXT)) as Numbered;
    const faults = faultsOf(callers, last);
    await checkCounters(kernel, faults, lanes !== false);
    // A call that is refused at once would count as a fast one.
    const latency =
      faults.failed === 0
        ? addedLatency(phases.plinth, phases.raw)
        : { missing: `${faults.failed} calls failed instead of waiting` };
    return { way: name, faults, latency };
  } finally {
    await kernel.stop();
  }
}

/** Lets all callers call while some work is done. */
async function callDuring(
  kernel: Kernel,
  rate: number,
  work: () => Promise<readonly number[]>,
): Promise<Phase> {
  const each = rate / (CALLERS + 1);
  const host = pace(() => kernel.commands.execute(NEXT) as Promise<Numbered>, each);
  await Promise.all(callerIds.map((id) => kernel.commands.execute(`${id}:begin`, each)));
  await pause(LEAD);
  const reloads = await work();
  await pause(LEAD);
  const seen = await Promise.all([
    host(),
    ...callerIds.map((id) => kernel.commands.execute(`${id}:end`) as Promise<Paced>),
  ]);
  const latencies = seen.flatMap(({ numbers, latencies: all }) =>
    all.filter((_, at) => numbers[at] !== -1),
  );
  return {
    seen,
    reloads,
    p99: percentileOf(latencies, 0.99),
    slowest: latencies.reduce((one, other) => Math.max(one, other), 0),
  };
}

async function reloadInARow(
  reload: () => Promise<void>,
  times: number,
): Promise<readonly number[]> {
  const took: number[] = [];
  for (let time = 0; time < times; time++) took.push(await timeOf(reload));
  return took;
}

/** The 99th percentile while reloads happen over that without. */
function addedLatency(swapping: readonly Phase[], quiet: readonly Phase[]): Figure {
  const added = swapping.map(({ p99 }, round) => p99 - (quiet[round] as Phase).p99);
  const p99 = (phases: readonly Phase[]) => medianOf(phases.map((one) => one.p99)).toFixed(1);
  const slowest = Math.max(...swapping.map((one) => one.slowest));
  const reload = medianOf(swapping.flatMap(({ reloads }) => reloads));
  return {
    value: medianOf(added),
    rounds: added,
    detail: `p99 ${p99(swapping)} over ${p99(quiet)}; slowest call ${slowest.toFixed(0)}, a reload ${reload.toFixed(0)} ms`,
  };
}

const inWords = (problems: ReadonlyMap<string, number>) =>
  problems.size === 0
    ? ''
    : ` (${[...problems].map(([code, times]) => `${times} × ${code}`).join(', ')})`;

async function checkCounters(
  kernel: Kernel,
  { calls, failed }: Faults,
  lanes: boolean,
): Promise<void> {
  // Guests report calls over lanes within 50 ms.
  await pause(LEAD);
  const { commands, laneCalls } = kernel.metrics.snapshot();
  const counted = commands[NEXT]?.calls;
  // Failed calls may never have reached the command, and the last number went to no caller.
  if (failed === 0 && counted !== calls + 1)
    throw new Error(`the kernel counted ${counted} calls instead of ${calls + 1}`);
  if (laneCalls > 0 !== lanes) throw new Error(`the kernel counted ${laneCalls} calls over lanes`);
}

const sleep =
  'const sleep = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });';

function counterPackage(version: number, activation?: number) {
  const code = `${sleep}
    let count = 0;
    export default {
      async activate(ctx) {
        ${activation === undefined ? '' : `await sleep(${activation});`}
        ctx.commands.handle('next', async () => { const n = ++count; await sleep(${WORK}); return { n }; });
      },
      getState: () => ({ count }),
      restoreState(state) { count = state.count; },
    };`;
  return packageFor(COUNTER, code, { version: `1.0.${version}` });
}

function callerPackage(id: string) {
  const code = `${pace}
    let end;
    export default { activate(ctx) {
      ctx.commands.handle('begin', (perSecond) => { end = pace(() => ctx.commands.execute('${NEXT}'), perSecond); });
      ctx.commands.handle('end', () => end());
    } };`;
  return packageFor(id, code, { permissions: { commands: { execute: [NEXT] } } });
}
