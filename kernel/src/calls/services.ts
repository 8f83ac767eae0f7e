/** How services of the application are asked for, where a call asks for them. */

/** Gets the dependencies of a service that is being made. */
export interface ServiceResolver {
  get<T>(token: ServiceToken<T>): Promise<T>;
  get(token: string): Promise<unknown>;
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
