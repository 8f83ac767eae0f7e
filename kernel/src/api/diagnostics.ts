/** `kernel.diagnostics()`: the state of a tenant as one document of plain JSON. */
import type { Isolation, LogLevel } from '@plinth/sdk/contract';
import type { SharedLimits } from '../guests/guest-meter.js';
import type { Host } from '../host.js';
import type { Limits } from '../limits.js';
import { isRunning, type PluginRecord, versionOf } from '../plugin/record.js';
import type { PluginRegistry } from '../registry/plugin-registry.js';
import type { Reporting } from '../reporting.js';
import type { MetricsSnapshot } from '../telemetry/metrics.js';
import type { Redaction } from '../telemetry/redaction.js';
import type { HealthProblem, KernelHealth } from './health.js';

/** What is known of a tenant from its beginning. */
export interface BasicDiagnostics {
  readonly version: string;
  readonly tenant: string;
  readonly state: KernelHealth['state'];
  /** Milliseconds since the tenant was made. */
  readonly uptime: number;
  /** The application's extensions, each with its powers and its own diagnostics. */
  readonly extensions: readonly Readonly<Record<string, unknown>>[];
  /** The kernel's own extensions, in the same form. */
  readonly builtIns: readonly Readonly<Record<string, unknown>>[];
}

/** One plugin. */
export interface DiagnosedPlugin {
  readonly id: string;
  readonly version?: string;
  readonly state: string;
  readonly enabled: boolean;
  readonly origin: string;
  readonly isolation?: Isolation;
  /** Why it is in its state, in one sentence. */
  readonly because: string;
  /** The step that would let it run. Absent when nothing is wrong. */
  readonly next?: string;
  readonly dependencies: readonly string[];
  /** Messages that wait until it can take them. */
  readonly waiting: number;
  /** What its guest has in progress. Absent while it has none. */
  readonly guest?: {
    readonly pending: number;
    readonly serving: number;
    readonly streams: number;
    readonly received: number;
    readonly sent: number;
    readonly refused: number;
    /** Milliseconds of each phase of its start. */
    readonly phases: Readonly<Record<string, number>>;
  };
}

/** `kernel.diagnostics()`. Everything but the basics is there once the plugins are known. */
export interface KernelDiagnostics extends BasicDiagnostics {
  readonly plugins: readonly DiagnosedPlugin[];
  /** Where guests run, and what the system tells of itself. */
  readonly hosts?: readonly {
    readonly runtime?: string;
    readonly isolations: readonly Isolation[];
    readonly system?: Readonly<Record<string, unknown>>;
  }[];
  readonly limits?: Readonly<Record<string, number>>;
  /** What all plugins may use together, and what was last known of that. `usage()` measures. */
  readonly together?: {
    readonly limits: Readonly<Record<string, number>>;
    /** Bytes of the guests whose memory is limited. */
    readonly memory: number;
    /** Requests of plugins that are being answered. */
    readonly calls: number;
  };
  /** Sources, storage and plugins that could not be read. */
  readonly problems?: readonly HealthProblem[];
  /** Counts of what passed through the kernel. */
  readonly metrics?: Omit<MetricsSnapshot, 'commands'>;
  /** The latest warnings and errors, the oldest first. */
  readonly log?: readonly {
    readonly time: number;
    readonly level: LogLevel;
    readonly source: string;
    readonly message: string;
  }[];
}

/** What diagnostics are collected from. */
export interface DiagnosticParts {
  readonly registry: PluginRegistry;
  readonly redaction: Redaction;
  readonly reporting: Reporting;
  readonly hosts: readonly Host[];
  readonly limits: Limits;
  readonly together: SharedLimits;
  readonly problems: readonly HealthProblem[];
  becauseOf(record: PluginRecord): string;
  nextFor(record: PluginRecord): string | undefined;
  isolationOf(record: PluginRecord): Isolation | undefined;
}

const LATEST = 50;

/** Collects the document. Texts may come from anywhere, so secrets are taken out at the end. */
export function diagnosticsOf(known: BasicDiagnostics, parts: DiagnosticParts): KernelDiagnostics {
  const { registry, redaction, reporting, hosts, limits, problems } = parts;
  const { commands: _, ...metrics } = reporting.metrics.snapshot();
  const document: KernelDiagnostics = {
    ...known,
    plugins: registry.all().map((record) => pluginOf(record, parts)),
    hosts: hosts.map((host) => ({
      ...(host.runtime !== undefined && { runtime: host.runtime }),
      isolations: host.isolations,
      ...(host.system !== undefined && { system: { ...host.system() } }),
    })),
    limits: finite(limits),
    together: togetherOf(parts),
    problems: problems.map(({ code, message }) => ({ code, message })),
    metrics,
    log: reporting.log
      .recent()
      .filter(({ level }) => level === 'warn' || level === 'error')
      .slice(-LATEST)
      .map(({ time, level, source, message }) => ({ time, level, source, message })),
  };
  return withoutPasswords(redaction.value(document)) as KernelDiagnostics;
}

function togetherOf({ registry, together }: DiagnosticParts): KernelDiagnostics['together'] {
  const { memory, storage, messages, calls } = together;
  const sum = { memory: 0, calls: 0 };
  for (const record of registry.all())
    if (isRunning(record)) {
      sum.memory += record.connection.meter.memory;
      sum.calls += record.connection.link.serving;
    }
  return { limits: finite({ memory, storage, messages, calls }), ...sum };
}

function pluginOf(record: PluginRecord, parts: DiagnosticParts): DiagnosedPlugin {
  const { registry } = parts;
  const { key, id, state, origin } = record;
  const version = versionOf(record);
  const next = parts.nextFor(record);
  const isolation = parts.isolationOf(record);
  const lasting = record.state === 'failed' ? record.previous : record;
  return {
    id,
    ...(version !== undefined && { version }),
    state,
    enabled: registry.isEnabled(key),
    origin,
    ...(isolation !== undefined && { isolation }),
    because: parts.becauseOf(record),
    ...(next !== undefined && { next }),
    dependencies: 'dependencies' in lasting ? lasting.dependencies : [],
    waiting: registry.plugin(key)?.mailbox.size ?? 0,
    ...(isRunning(record) && { guest: guestOf(record) }),
  };
}

function guestOf({
  connection,
  phases,
}: Extract<PluginRecord, { readonly connection: unknown }>): DiagnosedPlugin['guest'] {
  const { link, refusals } = connection;
  return {
    pending: link.pending,
    serving: link.serving,
    streams: link.streams,
    received: link.received,
    sent: link.posted,
    refused: refusals,
    phases: { ...phases },
  };
}

/** JSON has no Infinity: what has no limit is left out. */
const finite = (limits: object): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(limits).filter(
      (entry): entry is [string, number] =>
        typeof entry[1] === 'number' && Number.isFinite(entry[1]),
    ),
  );

/** The document as JSON, without names and passwords of URLs, like those of sources. */
function withoutPasswords(document: unknown): unknown {
  const text = JSON.stringify(document, (_, value: unknown) => {
    if (typeof value === 'bigint') return String(value);
    return typeof value === 'string' ? value.replaceAll(LOGIN, '$1') : value;
  });
  return JSON.parse(text);
}

/** What stands before the last `@` of a URL's host. */
const LOGIN = /(\b[a-z][a-z0-9+.-]{1,15}:\/\/)[^/\s]{1,512}@/gi;
