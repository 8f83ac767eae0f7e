/** Health of one plugin: what it reports. An unknown state is never reported as healthy. */
import type { HealthReport } from '@plinth/sdk';
import { messageOf, type PluginError } from '@plinth/sdk/contract';
import { sizeOf } from '@plinth/sdk/rpc';
import { isRunning, type PluginRecord, type PluginState } from '../plugin/record.js';
import type { Redaction } from '../telemetry/redaction.js';

/** Health of one plugin. */
export interface PluginHealth {
  readonly id: string;
  readonly version?: string;
  readonly state: PluginState;
  /** `stopped` is neither good nor bad: the plugin is not wanted now, or may not run. */
  readonly status: HealthReport['status'] | 'stopped';
  readonly details?: unknown;
  /** Calls that wait for this plugin's answer. */
  readonly pending?: number;
  /** Messages of its guest that were refused. */
  readonly refused?: number;
  /** Why it failed, is paused, or may not run. */
  readonly error?: { readonly code: string; readonly message: string };
}

/** What a record doesn't say. */
export interface HealthFacts {
  /** Whether it may be started. */
  readonly enabled?: boolean;
  /** Why it is paused. */
  readonly blame?: Error | undefined;
}

/** Asks one plugin for its health. A plugin that doesn't answer in time counts as unhealthy. */
export async function pluginHealth(
  record: PluginRecord,
  timeout: number,
  redaction: Redaction,
  { enabled, blame }: HealthFacts = {},
): Promise<PluginHealth> {
  const known = {
    id: record.id,
    state: record.state,
    ...('version' in record && { version: record.version }),
  };
  // A plugin that an operator has disabled is not missing, whatever its state was.
  const wanted = enabled !== false && record.state !== 'denied';
  if (record.state === 'failed' || record.state === 'denied')
    return { ...known, status: wanted ? 'unhealthy' : 'stopped', error: told(record.error) };
  if (!isRunning(record)) return { ...known, status: 'stopped' };
  const { connection } = record;
  const running = { ...known, pending: connection.link.pending, refused: connection.refusals };
  if (record.state === 'suspended') {
    if (record.reason === 'request') return { ...running, status: 'stopped' };
    return { ...running, status: 'degraded', ...(blame !== undefined && { error: told(blame) }) };
  }
  if (record.state !== 'active')
    return { ...running, status: 'degraded', details: 'it is starting' };
  if (!connection.has('healthCheck')) return { ...running, status: 'healthy' };
  try {
    const report = (await connection.ask('healthCheck', timeout)) as
      | Partial<HealthReport>
      | undefined;
    const status = report?.status;
    if (status !== 'healthy' && status !== 'degraded' && status !== 'unhealthy')
      return {
        ...running,
        status: 'unhealthy',
        details: "healthCheck didn't answer with a status",
      };
    return {
      ...running,
      status,
      ...(report?.details !== undefined && { details: redaction.value(bounded(report.details)) }),
    };
  } catch (error) {
    const details = redaction.text(messageOf(error));
    const { code } = Object(error) as { readonly code?: unknown };
    // The guest itself is lost, not the check alone.
    const lost = typeof code === 'string' && code.startsWith('guest/');
    const why = lost && { error: { code, message: details } };
    return { ...running, status: 'unhealthy', details, ...why };
  }
}

/** The most bytes of details that are told. */
const MAX_DETAILS = 65_536;

const bounded = (details: unknown): unknown =>
  sizeOf(details) > MAX_DETAILS ? `details larger than ${MAX_DETAILS} bytes` : details;

const told = (error: Error) => ({
  code: (error as Partial<PluginError>).code ?? 'call/failed',
  message: error.message,
});
