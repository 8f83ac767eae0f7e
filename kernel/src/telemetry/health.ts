/** Health: what runs, what doesn't, and what each plugin says of itself. */
import type { HealthReport } from '@plinth/sdk';
import { messageOf, type PluginError } from '@plinth/sdk/contract';
import { isRunning, type PluginRecord, type PluginState } from '../record.js';
import type { Redaction } from '../secrets/redaction.js';

/** Health of one plugin. */
export interface PluginHealth {
  readonly id: string;
  readonly version?: string;
  readonly state: PluginState;
  readonly status: HealthReport['status'] | 'stopped';
  readonly details?: unknown;
  /** Calls that wait for this plugin's answer. */
  readonly pending?: number;
  /** Messages of its guest that were refused. */
  readonly refused?: number;
  readonly error?: { readonly code: string; readonly message: string };
}

/** Health of a kernel: as bad as the worst plugin that runs, and degraded when something is missing: a plugin that failed, or what a source should have found. */
export interface KernelHealth {
  readonly status: HealthReport['status'];
  /** Milliseconds since the kernel was made. */
  readonly uptime: number;
  readonly plugins: readonly PluginHealth[];
  /** Sources that found less than they should. */
  readonly problems: readonly { readonly code: string; readonly message: string }[];
}

/** Asks one plugin; a plugin that doesn't answer in time is unhealthy, and that is an answer. */
export async function pluginHealth(record: PluginRecord, timeout: number, redaction: Redaction): Promise<PluginHealth> {
  const known = { id: record.id, state: record.state, ...('version' in record && { version: record.version }) };
  if (record.state === 'failed')
    return { ...known, status: 'unhealthy', error: { code: (record.error as Partial<PluginError>).code ?? 'call/failed', message: record.error.message } };
  if (!isRunning(record)) return { ...known, status: 'stopped' };
  const { connection } = record;
  const running = { ...known, pending: connection.link.pending, refused: connection.refusals };
  if (!connection.has('healthCheck') || record.state !== 'active') return { ...running, status: 'healthy' };
  try {
    const report = (await connection.ask('healthCheck', timeout)) as Partial<HealthReport> | undefined;
    const status = report?.status;
    if (status !== 'healthy' && status !== 'degraded' && status !== 'unhealthy') return { ...running, status: 'unhealthy', details: "healthCheck didn't answer with a status" };
    return { ...running, status, ...(report?.details !== undefined && { details: redaction.value(report.details) }) };
  } catch (error) {
    return { ...running, status: 'unhealthy', details: redaction.text(messageOf(error)) };
  }
}

/** The whole tree. */
export function kernelHealth(plugins: readonly PluginHealth[], problems: readonly PluginError[], uptime: number): KernelHealth {
  const bad = plugins.filter((plugin) => plugin.status === 'unhealthy' || plugin.status === 'degraded');
  const ill = bad.some((plugin) => plugin.status === 'unhealthy' && plugin.state !== 'failed');
  const status = ill ? 'unhealthy' : bad.length > 0 || problems.length > 0 ? 'degraded' : 'healthy';
  return { status, uptime, plugins, problems: problems.map(({ code, message }) => ({ code, message })) };
}
