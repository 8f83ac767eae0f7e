/**
 * Dependency injection for the embedding application: services by token, made when they are first asked for, ended in the
 * reverse order of their making. Small on purpose: a container that is larger than what it wires is no help.
 */
import { ASYNC_DISPOSE, createError, DISPOSE, disposable, messageOf } from '@plinth/sdk/contract';

/** How long a service lives: as long as the container, as long as a scope, or as whoever has asked for it. */
export type Lifetime = 'singleton' | 'scoped' | 'transient';

/** Gets services for one that is being made. */
export interface ServiceResolver {
  get<T>(token: ServiceToken<T>): Promise<T>;
  get(token: string): Promise<unknown>;
}

/** How a service is made and ended. */
export interface ServiceSpec<T> {
  /** `singleton` when absent. */
  readonly lifetime?: Lifetime;
  /** May be async; gets what the service needs. */
  create(services: ServiceResolver): T | Promise<T>;
  /** Ends it; `dispose()` and `Symbol.asyncDispose` of the service itself are called when this is absent. */
  dispose?(service: T): unknown;
}

/** A registered service. Disposing it takes the registration back; what was made of it lives on until its owner ends. */
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

/** `kernel.services`. */
export interface HostServices extends ServiceResolver {
  /**
   * Registers a service.
   *
   * @throws PluginConfigurationError `service/duplicate` that names the token, `service/invalid`.
   * @example
   * const Database = kernel.services.provide('database', { create: () => openDatabase(), dispose: (db) => db.close() });
   * const db = await kernel.services.get(Database);
   */
  provide<T>(token: string, spec: ServiceSpec<T>): ServiceToken<T>;
  has(token: string): boolean;
  /** Starts a scope; whoever starts it disposes it. */
  createScope(): ServiceScope;
}

interface Registration {
  readonly token: string;
  readonly lifetime: Lifetime;
  readonly spec: ServiceSpec<unknown>;
}

/** Who asks: what is being made at the moment, from the outermost on. */
type Chain = readonly Registration[];

/** Something that was made, and its end. */
interface Made {
  readonly token: string;
  end(): unknown;
}

const LIFETIMES: readonly Lifetime[] = ['singleton', 'scoped', 'transient'];

/** Owns what was made for a container or a scope. */
class Owner {
  readonly #single = new Map<Registration, Promise<unknown>>();
  readonly #made: Made[] = [];
  #ended: Promise<void> | undefined;

  /** The one of its kind here; made when nobody has asked before. */
  one(registration: Registration, make: () => Promise<unknown>): Promise<unknown> {
    let service = this.#single.get(registration);
    if (service === undefined) {
      service = make();
      this.#single.set(registration, service);
      // Who asks next tries again.
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

  /** @throws AggregateError when several could not be ended; all are tried. */
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
        failures.push(createError('service/failed', `could not end the service '${made.token}': ${messageOf(cause)}`, { details: { token: made.token }, cause }));
      }
    }
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) throw new AggregateError(failures, `could not end ${failures.length} services`);
  }
}

/** Owns the registrations of one tenant, and its singletons. */
export class Container implements HostServices {
  readonly #registrations = new Map<string, Registration>();
  readonly #root = new Owner();
  readonly #scopes = new Set<Owner>();
  /** Who waits for whom at the moment: two that are made at once may need each other. */
  readonly #waiting = new Map<Registration, Set<Registration>>();

