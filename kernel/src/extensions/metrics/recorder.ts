/** Records the calls of a tenant: how long they took, how they ended, and who made them. */
import { ownerOf } from '@plinth/sdk/contract';
import type { CallRecorder, EndedCall, SlowCall } from '../../telemetry/metrics.js';
import { codeOf, type Series } from './series.js';
import { SeriesTable } from './series-table.js';

/** The most callers of one plugin that are told apart, and the most plugins that they are kept of. */
const MAX_CALLERS = 64;
const MAX_CALLED = 4_096;

/** Milliseconds from which a call is slow, and how many of a plugin's are kept. */
const SLOW = 1_000;
const MAX_SLOW = 10;

/** Calls of a plugin by the plugin that made them. */
export interface CallerCount {
  /** Plugin id, `host`, or `*` for all beyond the bound. */
  readonly id: string;
  /** Since the kernel was made. */
  readonly calls: number;
}

/** What a recorder needs of the kernel. */
export interface RecorderParts {
  /** Takes measurements of plugins. */
  measure(plugin: string, measurements: unknown): void;
  /** Whether a target counts commands that have never existed. */
  isUnknown(counter: unknown): boolean;
  isInstalled(plugin: string): boolean;
  /** A text that a plugin has chosen, without secrets. */
  clean(text: string): string;
}

/** Owns the series of the current slot, and the counts of callers. */
export class Recorder implements CallRecorder {
  #table = new SeriesTable();
  /** Series by the target of a call, so that most calls need no name. */
  #known = new WeakMap<object, Series>();
  /** The target of the latest call, and its series: most calls are like the one before. */
  #lastTarget: object | undefined;
  #last: Series | undefined;
  readonly #parts: RecorderParts;
  readonly #callers = new Map<string, Map<string, number>>();
  readonly #slowCalls = new Map<string, SlowCall[]>();

  constructor(parts: RecorderParts) {
    this.#parts = parts;
  }

  measure(plugin: string, measurements: unknown): void {
    this.#parts.measure(plugin, measurements);
  }

  call(call: EndedCall, ok: boolean, value: unknown, took: number): void {
    const { target } = call;
    const series = target === this.#lastTarget ? this.#last : this.#seriesOf(call);
    if (series === undefined) return;
    series.settle(took, ok ? undefined : this.#parts.clean(codeOf(value)));
    if (took >= SLOW) this.#slow(series.name.plugin, call, took);
    const { id } = call.caller;
    if (series.caller !== id) this.#countCaller(series, id);
    series.uncounted += 1;
  }

  /** The series of a call. Undefined for an event on its way: no plugin answers it. */
  #seriesOf(call: EndedCall): Series | undefined {
    const { target } = call;
    let series = this.#known.get(target);
    if (series === undefined) {
      const isCommand = target.counter !== undefined;
      if (target.owner === undefined && !isCommand) return undefined;
      const kind = isCommand ? 'command' : 'hook';
      series = this.#table.of({ kind, ...this.#nameOf(call) });
      this.#known.set(target, series);
    }
    this.#lastTarget = target;
    this.#last = series;
    return series;
  }

  /** Counts the calls of a series' latest caller. */
  #countCaller(series: Series, next?: string): void {
    if (series.caller !== undefined)
      this.#count(series.name.plugin, series.caller, series.uncounted);
    series.caller = next;
    series.uncounted = 0;
  }

  lane(
    ends: { readonly command: string; readonly caller: string; readonly provider: string },
    report: {
      readonly calls: number;
      readonly failures: number;
      readonly total: number;
      readonly slowest: number;
    },
  ): void {
    const { calls, failures, total, slowest } = report;
    const { command, provider: plugin, caller } = ends;
    const feature = this.#parts.clean(command);
    this.#table.of({ kind: 'command', feature, plugin }).add(calls, failures, total, slowest);
    this.#count(plugin, caller, calls);
  }

  /** Callers choose the names of commands that don't exist, so these have no series of their own. */
  #nameOf({ id, target }: EndedCall): { readonly feature: string; readonly plugin: string } {
    const plugin = target.owner ?? ownerOf(id);
    if (!this.#parts.isUnknown(target.counter)) return { feature: this.#parts.clean(id), plugin };
    const isKnown = plugin === 'host' || this.#parts.isInstalled(plugin);
    return { feature: '*', plugin: isKnown ? plugin : '*' };
  }

  /** What was recorded since the last call of this. */
  take(): SeriesTable {
    const table = this.#table;
    for (const series of table.all) this.#countCaller(series);
    this.#table = new SeriesTable();
    this.#known = new WeakMap();
    this.#lastTarget = this.#last = undefined;
    return table;
  }

  /** What was recorded since {@link take}. */
  get current(): SeriesTable {
    return this.#table;
  }

  /** Who has called a plugin, the most frequent first. */
  callersOf(plugin: string): readonly CallerCount[] {
    for (const series of this.#table.all)
      if (series.name.plugin === plugin) this.#countCaller(series);
    return [...(this.#callers.get(plugin) ?? [])]
      .map(([id, calls]) => ({ id, calls }))
      .sort((one, other) => other.calls - one.calls);
  }

  /** Calls that a plugin took long to answer, the latest last. */
  slowCallsOf(plugin: string): readonly SlowCall[] {
    return [...(this.#slowCalls.get(plugin) ?? [])];
  }

  /** A plugin is gone. */
  forget(plugin: string): void {
    this.#callers.delete(plugin);
    this.#slowCalls.delete(plugin);
  }

  #slow(plugin: string, { id, caller, requestId }: EndedCall, took: number): void {
    let calls = this.#slowCalls.get(plugin);
    if (calls === undefined) {
      if (this.#slowCalls.size >= MAX_CALLED) return;
      calls = [];
      this.#slowCalls.set(plugin, calls);
    }
    calls.push({
      at: Date.now(),
      took,
      feature: this.#parts.clean(id),
      caller: caller.id,
      requestId,
    });
    if (calls.length > MAX_SLOW) calls.shift();
  }

  #count(plugin: string, caller: string, calls: number): void {
    let callers = this.#callers.get(plugin);
    if (callers === undefined) {
      if (this.#callers.size >= MAX_CALLED) return;
      callers = new Map();
      this.#callers.set(plugin, callers);
    }
    const listed = callers.has(caller) || callers.size < MAX_CALLERS ? caller : '*';
    callers.set(listed, (callers.get(listed) ?? 0) + calls);
  }
}
