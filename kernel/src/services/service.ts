/** What a service is: how it is made, how long it lives, and what resolves it. */

/** How long a service lives: as long as the container, a scope, or whatever requested it. */
export type Lifetime = 'singleton' | 'scoped' | 'transient';

/** Gets the dependencies of a service that is being made. */
export interface ServiceResolver {
  get<T>(token: ServiceToken<T>): Promise<T>;
  get(token: string): Promise<unknown>;
}

/** How a service is made and ended. */
export interface ServiceSpec<T> {
  /** `singleton` when absent. */
  readonly lifetime?: Lifetime;
  /** Makes the service, async or not. Its dependencies come from `services`. */
  create(services: ServiceResolver): T | Promise<T>;
  /** Ends the service. When absent, its `dispose()` or `Symbol.asyncDispose` is called. */
  dispose?(service: T): unknown;
}

/** A registered service. Disposing it unregisters; made services live until their owner ends. */
export interface ServiceToken<T> extends Disposable {
  readonly token: string;
  /** Only for types. */
  readonly type?: T;
  dispose(): void;
}

/** A scope: one of each `scoped` service, until it is disposed. */
export interface ServiceScope extends ServiceResolver, AsyncDisposable {
  /** Ends what was made for this scope, the latest first. */
  dispose(): Promise<void>;
}

/** A service as the container keeps it. */
export interface Registration {
  readonly token: string;
  readonly lifetime: Lifetime;
  readonly spec: ServiceSpec<unknown>;
}
