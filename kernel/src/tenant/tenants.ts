/** The tenants of a kernel beside the default one. */
import { ASYNC_DISPOSE, createError } from '@plinth/sdk/contract';
import type { TenantHealth } from '../api/health.js';
import type { DrainOptions } from '../lifecycle/drain.js';
import type { CoreTenant } from './core-tenant.js';
import type { Shared } from './shared.js';
import { createTenant } from './tenant.js';

const TENANT_ID = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}$/;

/** @throws PluginConfigurationError `kernel/invalid-option`. */
export function checkTenantId(id: string): void {
  if (typeof id === 'string' && TENANT_ID.test(id)) return;
  throw createError(
    'kernel/invalid-option',
    `'${String(id).slice(0, 80)}' is not a tenant id: letters, digits, '.', '_' and '-', at most 128`,
    { details: { option: 'tenant' } },
  );
}

/** Owns the tenants by id, from their first request to their end. */
export class Tenants {
  readonly #shared: Shared;
  readonly #tenants = new Map<string, CoreTenant>();
  /** Tenants that are stopping. */
  readonly #leaving = new Map<string, Promise<void>>();
  /** Whether the kernel has been started, so that a new tenant starts at once. */
  started = false;

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  all(): readonly CoreTenant[] {
    return [...this.#tenants.values()];
  }

  /** A tenant by its id. The first request makes it. */
  get(id: string): CoreTenant {
    const known = this.#tenants.get(id);
    if (known !== undefined) return known;
    // A tenant never has two guests of one plugin, so it waits for its predecessor to stop.
    const made = createTenant(this.#shared, id, this.#leaving.get(id));
    const tenant: CoreTenant = {
      ...made,
      stop: (options) => this.#stop(id, tenant, made.stop(options)),
      [ASYNC_DISPOSE]: () => tenant.stop(),
    };
    this.#tenants.set(id, tenant);
    // A caller that needs the tenant started awaits its own start(), which shares this one.
    if (this.started) tenant.start().catch(() => {});
    return tenant;
  }

  #stop(id: string, tenant: CoreTenant, stopped: Promise<void>): Promise<void> {
    if (this.#tenants.get(id) === tenant) this.#tenants.delete(id);
    const left = stopped.finally(() => {
      if (this.#leaving.get(id) === left) this.#leaving.delete(id);
    });
    this.#leaving.set(id, left);
    return left;
  }

  health(): Promise<readonly TenantHealth[]> {
    return Promise.all(
      [...this.#tenants].map(async ([id, tenant]) => ({ id, ...(await tenant.health()) })),
    );
  }

  /** Stops all of them, and waits for those that are stopping. */
  async stop(options: DrainOptions | undefined): Promise<void> {
    await Promise.allSettled([
      ...this.#leaving.values(),
      ...this.all().map((tenant) => tenant.stop(options)),
    ]);
  }
}
