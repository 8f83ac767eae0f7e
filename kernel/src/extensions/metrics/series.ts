/** Calls of one command or hook, as one plugin answers them. */
import { Histogram, type HistogramData } from './histogram.js';

/** What a series counts. */
export interface SeriesName {
  readonly kind: 'command' | 'hook';
  /** The wire id, or `*` for all that is beyond the bound. */
  readonly feature: string;
  /** The plugin that answers, or `host`. */
  readonly plugin: string;
}

/** A series as plain data. */
export interface SeriesData extends SeriesName {
  readonly failures: number;
  /** Failures by error code. */
  readonly errors: Readonly<Record<string, number>>;
  /** Milliseconds of each call. */
  readonly times: HistogramData;
}

/** The most error codes that are told apart. Declared errors may have any name. */
const MAX_CODES = 16;

/** Owns the counts of one series. */
export class Series {
  readonly name: SeriesName;
  readonly times = new Histogram();
  failures = 0;
  /** The caller of the latest calls, and how many of them were not counted by caller yet. */
  caller: string | undefined = undefined;
  uncounted = 0;
  readonly errors = new Map<string, number>();

  constructor(name: SeriesName) {
    this.name = name;
  }

  /**
   * @param took milliseconds.
   * @param code of a call that has failed.
   */
  settle(took: number, code: string | undefined): void {
    this.times.record(took);
    if (code !== undefined) this.#fail(code, 1);
  }

  /** Adds calls of which only the totals are known. All but the slowest count as their mean. */
  add(calls: number, failures: number, total: number, slowest: number): void {
    if (calls > 1) this.times.record(Math.max(0, total - slowest) / (calls - 1), calls - 1);
    if (calls > 0) this.times.record(slowest);
    if (failures > 0) this.#fail('call/failed', failures);
  }

  merge({ failures, errors, times }: SeriesData): void {
    this.failures += failures;
    for (const [code, count] of Object.entries(errors)) this.#count(code, count);
    this.times.merge(times);
  }

  toData(): SeriesData {
    const { name, failures, errors, times } = this;
    return { ...name, failures, errors: Object.fromEntries(errors), times: times.toData() };
  }

  #fail(code: string, count: number): void {
    this.failures += count;
    this.#count(code, count);
  }

  #count(code: string, count: number): void {
    const known = this.errors.has(code) || this.errors.size < MAX_CODES;
    const listed = known ? code : 'other';
    this.errors.set(listed, (this.errors.get(listed) ?? 0) + count);
  }
}

/** The code of a failure, for metrics. */
export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' && code.length <= 64 ? code : 'call/failed';
}
