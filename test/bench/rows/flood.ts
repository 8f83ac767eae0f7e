/**
 * A guest keeps 4 096 calls in flight to a command of the host, while the host calls another guest,
 * one call at a time with a short pause between. Raw workers do the same with one message per
 * request and reply.
 */
import { createKernel, type Kernel, packageSource } from '@plinth/kernel';
import {
  type Answer,
  type Argument,
  answer,
  type Drive,
  type Driven,
  echoContract,
  echoPackage,
  flooderPackage,
  payload,
  perSecond,
  rawEcho,
  rawFlooder,
} from '../guest-code.ts';
import {
  milliseconds as inMilliseconds,
  type Outcomes,
  ratioFigure,
  thousandsPerSecond,
} from '../outcome.ts';
import { asking, type Bench, type Platform } from '../platform.ts';
import { medianOf, pause, percentileOf, sideBySide } from '../statistics.ts';

const WINDOW = 4_096;
/** Milliseconds between two calls of the neighbour. */
const PAUSE = 2;
/** A flood slows its host down, so it takes longer to see enough calls of the neighbour. */
const LONGER = 8;
const FEWEST_CALLS = 3;
/** A flooder is slow at first, and disturbs no other guest until it is compiled. */
const WARM_UP = 3;

/** A flooder and its neighbour. */
interface Neighbours {
  flood(how: Drive): Promise<Driven>;
  call(n: number): Promise<Answer>;
  /** Throws when the kernel didn't count every call. */
  check?(): void;
  stop(): Promise<void>;
}

interface Sample {
  readonly latency: number;
  /** 99th percentile; of few calls, the slowest. */
  readonly tail: number;
  readonly rate: number;
  /** Milliseconds by which the host's timer was late at most. */
  readonly late: number;
}

/** Milliseconds between two ticks of the host's timer. */
const TICK = 50;

export async function measureFlood({ platform, rounds, milliseconds }: Bench): Promise<Outcomes> {
  const plinth = await startGuests(platform);
  const raw = startRaw(platform);
  try {
    const sample = (who: Neighbours) => takeSample(who, milliseconds * LONGER);
    for (let time = 0; time < WARM_UP; time++) {
      await sample(plinth);
      await sample(raw);
    }
    const samples = await sideBySide(
      rounds,
      () => sample(plinth),
      () => sample(raw),
    );
    plinth.check?.();
    const each = (field: keyof Sample) =>
      [samples.plinth.map((one) => one[field]), samples.raw.map((one) => one[field])] as const;
    const worst = Math.max(...samples.plinth.map(({ late }) => late));
    const timer = {
      value: worst,
      detail: `raw ${Math.max(...samples.raw.map(({ late }) => late)).toFixed(0)} ms`,
    };
    return {
      neighbour: ratioFigure(...each('latency'), inMilliseconds),
      tail: ratioFigure(...each('tail'), inMilliseconds),
      flooder: ratioFigure(...each('rate'), thousandsPerSecond),
      timer,
    };
  } finally {
    await plinth.stop();
    await raw.stop();
  }
}

async function takeSample(who: Neighbours, milliseconds: number): Promise<Sample> {
  const latencies: number[] = [];
  let flooding = true;
  let late = 0;
  let last = performance.now();
  const ticks = setInterval(() => {
    const now = performance.now();
    late = Math.max(late, now - last - TICK);
    last = now;
  }, TICK);
  const flood = who.flood({ window: WINDOW, milliseconds }).finally(() => {
    flooding = false;
  });
  await pause(PAUSE);
  while (flooding) {
    const n = latencies.length;
    const started = performance.now();
    const reply = await who.call(n);
    // The last call may have outlived the flood.
    if (flooding) latencies.push(performance.now() - started);
    if (!reply.ok || reply.n !== n)
      throw new Error(`the neighbour answered ${JSON.stringify(reply)} to call ${n}`);
    await pause(PAUSE);
  }
  clearInterval(ticks);
  if (latencies.length < FEWEST_CALLS)
    throw new Error(
      `the neighbour answered ${latencies.length} calls in ${milliseconds} ms of flood: set MS higher`,
    );
  return {
    latency: medianOf(latencies),
    tail: percentileOf(latencies, 0.99),
    rate: perSecond(await flood),
    late,
  };
}

async function startGuests(platform: Platform): Promise<Neighbours> {
  const kernel = await createKernel({
    host: platform.createHost(),
    sources: [
      packageSource([echoPackage('bench.echo'), flooderPackage('bench.flooder', 'host:sink')]),
    ],
  });
  kernel.commands.handle('sink', (argument) => answer(argument as Argument));
  await kernel.start();
  const echo = kernel.client(echoContract('bench.echo'));
  const made = { floods: 0, flooding: 0, calls: 0 };
  return {
    async flood(how) {
      const driven = (await kernel.commands.execute('bench.flooder:drive', how)) as Driven;
      made.floods += 1;
      made.flooding += driven.calls;
      return driven;
    },
    call(n) {
      made.calls += 1;
      return echo.run(payload(n));
    },
    check: () => checkCounters(kernel, made),
    stop: () => kernel.stop(),
  };
}

function checkCounters(
  kernel: Kernel,
  made: { readonly floods: number; readonly flooding: number; readonly calls: number },
): void {
  const { calls, failures, permissionChecks, validations } = kernel.metrics.snapshot();
  if (
    calls !== made.floods + made.flooding + made.calls ||
    failures !== 0 ||
    permissionChecks < made.flooding ||
    validations !== made.calls
  )
    throw new Error(
      `the kernel counted ${calls} calls, ${failures} failures, ${permissionChecks} permission checks, ${validations} validations for ${made.flooding} calls of the flooder, ${made.calls} of its neighbour and ${made.floods} floods`,
    );
}

function startRaw(platform: Platform): Neighbours {
  const flooder = platform.startWorker(rawFlooder);
  const echo = platform.startWorker(rawEcho);
  const ask = asking(echo);
  let finished: (driven: Driven) => void = () => {};
  flooder.listen((message) => {
    if (!Array.isArray(message)) return finished(message as Driven);
    const [id, argument] = message as [number, Argument];
    flooder.post([id, answer(argument)]);
  });
  return {
    flood(how) {
      return new Promise((resolve) => {
        finished = resolve;
        flooder.post(how);
      });
    },
    async call(n) {
      const [, reply] = (await ask([n, payload(n)])) as [number, Answer];
      return reply;
    },
    async stop() {
      await flooder.terminate();
      await echo.terminate();
    },
  };
}
