/**
 * Events to many guests: from the first emitted until every guest has reported that it handled them
 * all, in order. Raw: one message per event and worker. A guest reports by answering a call made
 * before the clock started, a raw worker by a message: one message back in both cases. In a third
 * variant a guest reports by a call that it makes after the event.
 */
import { createKernel, packageSource } from '@plinth/kernel';
import { packageFor, payload } from '../guest-code.ts';
import { milliseconds as inMilliseconds, type Outcomes, ratioFigure } from '../outcome.ts';
import type { Bench, Platform } from '../platform.ts';
import { everyRound, medianOf, timeOf } from '../statistics.ts';

const BURST = 100;
/** A single event is short: each round takes the median of several. */
const LONE_REPEATS = 9;
/** Every worker compiles separately and sees few events, so warming up takes several bursts. */
const WARM_UP = 10;
const TOPIC = 'host:tick';

/**
 * Takes events `{ n, of }`. `done` is called when the last has come, or when one was out of order.
 */
function collect(
  done: (problem: string | undefined) => void,
): (event: { readonly n: number; readonly of: number }) => void {
  let next = 0;
  return ({ n, of }) => {
    if (n !== next) done(`event ${n} came in place of ${next}`);
    next = n + 1;
    if (next < of) return;
    next = 0;
    done(undefined);
  };
}

/** Requests sent before the clock started. */
interface Prepared {
  readonly answers?: Promise<unknown>;
  /** Checks what was counted. It is called after the clock was read. */
  check?(events: number): void;
}

/** Sends events to all guests. */
interface Fan {
  /** Sends the requests that the guests will answer, before the clock starts. */
  ready(): Promise<Prepared>;
  /** Resolves when all have handled all. */
  send(events: number, prepared: Prepared): Promise<void>;
  stop(): Promise<void>;
}

export async function measureEvents({ platform, rounds }: Bench): Promise<Outcomes> {
  const fans = {
    plinth: await startGuests(platform, 'answer'),
    byCall: await startGuests(platform, 'call'),
    raw: await startRaw(platform),
  };
  try {
    const timed = async (fan: Fan, events: number) => {
      const prepared = await fan.ready();
      const time = await timeOf(() => fan.send(events, prepared));
      prepared.check?.(events);
      return time;
    };
    const burst = (fan: Fan) => () => timed(fan, BURST);
    const lone = (fan: Fan) => async () => {
      const times: number[] = [];
      for (let repeat = 0; repeat < LONE_REPEATS; repeat++) times.push(await timed(fan, 1));
      return medianOf(times);
    };
    const variants = (send: (fan: Fan) => () => Promise<number>) => ({
      plinth: send(fans.plinth),
      byCall: send(fans.byCall),
      raw: send(fans.raw),
    });
    await everyRound(WARM_UP, variants(burst));
    const bursts = await everyRound(rounds, variants(burst));
    await everyRound(WARM_UP, variants(lone));
    const lones = await everyRound(rounds, variants(lone));
    return {
      burst: ratioFigure(bursts.plinth, bursts.raw, inMilliseconds),
      lone: ratioFigure(lones.plinth, lones.raw, inMilliseconds),
      loneByCall: ratioFigure(lones.byCall, lones.raw, inMilliseconds),
    };
  } finally {
    for (const fan of Object.values(fans)) await fan.stop();
  }
}

/** Waits until every guest has reported. */
function waitForAll(crowd: number) {
  let left = 0;
  let resolve: () => void = () => {};
  let reject: (error: Error) => void = () => {};
  return {
    start(): Promise<void> {
      left = crowd;
      return new Promise((yes, no) => {
        resolve = yes;
        reject = no;
      });
    },
    heard(problem: unknown): void {
      if (problem !== undefined) reject(new Error(String(problem)));
      left -= 1;
      if (left === 0) resolve();
    },
  };
}

const HEARD = 'host:heard';

/** Text of a guest that reports once it has handled all events. */
function listenerCode(report: 'answer' | 'call'): string {
  return `${collect} export default { activate(ctx) {
    let answer;
    const handled = collect((problem) => ${report === 'answer' ? 'answer(problem)' : `ctx.commands.execute('${HEARD}', problem)`});
    ctx.events.on('${TOPIC}', (event) => handled(event.payload));
    ctx.commands.handle('handled', () => new Promise((resolve) => { answer = resolve; }));
    ctx.commands.handle('ping', () => {});
  } };`;
}

async function startGuests(platform: Platform, report: 'answer' | 'call'): Promise<Fan> {
  const ids = Array.from({ length: platform.audience }, (_, index) => `bench.listener${index}`);
  const permissions = { events: { subscribe: [TOPIC] }, commands: { execute: [HEARD] } };
  const kernel = await createKernel({
    host: platform.createHost(),
    sources: [
      packageSource(ids.map((id) => packageFor(id, listenerCode(report), { permissions }))),
    ],
  });
  const all = waitForAll(platform.audience);
  kernel.commands.handle('heard', (problem) => all.heard(problem));
  await kernel.start();
  return {
    async ready() {
      const answers =
        report === 'answer'
          ? Promise.all(ids.map((id) => kernel.commands.execute(`${id}:handled`)))
          : all.start();
      // When a call to each has returned, the call before it has arrived.
      await Promise.all(ids.map((id) => kernel.commands.execute(`${id}:ping`)));
      const before = kernel.metrics.snapshot();
      const check = (events: number) => {
        const { deliveries, droppedDeliveries } = kernel.metrics.snapshot();
        const counted = deliveries - before.deliveries;
        if (counted !== events * platform.audience || droppedDeliveries !== 0)
          throw new Error(
            `the kernel counted ${counted} deliveries, ${droppedDeliveries} dropped, for ${events} events to ${platform.audience} guests`,
          );
      };
      return { answers, check };
    },
    async send(events, { answers }) {
      const accepted = Array.from({ length: events }, (_, n) =>
        kernel.events.emit(TOPIC, { ...payload(n), of: events }),
      );
      for (const problem of ((await answers) ?? []) as readonly unknown[])
        if (problem !== undefined) throw new Error(String(problem));
      await Promise.all(accepted);
    },
    stop: () => kernel.stop(),
  };
}

async function startRaw(platform: Platform): Promise<Fan> {
  const all = waitForAll(platform.audience);
  const ready = all.start();
  const workers = Array.from({ length: platform.audience }, () =>
    platform.startWorker(`${collect} listen(collect(post)); post(undefined);`),
  );
  for (const worker of workers) worker.listen(all.heard);
  await ready;
  return {
    ready: async () => ({}),
    send(events) {
      const handled = all.start();
      for (let n = 0; n < events; n++)
        for (const worker of workers) worker.post({ ...payload(n), of: events });
      return handled;
    },
    stop: async () => void (await Promise.all(workers.map((worker) => worker.terminate()))),
  };
}
