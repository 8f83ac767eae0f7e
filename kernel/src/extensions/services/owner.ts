/** Owns the instances of services that were made for one scope, and ends them. */
import { ASYNC_DISPOSE, createError, DISPOSE, messageOf } from '@plinth/sdk/contract';
import type { Registration } from './service.js';

/** A service, and how it ends. */
interface Made {
  readonly token: string;
  end(): unknown;
}

/** Owns the services of a container or a scope. */
export class Owner {
  readonly #single = new Map<Registration, Promise<unknown>>();
  readonly #made: Made[] = [];
  #ended: Promise<void> | undefined;

  /** The single instance of a registration here. The first request makes it. */
  one(registration: Registration, make: () => Promise<unknown>): Promise<unknown> {
    let service = this.#single.get(registration);
    if (service === undefined) {
      service = make();
      this.#single.set(registration, service);
      // The next request tries again.
      service.catch(() => this.#single.delete(registration));
    }
    return service;
  }

  owns(made: Made): void {
    this.#made.push(made);
  }

  get ended(): boolean {
    return this.#ended !== undefined;
  }

  /** @throws AggregateError when several could not be ended. All are tried. */
  end(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #end(): Promise<void> {
    await Promise.allSettled(this.#single.values());
    const failures: unknown[] = [];
    for (let made = this.#made.pop(); made !== undefined; made = this.#made.pop()) {
      try {
        await made.end();
      } catch (cause) {
        failures.push(
          createError(
            'service/failed',
            `could not end the service '${made.token}': ${messageOf(cause)}`,
            { details: { token: made.token }, cause },
          ),
        );
      }
    }
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1)
      throw new AggregateError(failures, `could not end ${failures.length} services`);
  }
}

/** Ends a service that has a method for it. */
export function endOf(service: unknown): unknown {
  if (service === null || typeof service !== 'object') return undefined;
  const { dispose } = service as { dispose?: unknown };
  const end =
    (service as Partial<AsyncDisposable>)[ASYNC_DISPOSE] ??
    (service as Partial<Disposable>)[DISPOSE] ??
    (typeof dispose === 'function' ? dispose : undefined);
  return (end as (() => unknown) | undefined)?.call(service);
}
