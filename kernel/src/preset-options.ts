/** The options of a kernel with built-in extensions. */
import type { AuditOptions } from './extensions/audit/audit-options.js';
import type { HibernationOptions } from './extensions/hibernation/hibernation-options.js';
import type { UpdatePolicy } from './extensions/installer/installed.js';
import type { ResourcePolicy } from './extensions/limits/resource-policy.js';
import type { MetricsOptions } from './extensions/metrics/metrics-options.js';
import type { CommandDefaults, ResilienceOptions } from './extensions/resilience/policy.js';
import type { SecretsOptions } from './extensions/secrets/secrets-options.js';
import type { ServiceSpec } from './extensions/services/service.js';
import type { SupervisionOptions } from './extensions/supervision/options.js';
import type { TrustDecisions } from './extensions/trust/trust-policy.js';
import type { CoreOptions } from './kernel-options.js';
import type { Limits } from './limits.js';
import type { CorePolicy } from './policy.js';

/** What the embedder decides about plugins. */
export interface Policy extends CorePolicy, TrustDecisions {
  /** The defaults for commands whose plugins set no policy. */
  readonly commands?: CommandDefaults;
  /** How much plugins may use, each and together. */
  readonly resources?: ResourcePolicy;
  /** How updates are made when the caller doesn't say. */
  readonly updates?: UpdatePolicy;
}

/**
 * The parts of a kernel. Everything but the sources of plugins has a default. `false` for a built-in
 * extension leaves it out.
 */
export interface KernelOptions extends Omit<CoreOptions, 'limits' | 'policy'> {
  readonly policy?: Policy;
  /** Deadlines and bounds. With false, nothing measures what plugins use. */
  readonly limits?: Partial<Limits> | false;
  /** What happens to guests that crash, hang or stay silent. With false, nothing happens. */
  readonly supervision?: boolean | SupervisionOptions;
  /** Which plugins give up their guest while they are idle; none when absent. */
  readonly hibernation?: HibernationOptions | false;
  /**
   * The resilience of commands, by command id or prefix: time-out, retry, breaker, bulkhead, rate,
   * cache, fallback.
   */
  readonly resilience?: ResilienceOptions | false;
  /** Services of the application by token; each tenant has its own. */
  readonly services?: Readonly<Record<string, ServiceSpec<unknown>>> | false;
  /** How secrets of plugins are kept; in memory alone when absent. */
  readonly secrets?: SecretsOptions | false;
  /** How much of the audit log is kept. */
  readonly audit?: boolean | AuditOptions;
  /** What is kept of metrics. */
  readonly metrics?: boolean | MetricsOptions;
  readonly grants?: boolean;
  readonly installer?: boolean;
  readonly liveConfig?: boolean;
  readonly messaging?: boolean;
  readonly network?: boolean;
  readonly trust?: boolean;
}
