/** Calls one light command of each well-behaved plugin again and again, and keeps how long it took. */
import type { PlaygroundKernel } from '../kernel/playground-kernel.ts';
import { Changes } from './store.ts';

const EVERY = 250;
/** Points of the chart: one minute. */
const MOST_POINTS = 240;

const COMMANDS: readonly (readonly [name: string, command: string, input?: unknown])[] = [
  ['Notes', 'demo.notes:list'],
  ['Search', 'demo.search:stats'],
  ['Markdown', 'demo.markdown:toHtml', { text: '*probe*' }],
  ['Clock', 'demo.clock:now'],
];

interface Series {
  readonly name: string;
  readonly points: (number | null)[];
  worst: number;
  failed: number;
  /** A call that has no answer yet: no second one is sent beside it. */
  waiting: boolean;
}

/** Runs from its creation until it is stopped. */
export class Probe {
  readonly changes = new Changes();
  readonly names = COMMANDS.map(([name]) => name);
  readonly #kernel: PlaygroundKernel;
  readonly #stop = new AbortController();
  readonly #times: number[] = [];
  readonly #series: readonly Series[] = COMMANDS.map(([name]) => ({
    name,
    points: [],
    worst: 0,
    failed: 0,
    waiting: false,
  }));
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(kernel: PlaygroundKernel) {
    this.#kernel = kernel;
    this.#timer = setInterval(() => this.#round(), EVERY);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#stop.abort();
  }

  /** Seconds, then a row for each series. */
  data(): readonly (readonly (number | null)[])[] {
    return [this.#times, ...this.#series.map(({ points }) => points)];
  }

  last() {
    return this.#series.map(({ name, points, worst, failed }) => ({
      name,
      last: points.findLast((point) => point !== null) ?? undefined,
      worst,
      failed,
    }));
  }

  #round(): void {
    this.#times.push(performance.now() / 1_000);
    if (this.#times.length > MOST_POINTS) this.#times.shift();
    this.#series.forEach((series, index) => {
      series.points.push(null);
      if (series.points.length > MOST_POINTS) series.points.shift();
      if (!series.waiting) void this.#ask(series, COMMANDS[index] as (typeof COMMANDS)[number]);
    });
    this.changes.announce();
  }

  async #ask(series: Series, [, command, input]: (typeof COMMANDS)[number]): Promise<void> {
    series.waiting = true;
    const started = performance.now();
    try {
      await this.#kernel.commands.execute(command, input, {
        signal: this.#stop.signal,
        timeout: 5_000,
      });
    } catch {
      series.failed += 1;
    }
    const took = performance.now() - started;
    series.waiting = false;
    series.worst = Math.max(series.worst, took);
    series.points[series.points.length - 1] = took;
    this.changes.announce();
  }
}
