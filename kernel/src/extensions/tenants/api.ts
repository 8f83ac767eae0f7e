/** What an application sees of its tenants. */
import type { DrainOptions } from '../../lifecycle/drain.js';
import type { TenantUsage } from '../metrics/usage-data.js';

/** Options of `tenants()`. */
export interface TenantsOptions {
  /** Tenants that may exist at the same time. Default: 10 000. */
  readonly most?: number;
}

/** What managing needs of a tenant. */
export interface TenantLike {
  start(): Promise<void>;
  stop(options?: DrainOptions): Promise<void>;
  readonly config: {
    set?(plugin: string, patch: Readonly<Record<string, unknown>>): Promise<void>;
  };
  readonly secrets?: { set(plugin: string, name: string, value: string): Promise<void> };
  usage?(): Promise<TenantUsage>;
}

/** A tenant of the list. */
export interface TenantInfo {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
  /** Whether it has been requested since the kernel was made, and not been stopped. */
  readonly running: boolean;
  /** Bytes that are kept for it: of its plugins, and of the kernel about them. */
  readonly stored: number;
  /** What its plugins use together, and may. Present where it was asked for, and while it runs. */
  readonly usage?: TenantUsage;
}

/** What a list tells. */
export interface ListTenants {
  /** Whether it measures what the plugins of each running tenant use. */
  readonly usage?: boolean;
}

/** What a new tenant begins with. */
export interface CreateTenant {
  /** Settings by plugin, as `config.set` takes them. */
  readonly config?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Secrets by plugin and name, as `secrets.set` takes them. */
  readonly secrets?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** How a tenant is deleted. */
export interface DeleteTenant extends DrainOptions {
  /** Also deletes everything that is kept for it. Otherwise a later tenant of that id has it. */
  readonly purge?: boolean;
}

/** The tenants of a kernel, each of the type `T`. */
export interface Tenants<T> {
  /** The tenants that were created, sorted by id. The default tenant isn't among them. */
  list(what?: ListTenants): Promise<readonly TenantInfo[]>;
  /**
   * A tenant that was created. The first request starts it.
   *
   * @throws PluginConfigurationError `kernel/invalid-option` for another one.
   */
  get(id: string): T;
  /**
   * Creates a tenant, starts it, and gives it its settings and secrets. When one of them is refused,
   * nothing is left of the tenant but what a former one of that id had kept.
   *
   * @throws PluginConfigurationError `kernel/invalid-option` for an id that is invalid or taken, and
   * beyond the limit; what its start, `config.set` or `secrets.set` throws.
   */
  create(id: string, what?: CreateTenant): Promise<T>;
  /**
   * Stops a tenant and takes it from the list. When that is interrupted, the next start of the
   * kernel finishes it.
   *
   * @throws PluginConfigurationError `kernel/invalid-option` for an unknown one; what the storage
   * throws.
   */
  delete(id: string, how?: DeleteTenant): Promise<void>;
  /** Starts all tenants. Rejects with an AggregateError of what failed. */
  start(): Promise<void>;
}
