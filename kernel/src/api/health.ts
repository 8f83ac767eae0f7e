/** Health of a kernel and its tenants: whether they work, and which plugins run and which don't. */
import type { HealthReport } from '@plinth/sdk';
import type { PluginError } from '@plinth/sdk/contract';
import type { PluginHealth } from '../lifecycle/plugin-health.js';

/** A problem outside of plugins. */
export interface HealthProblem {
  readonly code: string;
  readonly message: string;
}

/** The parts of a kernel that have a health of their own. */
export type HealthPart =
  | 'kernel'
  | 'plugins'
  | 'dependencies'
  | 'guests'
  | 'storage'
  | 'sources'
  | 'extensions';

/** Health of one part. */
export interface PartHealth {
  readonly status: HealthReport['status'];
  /** Empty while it is healthy. */
  readonly reasons: readonly string[];
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
  /**
   * The same by part: the kernel itself, plugins, what they depend on, their guests, the storage,
   * the sources and the extensions. Each reason is a sentence.
   */
  readonly parts: Readonly<Record<HealthPart, PartHealth>>;
  /** The other tenants of the kernel. Present only for the kernel itself. */
  readonly tenants?: readonly TenantHealth[];
}

/** Health of one of the tenants. */
export interface TenantHealth extends Omit<KernelHealth, 'tenants'> {
  readonly id: string;
}

/** What is known of a tenant for its health. */
export interface HealthFacts {
  readonly state: KernelHealth['state'];
  readonly plugins: readonly PluginHealth[];
  /** The problem of the tenant's own state. */
  readonly kernel: PluginError | undefined;
  readonly storage: PluginError | undefined;
  /** Sources that are late or can't be read, and what they brought that can't be used. */
  readonly sources: readonly PluginError[];
  readonly extensions: {
    readonly unhealthy: readonly PluginError[];
    readonly degraded: readonly PluginError[];
  };
  /** Milliseconds since the tenant was made. */
  readonly uptime: number;
}

/** Health of one tenant. */
export function kernelHealth(facts: HealthFacts): KernelHealth {
  const { state, plugins, kernel, storage, sources, extensions, uptime } = facts;
  const own = [kernel, storage, ...extensions.unhealthy].flatMap((problem) => problem ?? []);
  const others = [...sources, ...extensions.degraded];
  const bad = plugins.filter(({ status }) => status === 'unhealthy' || status === 'degraded');
  const ill =
    own.length > 0 ||
    bad.some((plugin) => plugin.status === 'unhealthy' && plugin.state !== 'failed');
  const status = ill
    ? 'unhealthy'
    : bad.length > 0 || others.length > 0 || state !== 'running'
      ? 'degraded'
      : 'healthy';
  const parts: KernelHealth['parts'] = {
    kernel: partOf(kernel === undefined && state === 'running' ? [] : [kernel ?? state]),
    plugins: partOf(
      bad.map(reasonOf),
      bad.every(({ status: of }) => of === 'degraded'),
    ),
    dependencies: partOf(bad.filter(isLacking).map(reasonOf), true),
    guests: partOf(bad.filter(hasLost).map(reasonOf)),
    storage: partOf(storage === undefined ? [] : [storage]),
    sources: partOf(sources, true),
    extensions: partOf(
      [...extensions.unhealthy, ...extensions.degraded],
      extensions.unhealthy.length === 0,
    ),
  };
  const problems = [...own, ...others].map(({ code, message }) => ({ code, message }));
  return { status, state, uptime, plugins, problems, parts };
}

/** @param mild whether the reasons degrade the part, and no more. */
function partOf(reasons: readonly (PluginError | string)[], mild = false): PartHealth {
  if (reasons.length === 0) return { status: 'healthy', reasons: [] };
  return {
    status: mild ? 'degraded' : 'unhealthy',
    reasons: reasons.map((reason) => (typeof reason === 'string' ? reason : reason.message)),
  };
}

function reasonOf({ id, state, status, error, details }: PluginHealth): string {
  // A check may say no more than how it is, or say it in data.
  const said = state === 'active' ? `its health check says ${status}` : undefined;
  const why = error?.message ?? (typeof details === 'string' ? details : said);
  return `${id} is ${state}${why === undefined ? '' : `: ${why}`}`;
}

/** Codes of plugins that lack another one. */
const LACKING: ReadonlySet<unknown> = new Set([
  'plugin/unsatisfied',
  'plugin/dependency-failed',
  'plugin/cycle',
  'plugin/unavailable',
]);
const isLacking = ({ error }: PluginHealth): boolean => LACKING.has(error?.code);

/** Whether a plugin's guest has ended by itself, or doesn't answer. */
const hasLost = ({ error }: PluginHealth): boolean => error?.code.startsWith('guest/') === true;

const RANK: readonly HealthReport['status'][] = ['healthy', 'degraded', 'unhealthy'];

/** Health of the whole kernel: the worst of its tenants. */
export function withTenants(own: KernelHealth, tenants: readonly TenantHealth[]): KernelHealth {
  if (tenants.length === 0) return own;
  const rank = Math.max(...[own, ...tenants].map(({ status }) => RANK.indexOf(status)));
  return { ...own, status: RANK[rank] as HealthReport['status'], tenants };
}
