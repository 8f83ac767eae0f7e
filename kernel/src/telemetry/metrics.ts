/** Counts of what passed through the kernel, cheap enough to be always on. */

/** Totals of one command. */
export interface CommandMetrics {
  readonly calls: number;
  readonly failures: number;
  /** Milliseconds of all calls together. */
  readonly totalTime: number;
  /** Milliseconds of the slowest call. */
  readonly maxTime: number;
}

/** A snapshot of everything counted. */
export interface MetricsSnapshot {
  /** Calls that have settled, and how many of them failed. */
  readonly calls: number;
  readonly failures: number;
  /** How many of them went directly from guest to guest. The provider reports them within 50 ms. */
  readonly laneCalls: number;
  readonly permissionChecks: number;
  readonly permissionDenials: number;
  readonly middlewareRuns: number;
  readonly validations: number;
  readonly events: number;
  readonly deliveries: number;
  readonly droppedDeliveries: number;
  readonly refusedMessages: number;
  readonly commands: Readonly<Record<string, CommandMetrics>>;
  /** Counters and gauges of extensions, by `<extension>.<name>`. Absent where there are none. */
  readonly extensions?: Readonly<Record<string, number>>;
}

/**
 * The mutable totals of one command. They are in its registry entry, so that counting is a field
 * access.
 */
export class CommandCounter {
  calls = 0;
  failures = 0;
  totalTime = 0;
  maxTime = 0;

  /** Adds many calls at once, as another part reports them. */
  add(calls: number, failures: number, totalTime: number, maxTime: number): void {
    this.calls += calls;
    this.failures += failures;
    this.totalTime += totalTime;
    this.maxTime = Math.max(this.maxTime, maxTime);
  }

  settle(ok: boolean, time: number): void {
    this.calls += 1;
    if (!ok) this.failures += 1;
    this.totalTime += time;
    if (time > this.maxTime) this.maxTime = time;
  }
}

/** A call that has ended, as a recorder needs it. */
export interface EndedCall {
  /** The wire id of the command, hook or event. */
  readonly id: string;
  readonly caller: { readonly id: string };
  readonly requestId: string;
  readonly target: { readonly owner?: string; readonly counter?: unknown };
}

/** A call that took long. */
export interface SlowCall {
  /** When it ended, in milliseconds since the epoch. */
  readonly at: number;
  /** Milliseconds. */
  readonly took: number;
  /** The wire id of the command or hook. */
  readonly feature: string;
  /** Plugin id, or `host`. */
  readonly caller: string;
  readonly requestId: string;
}

/** Receives each call that has ended. It must not throw: it runs in the path of calls. */
export interface CallRecorder {
  /**
   * @param value the answer, or the error.
   * @param took milliseconds.
   * @param now milliseconds of the monotonic clock.
   */
  call(call: EndedCall, ok: boolean, value: unknown, took: number, now: number): void;
  /** Who has called a plugin, the most frequent first. */
  callersOf(plugin: string): readonly { readonly id: string; readonly calls: number }[];
  /** Calls that a plugin took long to answer, the latest last. */
  slowCallsOf(plugin: string): readonly SlowCall[];
  /** Measurements of a plugin, as its guest sends them: nothing was checked. */
  measure(plugin: string, measurements: unknown): void;
  /** Calls over a direct lane, as the guest that has answered them reports them. Milliseconds. */
  lane(
    ends: { readonly command: string; readonly caller: string; readonly provider: string },
    report: {
      readonly calls: number;
      readonly failures: number;
      readonly total: number;
      readonly slowest: number;
    },
  ): void;
}

/** The most commands whose totals are kept by name. */
const MAX_LISTED = 10_000;

/** Owns every counter of a kernel. */
export class Metrics {
  /** Counters and gauges of extensions. */
  readonly extensions = new Map<string, () => number | undefined>();
  /** Set by an extension that keeps more of calls than their totals. */
  recorder: CallRecorder | undefined = undefined;
  /** Totals of calls to commands that have never existed. Their names are whatever callers wrote. */
  readonly unknown = new CommandCounter();
  readonly #commands = new Map<string, CommandCounter>();
  calls = 0;
  failures = 0;
  laneCalls = 0;
  permissionChecks = 0;
  permissionDenials = 0;
  middlewareRuns = 0;
  validations = 0;
  events = 0;
  deliveries = 0;
  droppedDeliveries = 0;
  refusedMessages = 0;

  command(id: string): CommandCounter {
    let counter = this.#commands.get(id);
    if (counter === undefined) {
      counter = new CommandCounter();
      // Names come from plugins. Beyond the bound a command has its own counter, and is not listed.
      if (this.#commands.size < MAX_LISTED) this.#commands.set(id, counter);
    }
    return counter;
  }

  /**
   * The totals of a command that existed before. Unknown names share {@link unknown}, so they can't
   * fill the table.
   */
  known(id: string): CommandCounter {
    return this.#commands.get(id) ?? this.unknown;
  }

  snapshot(): MetricsSnapshot {
    const {
      calls,
      failures,
      laneCalls,
      permissionChecks,
      permissionDenials,
      middlewareRuns,
      validations,
      events,
      deliveries,
      droppedDeliveries,
      refusedMessages,
    } = this;
    const commands = Object.fromEntries(
      [...this.#commands].map(([id, counter]) => [id, { ...counter }]),
    );
    return {
      calls,
      failures,
      laneCalls,
      permissionChecks,
      permissionDenials,
      middlewareRuns,
      validations,
      events,
      deliveries,
      droppedDeliveries,
      refusedMessages,
      commands,
      ...(this.extensions.size > 0 && { extensions: this.readExtensions() }),
    };
  }

  /** What extensions count, by name. A gauge that can't be read is left out. */
  readExtensions(): Readonly<Record<string, number>> {
    return Object.fromEntries(
      [...this.extensions].flatMap(([name, read]) => {
        const value = read();
        return value === undefined ? [] : [[name, value] as const];
      }),
    );
  }
}
