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

/** The most commands whose totals are kept by name. */
const MAX_LISTED = 10_000;

/** Owns every counter of a kernel. */
export class Metrics {
  /** Counters and gauges of extensions. */
  readonly extensions = new Map<string, () => number>();
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
   * The totals of a command that existed before. Unknown names get no entry, so they can't fill the
   * table.
   */
  known(id: string): CommandCounter | undefined {
    return this.#commands.get(id);
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
      ...(this.extensions.size > 0 && {
        extensions: Object.fromEntries([...this.extensions].map(([name, read]) => [name, read()])),
      }),
    };
  }
}
