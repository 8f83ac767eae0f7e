/**
 * A clock that the test moves. It takes the place of this thread's `Date`, `performance.now` and
 * timers, which the kernel and inline guests use. One clock at a time.
 */
import { createError } from '@plinth/sdk/contract';

/** The time of a test kernel. */
export interface TestClock {
  /** Milliseconds since the epoch. */
  now(): number;
  /**
   * Moves the time on. Timers that become due run in their order, each at its own time, and what
   * they cause gets a few turns of the event loop.
   */
  advance(milliseconds: number): Promise<void>;
}

/** A clock that holds the globals until it is removed. */
export interface InstalledClock extends TestClock, Disposable {
  /** Moves `Date` alone, as when the clock of the machine is set. */
  skew(milliseconds: number): void;
}

type Run = (...values: readonly unknown[]) => void;

/** What a clock replaces. */
interface Globals {
  Date: DateConstructor;
  readonly performance: { now(): number };
  setTimeout(run: unknown, ms?: unknown, ...values: unknown[]): unknown;
  setInterval(run: unknown, ms?: unknown, ...values: unknown[]): unknown;
  clearTimeout(timer: unknown): void;
  clearInterval(timer: unknown): void;
}

interface Pending {
  at: number;
  readonly every: number | undefined;
  readonly run: () => void;
}

const globals = globalThis as unknown as Globals;

let holder: object | undefined;

/**
 * Installs a clock.
 *
 * @throws PluginConfigurationError `kernel/invalid-option` while another one is installed.
 */
export function installClock(start: number): InstalledClock {
  if (holder !== undefined)
    throw createError(
      'kernel/invalid-option',
      "another test kernel holds the clock: stop it first ('await using' does)",
    );
  const { setTimeout, setInterval, clearTimeout, clearInterval, performance } = globals;
  const before = { Date: globals.Date, now: performance.now };
  const real = { setTimeout, setInterval, clearTimeout, clearInterval };
  const timers = new Timers(start);
  const own = {};
  holder = own;
  const clear = (stop: (timer: unknown) => void) => (timer: unknown) => {
    if (!timers.clear(timer)) Reflect.apply(stop, globalThis, [timer]);
  };
  Object.assign(globals, {
    Date: dateOf(before.Date, () => (holder === own ? timers.now + timers.skewed : undefined)),
    setTimeout: (run: Run, ms?: unknown, ...values: unknown[]) =>
      isTurn(ms) || holder !== own
        ? Reflect.apply(real.setTimeout, globalThis, [run, ms, ...values])
        : timers.set(() => run(...values), Number(ms), false),
    setInterval: (run: Run, ms?: unknown, ...values: unknown[]) =>
      holder !== own
        ? Reflect.apply(real.setInterval, globalThis, [run, ms, ...values])
        : timers.set(() => run(...values), Math.max(1, Number(ms) || 1), true),
    clearTimeout: clear(real.clearTimeout),
    clearInterval: clear(real.clearInterval),
  });
  // Whole seconds: the kernel looks at deadlines in steps, which then fall on the milliseconds given.
  const began = start - Math.ceil(before.now.call(performance) / 1_000) * 1_000;
  performance.now = () => (holder === own ? timers.now - began : before.now.call(performance));
  const turns = async (count: number) => {
    for (let turn = 0; turn < count; turn += 1)
      await new Promise<void>((resolve) => {
        Reflect.apply(real.setTimeout, globalThis, [resolve, 0]);
      });
  };
  const clock: InstalledClock = {
    now: () => timers.now + timers.skewed,
    advance: (milliseconds) => advance(timers, milliseconds, turns),
    skew: (milliseconds) => {
      timers.skewed += milliseconds;
    },
    [Symbol.dispose]() {
      if (holder !== own) return;
      holder = undefined;
      Object.assign(globals, { ...real, Date: before.Date });
      performance.now = before.now;
      timers.end();
    },
  };
  waiting.set(clock, timers);
  return clock;
}

const waiting = new WeakMap<TestClock, Timers>();

