/** What a service is: how it is made, how long it lives, and what resolves it. */
import type { ServiceResolver } from '../../calls/services.js';

/** How long a service lives: as long as the container, a scope, or whatever requested it. */
export type Lifetime = 'singleton' | 'scoped' | 'transient';

/** How a service is made and ended. */
export interface ServiceSpec<T> {
  /** `singleton` when absent. */
  readonly lifetime?: Lifetime;
  /** Makes the service, async or not. Its dependencies come from `services`. */
  create(services: ServiceResolver): T | Promise<T>;
  /** Ends the service. When absent, its `dispose()` or `Symbol.asyncDispose` is called. */
  dispose?(service: T): unknown;
}

/** A service as the container keeps it. */
export interface Registration {
  readonly token: string;
  readonly lifetime: Lifetime;
  readonly spec: ServiceSpec<unknown>;
}
