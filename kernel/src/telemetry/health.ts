/**
 * Health: whether a kernel works, which plugins run and which don't, and what each plugin reports.
 * An unknown state is never reported as healthy.
 */
import type { HealthReport } from '@plinth/sdk';
import { messageOf, type PluginError } from '@plinth/sdk/contract';
import { isRunning, type PluginRecord, type PluginState } from '../plugin/record.js';
import type { Redaction } from '../secrets/redaction.js';
import type { Circumstances } from './explain.js';

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

/** A problem outside of plugins. */
export interface HealthProblem {
  readonly code: string;
  readonly message: string;
}

/**
 * Health of a kernel. `unhealthy`: the kernel does not work as a whole (it could not start, has
 * stopped, or its storage fails), or a running plugin is unhealthy. `degraded`: a plugin failed or
 * is paused, a source is missing something, or the start is in progress.
 */
export interface KernelHealth {
  readonly status: HealthReport['status'];
  /** The state of the kernel itself. `failed` follows a rejected `start()`. */
  readonly state: 'new' | 'starting' | 'running' | 'failed' | 'stopping' | 'stopped';
  /** Milliseconds since the kernel was made. */
  readonly uptime: number;
  readonly plugins: readonly PluginHealth[];
  /**
   * Why the kernel does not work fully: problems of its own state, its storage or its sources, and
   * damaged data.
   */
  readonly problems: readonly HealthProblem[];
  /** The other tenants of the kernel. Present only for the kernel itself. */
  readonly tenants?: readonly TenantHealth[];
}

/** Health of one of the tenants. */
export interface TenantHealth extends Omit<KernelHealth, 'tenants'> {
  readonly id: string;
}

/** Asks one plugin for its health. A plugin that doesn't answer in time counts as unhealthy. */
export async function pluginHealth(
  record: PluginRecord,
  timeout: number,
  redaction: Redaction,
  { enabled, blame }: Partial<Pick<Circumstances, 'enabled' | 'blame'>> = {},
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
      ...(report?.details !== undefined && { details: redaction.value(report.details) }),
    };
  } catch (error) {
    return { ...running, status: 'unhealthy', details: redaction.text(messageOf(error)) };
  }
}

const told = (error: Error) => ({
  code: (error as Partial<PluginError>).code ?? 'call/failed',
  message: error.message,
});

/**
 * Health of one tenant.
 *
 * @param own the problem that keeps the kernel itself from working.
 * @param problems other things that are missing or damaged.
 */
export function kernelHealth(
  state: KernelHealth['state'],
  plugins: readonly PluginHealth[],
  own: readonly PluginError[],
  problems: readonly PluginError[],
  uptime: number,
): KernelHealth {
  const bad = plugins.filter(
    (plugin) => plugin.status === 'unhealthy' || plugin.status === 'degraded',
  );
  const ill =
    own.length > 0 ||
    bad.some((plugin) => plugin.status === 'unhealthy' && plugin.state !== 'failed');
  const status = ill
    ? 'unhealthy'
    : bad.length > 0 || problems.length > 0 || state !== 'running'
      ? 'degraded'
      : 'healthy';
  return {
    status,
    state,
    uptime,
    plugins,
    problems: [...own, ...problems].map(({ code, message }) => ({ code, message })),
  };
}

const RANK: readonly HealthReport['status'][] = ['healthy', 'degraded', 'unhealthy'];

/** Health of the whole kernel: the worst of its tenants. */
export function withTenants(own: KernelHealth, tenants: readonly TenantHealth[]): KernelHealth {
  if (tenants.length === 0) return own;
  const rank = Math.max(...[own, ...tenants].map(({ status }) => RANK.indexOf(status)));
  return { ...own, status: RANK[rank] as HealthReport['status'], tenants };
}
