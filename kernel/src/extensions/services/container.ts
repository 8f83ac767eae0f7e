/**
 * Dependency injection for the application. Services are registered by token, made on first use,
 * and ended in reverse order. It is small, because it must not outgrow the code it wires.
 */
import { ASYNC_DISPOSE, createError, disposable, messageOf } from '@plinth/sdk/contract';
import type { ServiceResolver, ServiceScope, ServiceToken } from '../../calls/services.js';
import { endOf, Owner } from './owner.js';
import type { Lifetime, Registration, ServiceSpec } from './service.js';

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
  /** Starts a scope. The caller has to dispose it. */
  createScope(): ServiceScope;
}

/** The services that are currently being made, from the outermost on. */
type Chain = readonly Registration[];

const LIFETIMES: readonly Lifetime[] = ['singleton', 'scoped', 'transient'];

/** Owns the registrations of one tenant, and its singletons. */
export class Container implements HostServices {
  readonly #registrations = new Map<string, Registration>();
  readonly #root = new Owner();
  readonly #scopes = new Set<Owner>();
  /** Which services wait for which: two that are made concurrently may need each other. */
  readonly #waiting = new Map<Registration, Set<Registration>>();

  provide<T>(token: string, spec: ServiceSpec<T>): ServiceToken<T> {
    const { lifetime = 'singleton' } = spec ?? {};
    if (
      typeof token !== 'string' ||
      token === '' ||
      typeof spec?.create !== 'function' ||
      !LIFETIMES.includes(lifetime)
    ) {
      throw createError(
        'service/invalid',
        `the service '${String(token)}' needs a token, a 'create' function, and a lifetime of ${LIFETIMES.join(', ')}`,
        {
          details: { token: String(token) },
        },
      );
    }
    if (this.#registrations.has(token))
      throw createError('service/duplicate', `the service '${token}' is provided already`, {
        details: { token },
      });
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
      throw createError(
        'service/unknown',
        `the service '${token}' is not provided (${path().join(' → ')})`,
        { details: { token, path: path() } },
      );
    }
    if (chain.includes(registration)) {
      const cycle = path().slice(chain.indexOf(registration));
      throw createError(
        'service/cycle',
        `the service '${token}' needs itself (${cycle.join(' → ')})`,
        { details: { token, path: cycle } },
      );
    }
    const captor =
      registration.lifetime === 'scoped'
        ? chain.find(({ lifetime }) => lifetime === 'singleton')
        : undefined;
    if (captor !== undefined) {
      throw createError(
        'service/captive',
        `the singleton '${captor.token}' cannot keep the scoped service '${token}' (${path().join(' → ')}): it would outlive its scope`,
        {
          details: { token, captor: captor.token, path: path() },
        },
      );
    }
    if (registration.lifetime === 'scoped' && owner === this.#root) {
      throw createError(
        'service/no-scope',
        `the service '${token}' lives in a scope: get it from createScope() (${path().join(' → ')})`,
        { details: { token, path: path() } },
      );
    }
    const keeper = registration.lifetime === 'singleton' ? this.#root : owner;
    if (keeper.ended)
      throw createError(
        'service/ended',
        `the ${keeper === this.#root ? 'kernel' : 'scope'} that the service '${token}' lives in has ended`,
        { details: { token } },
      );
    const make = () => this.#make(registration, keeper, [...chain, registration]);
    const needing = chain.at(-1);
    const got = () =>
      registration.lifetime === 'transient' ? make() : keeper.one(registration, make);
    return needing === undefined ? got() : this.#waitFor(needing, registration, got);
  }

  async #waitFor(
    needing: Registration,
    needed: Registration,
    got: () => Promise<unknown>,
  ): Promise<unknown> {
    const path = this.#pathBetween(needed, needing);
    if (path !== undefined) {
      const cycle = [needing, ...path].map(({ token }) => token);
      throw createError(
        'service/cycle',
        `the service '${needing.token}' needs itself (${cycle.join(' → ')})`,
        { details: { token: needing.token, path: cycle } },
      );
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

  async #make(
    { token, spec, lifetime }: Registration,
    keeper: Owner,
    chain: Chain,
  ): Promise<unknown> {
    const get = (wanted: ServiceToken<unknown> | string) => this.#get(wanted, keeper, chain);
    let service: unknown;
    try {
      service = await spec.create({ get: get as ServiceResolver['get'] });
    } catch (cause) {
      if (
        typeof (cause as { code?: unknown } | null)?.code === 'string' &&
        String((cause as { code: string }).code).startsWith('service/')
      )
        throw cause;
      const path = chain.map((one) => one.token);
      throw createError(
        'service/failed',
        `could not make the service '${token}' (${path.join(' → ')}): ${messageOf(cause)}`,
        { details: { token, path }, cause },
      );
    }
    // The application ends transient services that it requests from the container directly.
    const given = lifetime === 'transient' && keeper === this.#root && chain.length === 1;
    if (!given)
      keeper.owns({
        token,
        end: () => (spec.dispose === undefined ? endOf(service) : spec.dispose(service)),
      });
    return service;
  }
}
