/** Health of a kernel and its tenants: whether they work, and which plugins run and which don't. */
import type { HealthReport } from '@plinth/sdk';
import type { PluginError } from '@plinth/sdk/contract';
import type { PluginHealth } from '../lifecycle/plugin-health.js';

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
