/**
 * One plugin calls another, compared with two raw workers joined by a MessageChannel. In every case
 * the loop runs inside the calling worker. Three ways: through the kernel with three middlewares of
 * the host around the called command, through the kernel without any, and over a lane. The kernel's
 * counters show which way the calls took.
 */
import { createKernel, type Kernel, packageSource } from '@plinth/kernel';
import {
  callerPackage,
  type Drive,
  type Driven,
  echoPackage,
  perSecond,
  rawCallerOnPort,
  rawEchoOnPort,
} from '../guest-code.ts';
import { type Outcomes, ratioFigure, thousandsPerSecond } from '../outcome.ts';
import { asking, type Bench, type Platform } from '../platform.ts';
import { everyRound, pause, shuffled } from '../statistics.ts';

const WINDOW = 256;
/** Enough to be compiled, and for the kernel to notice that two plugins call each other often. */
const WARM_UP = 20_000;
/** Milliseconds within which a guest reports its calls over lanes, with time to spare. */
const UNTIL_REPORTED = 200;

/** Permission checks beside those of the calls, mostly of lanes that the kernel may open. */
const OTHER_CHECKS = 100;

/** How one plugin reaches the other. */
interface Way {
  readonly middlewares: number;
  readonly lanes: boolean;
}

const WAYS = {
  policed: { middlewares: 3, lanes: true },
  plain: { middlewares: 0, lanes: false },
  lane: { middlewares: 0, lanes: true },
} as const satisfies Readonly<Record<string, Way>>;

/** A caller whose loop runs elsewhere. */
interface Driver {
  drive(how: Drive): Promise<Driven>;
  /** Throws when the calls took another way than they should. */
  check(): Promise<void>;
  stop(): Promise<void>;
}

export async function measureRelay({ platform, rounds, milliseconds }: Bench): Promise<Outcomes> {
  const drivers = {
    policed: await startPlugins(platform, WAYS.policed),
    plain: await startPlugins(platform, WAYS.plain),
    lane: await startPlugins(platform, WAYS.lane),
    raw: startRaw(platform),
  };
  try {
    const calls = new Map<Driver, number>();
    for (const driver of shuffled(Object.values(drivers)))
      calls.set(driver, await callsIn(milliseconds, driver));
    const rate = (driver: Driver) => async () =>
      perSecond(await driver.drive({ window: WINDOW, calls: calls.get(driver) as number }));
    const rates = await everyRound(rounds, {
      policed: rate(drivers.policed),
      plain: rate(drivers.plain),
      lane: rate(drivers.lane),
      raw: rate(drivers.raw),
    });
    for (const driver of Object.values(drivers)) await driver.check();
    const figure = (mine: readonly number[]) => ratioFigure(mine, rates.raw, thousandsPerSecond);
    return {
      policed: figure(rates.policed),
      plain: figure(rates.plain),
      lane: figure(rates.lane),
    };
  } finally {
    for (const driver of Object.values(drivers)) await driver.stop();
  }
}

/** Warms a driver up. Returns how many calls it makes in a round. */
async function callsIn(milliseconds: number, driver: Driver): Promise<number> {
  await driver.drive({ window: WINDOW, calls: WARM_UP });
  return Math.ceil(
    (perSecond(await driver.drive({ window: WINDOW, calls: WARM_UP })) * milliseconds) / 1_000,
  );
}

async function startPlugins(platform: Platform, way: Way): Promise<Driver> {
  const kernel = await createKernel({
    host: platform.createHost(),
    sources: [
      packageSource([echoPackage('bench.echo'), callerPackage('bench.caller', 'bench.echo')]),
    ],
    lanes: way.lanes,
  });
  for (let layer = 0; layer < way.middlewares; layer++)
    kernel.middleware.use('command:bench.echo:run', (_, next) => next());
  await kernel.start();
  let orders = 0;
  let relayed = 0;
  return {
    async drive(how) {
      const driven = (await kernel.commands.execute('bench.caller:drive', how)) as Driven;
      orders += 1;
      relayed += driven.calls;
      if (driven.calls !== how.calls)
        throw new Error(`${driven.calls} calls were made instead of ${how.calls}`);
      return driven;
    },
    async check() {
      await pause(UNTIL_REPORTED);
      checkCounters(kernel, way, relayed, orders);
    },
    stop: () => kernel.stop(),
  };
}

/** Calls before the lane opens go through the kernel, all others over the lane. */
const mayBeRelayed = (relayed: number) => Math.min(relayed, WARM_UP);

function checkCounters(kernel: Kernel, way: Way, relayed: number, orders: number): void {
  const { calls, failures, laneCalls, middlewareRuns, permissionChecks, permissionDenials } =
    kernel.metrics.snapshot();
  const onLane = way.lanes && way.middlewares === 0;
  const throughKernel = relayed - laneCalls;
  if (
    calls !== relayed + orders ||
    failures !== 0 ||
    middlewareRuns !== way.middlewares * relayed ||
    permissionDenials !== 0 ||
    permissionChecks < throughKernel ||
    permissionChecks > throughKernel + OTHER_CHECKS ||
    (onLane ? throughKernel > mayBeRelayed(relayed) : laneCalls !== 0)
  ) {
    throw new Error(
      `the kernel counted ${calls} calls, ${laneCalls} of them over lanes, ${failures} failures, ${middlewareRuns} middleware runs, ${permissionChecks} permission checks, ${permissionDenials} denials for ${relayed} relayed calls and ${orders} of the host`,
    );
  }
}

function startRaw(platform: Platform): Driver {
  const echo = platform.startWorker(rawEchoOnPort);
  const caller = platform.startWorker(rawCallerOnPort);
  const { port1, port2 } = new MessageChannel();
  echo.post({ port: port1 }, [port1]);
  caller.post({ port: port2 }, [port2]);
  const ask = asking(caller);
  return {
    drive: (how) => ask(how) as Promise<Driven>,
    check: async () => {},
    async stop() {
      await caller.terminate();
      await echo.terminate();
    },
  };
}
