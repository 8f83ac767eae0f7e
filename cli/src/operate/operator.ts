/** What commands for operators do with a kernel: one in this process, or one that runs elsewhere. */
import type {
  AuditEntry,
  AuditHead,
  AuditVerdict,
  Explanation,
  Kernel,
  PluginPackage,
  PluginUsage,
  TelemetryReport,
  TenantUsage,
} from '@plinth/host-node';
import type { Manifest } from '@plinth/sdk/contract';

/** A plugin in a list. */
export interface PluginFacts {
  readonly id: string;
  readonly name?: string;
  readonly version?: string;
  readonly state: string;
  readonly enabled: boolean;
  readonly origin: string;
  readonly error?: { readonly code?: string; readonly message: string };
}

/** A plugin in full. */
export interface PluginDetails {
  readonly facts: PluginFacts;
  readonly manifest: Manifest | undefined;
  /** Ids of its commands. */
  readonly commands: readonly string[];
  /** Everything that is known, for `--json`. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** What a change has left of a plugin. */
export interface Changed {
  readonly id: string;
  readonly version: string | undefined;
  readonly state: string | undefined;
}

/** The steps without options. */
export type Step = 'enable' | 'disable' | 'rollback';

/** Consent of an update or an installation. */
export interface Consent {
  readonly owner?: string;
  readonly consent?: true;
}

/** Which part of a report is wanted. */
export interface ReportQuery {
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly plugin?: string;
}

/** Settings of a plugin, and the layer that each is from. */
export interface Settings {
  readonly config: Readonly<Record<string, unknown>>;
  readonly layers: ReturnType<Kernel['config']['layers']>;
}

/** What plugins keep, in a list. */
export interface Kept {
  readonly plugin: string;
  readonly keys: number;
  /** Bytes of its database. Absent without one, and where the kernel doesn't tell. */
  readonly database?: number;
  readonly installed: boolean;
}

/** How much a step with data was about. */
export interface Moved {
  readonly keys: number;
  /** Bytes of a copy of a database. Absent without one. */
  readonly database?: number;
}

/** The verbs of an operator. Each rejects with an error that has a `code`. */
export interface Operator {
  /** Whether the kernel runs elsewhere, so that its texts are foreign. */
  readonly isForeign: boolean;
  plugins(): Promise<readonly PluginFacts[]>;
  /** Undefined for a plugin that isn't installed. */
  plugin(id: string): Promise<PluginDetails | undefined>;
  step(step: Step, id: string): Promise<Changed>;
  install(found: PluginPackage, consent: Consent): Promise<Changed>;
  update(
    found: PluginPackage,
    consent: Consent,
  ): Promise<Changed & { readonly from: string | undefined }>;
  uninstall(id: string, purge: boolean): Promise<void>;
  explain(id: string): Promise<Explanation>;
  /** Answers what the command answers; of a stream, an async iterable of its parts. */
  execute(command: string, input: unknown, timeout: number | undefined): Promise<unknown>;
  usage(): Promise<readonly PluginUsage[]>;
  usageOf(id: string): Promise<PluginUsage>;
  /** What all plugins use together. Undefined where the kernel doesn't tell. */
  usageOfAll(): Promise<TenantUsage | undefined>;
  report(query: ReportQuery): Promise<TelemetryReport>;
  reportText(query: ReportQuery, format: 'text' | 'csv'): Promise<string>;
  settings(id: string): Promise<Settings>;
  configure(id: string, patch: Readonly<Record<string, unknown>>): Promise<void>;
  setSecret(plugin: string, name: string, value: string): Promise<void>;
  kept(): Promise<readonly Kept[]>;
  keys(id: string): Promise<readonly string[]>;
  /** The text of an export. */
  exportData(id: string): Promise<Moved & { readonly text: string }>;
  /** Takes in the text of an export, which was read of a file. */
  importData(id: string, file: string, text: string): Promise<Moved>;
  /** Deletes what a plugin keeps. Answers how many keys that were. */
  purgeData(id: string): Promise<number>;
  audit(plugin: string | undefined): Promise<{
    readonly head: AuditHead;
    readonly entries: readonly AuditEntry[];
  }>;
  verifyAudit(since: AuditHead | undefined): Promise<AuditVerdict>;
}
