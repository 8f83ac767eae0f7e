/** Collects what a tenant's plugins do and use, slot by slot, and answers for it. */
import { createError, messageOf, PluginError } from '@plinth/sdk/contract';
import type { Core } from '../../extension/core.js';
import { inTime } from '../../in-time.js';
import type { KernelTopic } from '../../kernel-events.js';
import type { PluginRecord } from '../../plugin/record.js';
import { idOf } from '../../registry/key.js';
import { Availability, useOf } from './availability.js';
import type { CountedBytes } from './bytes.js';
import { EventCounts } from './event-counts.js';
import type { Instruments } from './instruments.js';
import { Measurements } from './measurements.js';
import type { MetricsOptions } from './metrics-options.js';
import { prometheusText } from './prometheus.js';
import { Recorder } from './recorder.js';
import { reportOf } from './report.js';
import type { ReportQuery, TelemetryReport } from './report-data.js';
import { rangeOf } from './report-range.js';
import { reportCsv, reportText } from './report-text.js';
import { ResourceSampler } from './resource-sampler.js';
import { type Level, type OpenDocuments, Ring } from './ring.js';
import { SeriesTable } from './series-table.js';
import { SlotSum, sumOf } from './slot.js';
import { Turns } from './turns.js';
import { usageOf } from './usage.js';
import type { PluginUsage } from './usage-data.js';

/** What telemetry needs of its extension. */
export interface TelemetryParts {
  readonly core: Core;
  readonly options: MetricsOptions;
  readonly instruments: Instruments;
  readonly open: OpenDocuments;
  /** Bytes of a plugin's guest, by the plugin's key, where they are counted. */
  bytes(key: string): CountedBytes | undefined;
  /** The telemetry of another tenant. */
  other(tenant: string): Telemetry | undefined;
  /** Nothing is collected any more. */
  ended(): void;
}

/** A minute for an hour, and an hour for a week. */
export const LEVELS: readonly Level[] = [
  { every: 60_000, keep: 61 },
  { every: 3_600_000, keep: 168 },
];

/** What changes whether a plugin can be used. Not what happens to plugins that nothing has started. */
const CHANGES: readonly KernelTopic[] = [
  'plugin:activated',
  'plugin:suspended',
  'plugin:resumed',
  'plugin:deactivated',
  'plugin:reloaded',
  'plugin:updated',
  'plugin:rolled-back',
  'plugin:failed',
  'plugin:crashed',
  'plugin:restarted',
  'plugin:enabled',
  'plugin:disabled',
  'plugin:uninstalled',
];

/** The longest time of a timer, in milliseconds. */
const LONGEST = 2_147_483_647;
/** Milliseconds in which the storage must answer. */
const PATIENCE = 2_000;

/** Owns the recorder, the rings, the instruments and their one timer. */
export class Telemetry {
  readonly core: Core;
  readonly recorder: Recorder;
  readonly #parts: TelemetryParts;
  readonly #counts: EventCounts;
  readonly #availability = new Availability();
  readonly #sampler: ResourceSampler;
  readonly #rings: readonly Ring[];
  /** Calls of all slots that have ended since the kernel was made. */
  readonly #totals = new SeriesTable();
  readonly #listening: readonly { dispose(): void }[];
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The collection in progress. Each begins when the one before has ended. */
  #collecting: Promise<void> = Promise.resolve();
  /** Since when the next slot is collected, in milliseconds since the epoch. */
  #since = Date.now();
  #closed = false;
  #failing = false;

