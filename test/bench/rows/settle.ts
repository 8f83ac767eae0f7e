/**
 * How long calls in flight take to settle after their guest has ended, for every cause that the
 * platform reports. Measured from the platform's signal if there is one, otherwise from the cause
 * itself. Every call must reject with a typed error that isn't a time-out.
 *
 * A guest that spins has not ended. Its calls are measured from the moment where the supervision's
 * own limit is over: its time-out, after two heartbeats in which it notices the silence and asks.
 * A guest out of memory ends by the platform's signal; in a page it would end the page, so only Node
 * has that cause.
 */
import { createKernel, type Kernel, packageSource } from '@plinth/kernel';
import { packageFor } from '../guest-code.ts';
import type { Outcomes } from '../outcome.ts';
import type { Bench, GuestWorker, Platform } from '../platform.ts';

const IN_FLIGHT = 64;
/** Longer than any goal, shorter than the calls' own time-out. */
const PATIENCE = 5_000;

/** A way for a guest to end. */
interface Cause {
  readonly name: string;
  /** What the guest runs when it is told to end. */
  readonly guestCode?: string;
  /** Text at the top of its bundle. */
  readonly bundleCode?: string;
  /** An external cause; otherwise the guest is told to end. */
  end?(kernel: Kernel, worker: GuestWorker): void;
  /** Milliseconds that the kernel may take to notice. Absent where the platform tells it. */
  readonly noticedIn?: number;
}

const HEARTBEAT = 50;
const TIMEOUT = 200;

const ID = 'bench.mortal';
/** Enough for the guest, and soon used up. */
const MEMORY = { resources: { memory: '64MB' } };
/** The current time on a clock that both threads share. */
const EPOCH = 'performance.timeOrigin + performance.now()';

const CAUSES: readonly Cause[] = [
  { name: 'uncaught throw', guestCode: "setTimeout(() => { throw new Error('uncaught'); });" },
  { name: 'uncaught rejection', guestCode: "void Promise.reject(new Error('uncaught'));" },
  {
    name: 'stopped by the kernel',
    end: (kernel) => void kernel.plugins.deactivate(ID, { drain: 0 }),
  },
  { name: 'terminated past the kernel', end: (_, worker) => worker.terminate() },
  { name: 'spin', guestCode: 'for (;;);', noticedIn: TIMEOUT + 2 * HEARTBEAT },
  { name: 'load failure', bundleCode: `throw new Error('at ' + (${EPOCH}));` },
];

export async function measureSettle({ platform, rounds }: Bench): Promise<Outcomes> {
  const causes = [
    ...CAUSES,
    ...platform.selfMadeEnds.map(({ name, code }) => ({ name, guestCode: code })),
  ];
  const worst = new Map<string, number>();
  for (let round = 0; round < rounds; round++) {
    for (const cause of causes)
      worst.set(
        cause.name,
        Math.max(worst.get(cause.name) ?? 0, await settleAfter(cause, platform)),
      );
  }
  return {
    worst: {
      value: Math.max(...worst.values()),
      detail: [...worst].map(([name, time]) => `${name} ${time.toFixed(1)}`).join(', '),
    },
  };
}

/** Milliseconds from the end to the last call that settles. */
async function settleAfter(cause: Cause, platform: Platform): Promise<number> {
  let worker: GuestWorker | undefined;
  const host = platform.createWatchedHost((launched) => {
    worker = launched;
  });
  const kernel = await createKernel({
    host,
    sources: [packageSource([mortal(cause)])],
    supervision: { restart: false, heartbeat: HEARTBEAT, timeout: TIMEOUT },
  });
  await kernel.start();
  try {
    const lazy = cause.bundleCode !== undefined;
    const calls = Array.from({ length: IN_FLIGHT }, () =>
      rejection(kernel.commands.execute(`${ID}:wait`)),
    );
    if (!lazy) await kernel.commands.execute(`${ID}:ping`);
    const ended = performance.now();
    if (cause.end !== undefined) cause.end(kernel, worker as GuestWorker);
    else if (!lazy) void rejection(kernel.commands.execute(`${ID}:end`));
    const errors = await Promise.race([Promise.all(calls), tooLate(cause.name)]);
    const settled = performance.now();
    for (const { code } of errors)
      if (code === undefined || code === 'call/timeout')
        throw new Error(`after ${cause.name} a call settled with ${code}`);
    if (lazy)
      return Math.max(0, performance.timeOrigin + settled - thrownAt(errors[0] as TypedError));
    if (cause.noticedIn !== undefined) return Math.max(0, settled - ended - cause.noticedIn);
    // Some calls settle before the platform reports: the guest had announced its end.
    const signal = await Promise.race([worker?.ended ?? ended, tooLate(cause.name)]);
    return Math.max(0, settled - signal);
  } finally {
    await kernel.stop();
  }
}

function mortal({ guestCode = '', bundleCode = '' }: Cause) {
  const code = `${bundleCode} export default { activate(ctx) {
    ctx.commands.handle('wait', () => new Promise(() => {}));
    ctx.commands.handle('ping', () => 'here');
    ctx.commands.handle('end', async () => { ${guestCode} return new Promise(() => {}); });
  } };`;
  return packageFor(ID, code, {
    ...MEMORY,
    ...(bundleCode !== '' && { activation: [`command:${ID}:wait`] }),
  });
}

type TypedError = Error & { readonly code?: string };

async function rejection(call: Promise<unknown>): Promise<TypedError> {
  try {
    await call;
  } catch (error) {
    return error as TypedError;
  }
  throw new Error('a call of a guest that has ended was answered');
}

/** The time is in the message, because a bundle that doesn't load has no other output. */
function thrownAt(error: TypedError): number {
  for (let one: unknown = error; one instanceof Error; one = one.cause) {
    const at = /at (\d+(?:\.\d+)?)/.exec(one.message)?.[1];
    if (at !== undefined) return Number(at);
  }
  throw new Error(`a call settled without the bundle's own error: ${error.message}`);
}

function tooLate(cause: string): Promise<never> {
  return new Promise((_, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`after ${cause} calls were still waiting ${PATIENCE} ms later`)),
      PATIENCE,
    );
    // Must not keep the process alive when all goes well.
    (timer as unknown as { unref?(): void }).unref?.();
  });
}
