/**
 * One plugin calls another through the kernel, compared with two raw workers joined by a
 * MessageChannel. In both cases the loop runs inside the calling worker. A middleware of the host
 * runs around the called command, so that every call goes through the kernel; without it the kernel
 * may open a lane.
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
import { sideBySide } from '../statistics.ts';

const WINDOW = 256;
/** Enough to be compiled, and for the kernel to notice that two plugins call each other often. */
const WARM_UP = 20_000;

/** A caller whose loop runs elsewhere. */
interface Driver {
  drive(how: Drive): Promise<Driven>;
  stop(): Promise<void>;
}

export async function measureRelay(bench: Bench): Promise<Outcomes> {
  const policed = await measureWith(bench, true);
  return { policed, plain: await measureWith(bench, false) };
}

async function measureWith({ platform, rounds, milliseconds }: Bench, middleware: boolean) {
  const drivers = { plinth: await startPlugins(platform, middleware), raw: startRaw(platform) };
  try {
    const calls = {
      plinth: await callsIn(milliseconds, drivers.plinth),
      raw: await callsIn(milliseconds, drivers.raw),
    };
    const rate = async (who: 'plinth' | 'raw') =>
      perSecond(await drivers[who].drive({ window: WINDOW, calls: calls[who] }));
    const rates = await sideBySide(
      rounds,
      () => rate('plinth'),
      () => rate('raw'),
    );
    return ratioFigure(rates.plinth, rates.raw, thousandsPerSecond);
  } finally {
    await drivers.plinth.stop();
    await drivers.raw.stop();
  }
}

/** Warms a driver up. Returns how many calls it makes in a round. */
async function callsIn(milliseconds: number, driver: Driver): Promise<number> {
  await driver.drive({ window: WINDOW, calls: WARM_UP });
  return Math.ceil(
    (perSecond(await driver.drive({ window: WINDOW, calls: WARM_UP })) * milliseconds) / 1_000,
  );
}

async function startPlugins(platform: Platform, middleware: boolean): Promise<Driver> {
  const kernel = await createKernel({
    host: platform.createHost(),
    sources: [
      packageSource([echoPackage('bench.echo'), callerPackage('bench.caller', 'bench.echo')]),
    ],
  });
  if (middleware) kernel.middleware.use('command:bench.echo:run', (_, next) => next());
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
      if (middleware) checkCounters(kernel, relayed, orders);
      return driven;
    },
    stop: () => kernel.stop(),
  };
}

function checkCounters(kernel: Kernel, relayed: number, orders: number): void {
  const { calls, failures, middlewareRuns, permissionChecks, permissionDenials } =
    kernel.metrics.snapshot();
  if (
    calls !== relayed + orders ||
    failures !== 0 ||
    middlewareRuns !== relayed ||
    permissionChecks < relayed ||
    permissionDenials !== 0
  ) {
    throw new Error(
      `the kernel counted ${calls} calls, ${failures} failures, ${middlewareRuns} middleware runs, ${permissionChecks} permission checks, ${permissionDenials} denials for ${relayed} relayed calls and ${orders} of the host`,
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
    async stop() {
      await caller.terminate();
      await echo.terminate();
    },
  };
}