  constructor(parts: TelemetryParts) {
    const { core, options, open } = parts;
    this.core = core;
    this.#parts = parts;
    const measurements = new Measurements(parts.instruments, core.reporting.log, core.redaction);
    this.#counts = new EventCounts(core.bus, core.reporting.log);
    const { metrics } = core.reporting;
    this.recorder = new Recorder({
      measure: (plugin, measured) => measurements.take(plugin, measured),
      isUnknown: (counter) => counter === metrics.unknown,
      isInstalled: (plugin) => core.registry.find(plugin) !== undefined,
      clean: (text) => core.redaction.text(text),
    });
    this.#sampler = new ResourceSampler(core, this.#counts);
    this.#rings = (options.levels ?? LEVELS).map((level) => new Ring(level, open, Date.now));
    metrics.recorder = this.recorder;
    this.#listening = CHANGES.map((topic) =>
      core.bus.on(topic, ({ event }) => {
        if (event.source !== 'kernel') return;
        const { id } = event.payload as { readonly id: string };
        this.#noteUse(id);
        if (topic === 'plugin:uninstalled') this.#forget(id);
      }),
    );
    this.#arm();
  }

  /**
   * @throws PluginValidationError `call/invalid-option`; PluginUnavailableError `plugin/not-found`
   * for a plugin that isn't installed and of which nothing is known.
   */
  async report(query: ReportQuery): Promise<TelemetryReport> {
    const { core, other } = this.#parts;
    const { tenant = core.tenant, plugin } = query;
    if (tenant !== core.tenant) {
      const another = other(tenant);
      if (another !== undefined) return another.report({ ...query, tenant });
      throw createError('call/invalid-option', `there is no tenant '${tenant}' to report on here`, {
        details: { option: 'tenant' },
      });
    }
    const [from, to] = rangeOf(query);
    await this.#collect();
    const ring = this.#rings.find((one) => one.reaches(from)) ?? (this.#rings.at(-1) as Ring);
    const { every } = ring.level;
    // Of what is still to come there is nothing, and the slot of now is no part of it.
    const sum = await sumOf(from < to ? await this.#inTime(ring.read(from, to)) : []);
    const { registry } = core;
    if (plugin !== undefined && plugin !== 'host' && !sum.knows(plugin)) this.recordOf(plugin);
    return reportOf({
      tenant,
      from: Math.max(Math.floor(from / every) * every, Math.min(sum.since, to)),
      to: Math.max(to, Math.min(Math.ceil(to / every) * every, Date.now())),
      resolution: every,
      sum,
      plugin,
      stateOf: (id) => registry.find(id)?.state,
      dependenciesOf: (id) => dependenciesOf(registry.find(id), (key) => registry.get(key)?.state),
    });
  }

  /** The report as text. */
  async text(query: ReportQuery, format: 'csv' | 'text'): Promise<string> {
    const report = await this.report(query);
    return format === 'csv' ? reportCsv(report) : reportText(report);
  }

  async prometheus(): Promise<string> {
    const { registry, reporting, tenant } = this.#parts.core;
    const turns = new Turns();
    const series = new SeriesTable();
    for (const data of this.#tables.map((table) => table.toData())) {
      series.merge(data);
      await turns.pause();
    }
    const states = new Map<string, number>();
    for (const { state } of registry.all()) states.set(state, (states.get(state) ?? 0) + 1);
    const { commands: _, extensions = {}, ...counters } = reporting.metrics.snapshot();
    const instruments = this.#parts.instruments.data();
    return prometheusText({
      tenant,
      series: series.all,
      instruments,
      counters: { ...counters, ...extensions },
      states,
    });
  }

  /** @throws PluginUnavailableError `plugin/not-found`. */
  recordOf(reference: string): PluginRecord {
    const record = this.#parts.core.registry.find(reference);
    if (record !== undefined) return record;
    throw createError('plugin/not-found', `no plugin '${reference}' is installed`, {
      plugin: reference,
    });
  }

  /** @throws as {@link recordOf}. */
  usage(reference: string): Promise<PluginUsage> {
    return this.#usage(this.recordOf(reference));
  }

  usages(): Promise<readonly PluginUsage[]> {
    return Promise.all(this.#parts.core.registry.all().map((record) => this.#usage(record)));
  }

  /** Writes what has happened since the last slot. Everything has stopped. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#parts.core.reporting.metrics.recorder = undefined;
    for (const one of this.#listening) one.dispose();
    await this.#collect();
    this.#counts.close();
    this.#parts.ended();
  }

  get #tables(): readonly SeriesTable[] {
    return [this.#totals, this.recorder.current];
  }

  #usage(record: PluginRecord): Promise<PluginUsage> {
    const { core, bytes } = this.#parts;
    return usageOf(record, { core, counts: this.#counts, bytes, series: () => this.#tables });
  }

  #arm(): void {
    const every = Math.min(...this.#rings.map(({ level }) => level.every));
    this.#timer = setTimeout(
      () => {
        void this.#collect().then(() => {
          if (!this.#closed) this.#arm();
        });
      },
      // Slots end by the wall clock, in every kernel at once.
      Math.min(LONGEST, every - (Date.now() % every)),
    );
  }

  /** Adds what has happened since the last time to the slots, and writes them. */
  #collect(): Promise<void> {
    this.#collecting = this.#collecting.then(async () => {
      const resources = await this.#sampler.sample(!this.#closed);
      const sum = new SlotSum();
      for (const [id, data] of resources) sum.addPlugin(id, data);
      for (const [id, times] of this.#availability.take(performance.now()))
        sum.addPlugin(id, times);
      const series = this.recorder.take().toData();
      this.#totals.merge(series);
      const data = { since: this.#since, series, plugins: Object.fromEntries(sum.plugins) };
      this.#since = Date.now();
      const turns = new Turns();
      const written: Promise<unknown>[] = [];
      for (const ring of this.#rings) {
        await turns.pause();
        written.push(this.#inTime(ring.add(data)).catch((error: unknown) => error));
      }
      this.#tell((await Promise.all(written)).find((error) => error !== undefined));
    });
    return this.#collecting;
  }

  /** A storage that never answers must hold neither a report nor the end of the kernel. */
  #inTime<T>(storing: Promise<T>): Promise<T> {
    return inTime(storing, PATIENCE, `the storage has not answered for ${PATIENCE} ms`).catch(
      (cause: unknown) => {
        if (cause instanceof PluginError) throw cause;
        throw createError('storage/failed', messageOf(cause), { cause });
      },
    );
  }

  /** The storage fails: told once, until it works again. */
  #tell(error: unknown): void {
    const fails = error !== undefined;
    if (fails && !this.#failing)
      this.#parts.core.reporting.log.write(
        'kernel',
        'warn',
        `metrics could not be written, and a report will lack them: ${messageOf(error)}`,
      );
    this.#failing = fails;
  }

  #noteUse(id: string): void {
    const { registry } = this.#parts.core;
    const record = registry.find(id);
    if (record === undefined) return this.#availability.forget(id);
    const use = useOf(record, registry.isEnabled(record.key));
    if (use !== undefined) this.#availability.note(id, use, performance.now());
  }

  #forget(id: string): void {
    this.#availability.forget(id);
    this.#parts.instruments.forget(id);
    this.recorder.forget(id);
  }
}

function dependenciesOf(
  record: PluginRecord | undefined,
  stateOf: (key: string) => string | undefined,
): readonly { readonly id: string; readonly state: string }[] {
  const lasting = record?.state === 'failed' ? record.previous : record;
  if (lasting === undefined || !('dependencies' in lasting)) return [];
  return lasting.dependencies.map((key) => ({ id: idOf(key), state: stateOf(key) ?? 'absent' }));
}
