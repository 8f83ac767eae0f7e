/** The telemetry report, as plain data. */

/** The stretch of time and the part of it that a report is about. */
export interface ReportQuery {
  /** Milliseconds since the epoch. An hour before `to` when absent. */
  readonly from?: number;
  /** Milliseconds since the epoch. Now when absent. */
  readonly to?: number;
  /** One plugin alone. */
  readonly plugin?: string;
  /**
   * Another tenant of the kernel. Only the default tenant may ask for others.
   */
  readonly tenant?: string;
  /** `data` when absent. */
  readonly format?: 'data' | 'text' | 'csv';
}

/** Milliseconds, at most 4.5 % off. */
export interface ResponseTimes {
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** What became of calls. */
export interface CallReport {
  readonly calls: number;
  readonly failures: number;
  /** The share of the calls that failed; 0 without calls. */
  readonly errorRate: number;
  /** Calls a second, over the stretch of time. */
  readonly throughput: number;
  /** Absent without calls. */
  readonly responseTime?: ResponseTimes;
  /** Failures by error code. */
  readonly errors: Readonly<Record<string, number>>;
}

/** Calls of one command or hook, as one plugin answers them. */
export interface FeatureReport extends CallReport {
  readonly kind: 'command' | 'hook';
  /** The wire id, or `*` for all beyond the most that are told apart, and for what doesn't exist. */
  readonly feature: string;
}

/** A measure over the stretch of time. */
export interface Measure {
  readonly mean: number;
  readonly max: number;
}

/** Resources of a plugin. What the runtime doesn't tell is absent, and named in `unknown`. */
export interface ResourceReport {
  /** Bytes. */
  readonly memory?: Measure;
  /** The share of one core. */
  readonly cpu?: number;
  /** Bytes that the plugin keeps, as measured last. */
  readonly disk?: number;
  readonly unknown: readonly ('cpu' | 'disk' | 'memory')[];
}

/** Whether a plugin could be used. */
export interface AvailabilityReport {
  /** The share of the time in which it should have been there that it was. Absent without any. */
  readonly share?: number;
  /** Milliseconds in which it could be used. A plugin that sleeps can. */
  readonly up: number;
  /** Milliseconds in which it should have been there: failed, starting, or without what it needs. */
  readonly down: number;
  /** Its state now; absent when it isn't installed any more. */
  readonly state?: string;
  readonly crashes: number;
  readonly restarts: number;
}

/** A dependency of a plugin, as it is now. */
export interface DependencyState {
  readonly id: string;
  /** `absent` when it isn't installed. */
  readonly state: string;
}

/** One plugin in a report. */
export interface PluginReport extends CallReport {
  /**
   * Plugin id, `host` for what the application answers, or `*` for calls to plugins that were not
   * installed.
   */
  readonly plugin: string;
  readonly features: readonly FeatureReport[];
  readonly resources: ResourceReport;
  readonly availability: AvailabilityReport;
  readonly dependencies: readonly DependencyState[];
}

/** `kernel.report()`. */
export interface TelemetryReport {
  readonly tenant: string;
  /**
   * The stretch that the figures are about, in milliseconds since the epoch: whole slots, and no
   * time before anything was recorded.
   */
  readonly from: number;
  readonly to: number;
  /** Milliseconds of a slot: figures can't be told apart within one. */
  readonly resolution: number;
  readonly total: CallReport;
  /** Sorted by id. */
  readonly plugins: readonly PluginReport[];
}