  provide<T>(token: string, spec: ServiceSpec<T>): ServiceToken<T> {
    const { lifetime = 'singleton' } = spec ?? {};
    if (typeof token !== 'string' || token === '' || typeof spec?.create !== 'function' || !LIFETIMES.includes(lifetime)) {
      throw createError('service/invalid', `the service '${String(token)}' needs a token, a 'create' function, and a lifetime of ${LIFETIMES.join(', ')}`, {
        details: { token: String(token) },
      });
    }
    if (this.#registrations.has(token)) throw createError('service/duplicate', `the service '${token}' is provided already`, { details: { token } });
    const registration: Registration = { token, lifetime, spec: spec as ServiceSpec<unknown> };
    this.#registrations.set(token, registration);
    const registered = disposable(() => {
      if (this.#registrations.get(token) === registration) this.#registrations.delete(token);
    });
    return { token, ...registered };
  }

  has(token: string): boolean {
    return this.#registrations.has(token);
  }

  get<T>(token: ServiceToken<T> | string): Promise<T> {
    return this.#get(token, this.#root, []) as Promise<T>;
  }

  createScope(): ServiceScope {
    const owner = new Owner();
    this.#scopes.add(owner);
    const dispose = () => {
      this.#scopes.delete(owner);
      return owner.end();
    };
    const get = (token: ServiceToken<unknown> | string) => this.#get(token, owner, []);
    return { get: get as ServiceScope['get'], dispose, [ASYNC_DISPOSE]: dispose };
  }

  /** Ends all scopes, then the singletons. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#scopes].map((scope) => scope.end()));
    this.#scopes.clear();
    await this.#root.end();
  }

  async #get(wanted: ServiceToken<unknown> | string, owner: Owner, chain: Chain): Promise<unknown> {
    const token = typeof wanted === 'string' ? wanted : wanted.token;
    const path = () => [...chain.map((one) => one.token), token];
    const registration = this.#registrations.get(token);
    if (registration === undefined) {
      throw createError('service/unknown', `nobody provides the service '${token}' (${path().join(' → ')})`, { details: { token, path: path() } });
    }
    if (chain.includes(registration)) {
      const cycle = path().slice(chain.indexOf(registration));
      throw createError('service/cycle', `the service '${token}' needs itself (${cycle.join(' → ')})`, { details: { token, path: cycle } });
    }
    const captor = registration.lifetime === 'scoped' ? chain.find(({ lifetime }) => lifetime === 'singleton') : undefined;
    if (captor !== undefined) {
      throw createError('service/captive', `the singleton '${captor.token}' cannot keep the scoped service '${token}' (${path().join(' → ')}): it would outlive its scope`, {
        details: { token, captor: captor.token, path: path() },
      });
    }
    if (registration.lifetime === 'scoped' && owner === this.#root) {
      throw createError('service/no-scope', `the service '${token}' lives in a scope: get it from createScope() (${path().join(' → ')})`, { details: { token, path: path() } });
    }
    const keeper = registration.lifetime === 'singleton' ? this.#root : owner;
    if (keeper.ended)
      throw createError('service/ended', `the ${keeper === this.#root ? 'kernel' : 'scope'} that the service '${token}' lives in has ended`, { details: { token } });
    const make = () => this.#make(registration, keeper, [...chain, registration]);
    const needing = chain.at(-1);
    const got = () => (registration.lifetime === 'transient' ? make() : keeper.one(registration, make));
    return needing === undefined ? got() : this.#waitFor(needing, registration, got);
  }

  async #waitFor(needing: Registration, needed: Registration, got: () => Promise<unknown>): Promise<unknown> {
    const path = this.#pathBetween(needed, needing);
    if (path !== undefined) {
      const cycle = [needing, ...path].map(({ token }) => token);
      throw createError('service/cycle', `the service '${needing.token}' needs itself (${cycle.join(' → ')})`, { details: { token: needing.token, path: cycle } });
    }
    const waits = this.#waiting.get(needing) ?? new Set();
    this.#waiting.set(needing, waits.add(needed));
    try {
      return await got();
    } finally {
      waits.delete(needed);
      if (waits.size === 0) this.#waiting.delete(needing);
    }
  }

  #pathBetween(from: Registration, to: Registration): readonly Registration[] | undefined {
    if (from === to) return [to];
    for (const next of this.#waiting.get(from) ?? []) {
      const rest = this.#pathBetween(next, to);
      if (rest !== undefined) return [from, ...rest];
    }
    return undefined;
  }

  async #make({ token, spec, lifetime }: Registration, keeper: Owner, chain: Chain): Promise<unknown> {
    const get = (wanted: ServiceToken<unknown> | string) => this.#get(wanted, keeper, chain);
    let service: unknown;
    try {
      service = await spec.create({ get: get as ServiceResolver['get'] });
    } catch (cause) {
      if (typeof (cause as { code?: unknown } | null)?.code === 'string' && String((cause as { code: string }).code).startsWith('service/')) throw cause;
      const path = chain.map((one) => one.token);
      throw createError('service/failed', `could not make the service '${token}' (${path.join(' → ')}): ${messageOf(cause)}`, { details: { token, path }, cause });
    }
    // What the application itself asks the container for, and for itself alone, is its own to end.
    const given = lifetime === 'transient' && keeper === this.#root && chain.length === 1;
    if (!given) keeper.owns({ token, end: () => (spec.dispose === undefined ? endOf(service) : spec.dispose(service)) });
    return service;
  }
}

/** Ends a service that knows how. */
function endOf(service: unknown): unknown {
  if (service === null || typeof service !== 'object') return undefined;
  const { dispose } = service as { dispose?: unknown };
  const end = (service as Partial<AsyncDisposable>)[ASYNC_DISPOSE] ?? (service as Partial<Disposable>)[DISPOSE] ?? (typeof dispose === 'function' ? dispose : undefined);
  return (end as (() => unknown) | undefined)?.call(service);
}