/** How many timers wait for a clock. */
export function pendingTimers(clock: TestClock): number {
  return waiting.get(clock)?.pending ?? 0;
}

/** Shifts `Date` while the real clock runs. Undone, `Date` is what it was. */
export function skewDate(milliseconds: number): Disposable {
  const before = globals.Date;
  let shift = milliseconds;
  const shifted = dateOf(before, () => before.now() + shift);
  globals.Date = shifted;
  return {
    [Symbol.dispose]() {
      shift = 0;
      if (globals.Date === shifted) globals.Date = before;
    },
  };
}

/** Turns of the event loop between two timers, and after the last. A call takes one or two. */
const [BETWEEN, AFTER] = [4, 12];

async function advance(
  timers: Timers,
  milliseconds: number,
  turns: (count: number) => Promise<void>,
): Promise<void> {
  if (typeof milliseconds !== 'number' || !(milliseconds >= 0) || milliseconds > 1e12)
    throw createError(
      'kernel/invalid-option',
      'time moves on by milliseconds from 0 on: it never goes back',
    );
  const end = timers.now + milliseconds;
  for (;;) {
    await turns(BETWEEN);
    if (!timers.runNext(end)) break;
  }
  timers.now = end;
  await turns(AFTER);
}

/** A timer without a delay only ends a turn of the event loop: it doesn't wait for the clock. */
function isTurn(ms: unknown): boolean {
  return !(Number(ms) > 0);
}

/** `Date` with another present. Dates that are made of arguments are what they were. */
function dateOf(real: DateConstructor, now: () => number | undefined): DateConstructor {
  const present = () => now() ?? real.now();
  const shown: DateConstructor = new Proxy(real, {
    construct: (target, args, newTarget) =>
      Reflect.construct(
        target,
        args.length === 0 ? [present()] : args,
        newTarget === shown ? target : newTarget,
      ) as object,
    apply: (target) => new target(present()).toString(),
    get: (target, key) => (key === 'now' ? present : Reflect.get(target, key)),
  });
  return shown;
}

/** The timers that wait for the clock. Owns the time. */
class Timers {
  now: number;
  /** How far `Date` is off. */
  skewed = 0;
  readonly #waiting = new Map<unknown, Pending>();
  #last = 0;

  constructor(start: number) {
    this.now = start;
  }

  set(run: () => void, ms: number, again: boolean): unknown {
    // An object as in Node, which is a number where one is expected, as in browsers.
    this.#last += 1;
    const number = FIRST + this.#last;
    const timer = Object.freeze({
      ref: () => timer,
      unref: () => timer,
      hasRef: () => true,
      refresh: () => {
        const pending = this.#waiting.get(timer);
        if (pending !== undefined) pending.at = this.now + ms;
        return timer;
      },
      [Symbol.toPrimitive]: () => number,
      [Symbol.dispose]: () => void this.clear(timer),
    });
    this.#waiting.set(timer, { at: this.now + ms, every: again ? ms : undefined, run });
    return timer;
  }

  /** Whether the timer was one of these. */
  clear(timer: unknown): boolean {
    if (this.#waiting.delete(timer)) return true;
    return typeof timer === 'object' && timer !== null && Object.isFrozen(timer);
  }

  /** Runs the earliest timer that is due until a time. Whether there was one. */
  runNext(end: number): boolean {
    let next: readonly [unknown, Pending] | undefined;
    for (const entry of this.#waiting)
      if (entry[1].at <= end && (next === undefined || entry[1].at < next[1].at)) next = entry;
    if (next === undefined) return false;
    const [timer, pending] = next;
    this.now = Math.max(this.now, pending.at);
    if (pending.every === undefined) this.#waiting.delete(timer);
    else pending.at = this.now + pending.every;
    pending.run();
    return true;
  }

  get pending(): number {
    return this.#waiting.size;
  }

  end(): void {
    this.#waiting.clear();
  }
}

/** Numbers of timers, out of the way of the platform's. */
const FIRST = 2 ** 40;
