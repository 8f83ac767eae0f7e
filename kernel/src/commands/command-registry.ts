/** Which commands exist, who answers them, and the path every call takes: permission, middleware, provider. */
import type { CommandInfo } from '@plinth/sdk';
import { addressOf, type Caller, compareVersions, createError, disposable, isOpen, isStable, isTopic, ownerOf } from '@plinth/sdk/contract';
import type { LaneTarget } from '../guests/lane-end.js';
import type { MiddlewareChains } from '../middleware/chains.js';
import type { Attempt, Guards } from '../resilience/guards.js';
import type { DeclaredPolicy } from '../resilience/policy.js';
import type { CommandCounter, Metrics } from '../telemetry/metrics.js';
import { type CallRequest, type CallServices, type CallTarget, checkChain, KernelCall } from './call.js';
import type { Provider } from './provider.js';
import { leadsTo, type Route, routeKey } from './route.js';

/** Who answers a command. */
export interface CommandProvider {
  /** Plugin id, or `host`. */
  readonly owner: string;
  /** The plugin's version; absent for the host. */
  readonly version?: string | undefined;
  /** Contracts the plugin provides, `<id>@<major>`. */
  readonly provides?: readonly string[];
  readonly provider: Provider;
  /** Milliseconds. */
  readonly timeout?: number | undefined;
  /** Whether it may answer a call of its own chain. */
  readonly reentrant?: boolean | undefined;
  /** The guest that answers it; absent for the host's own. */
  readonly at?: LaneTarget | undefined;
  /** What its plugin says of how it may be called. */
  readonly declared?: DeclaredPolicy;
}

/** A registered command. */
export interface CommandEntry extends CallTarget, Omit<CommandProvider, 'provider' | 'timeout'> {
  readonly owner: string;
  readonly counter: CommandCounter;
  /** Takes its calls in its place, when a policy is configured for it. */
  readonly guarded: CallTarget | undefined;
}

/** What the registry needs of the kernel. */
export interface CommandServices extends CallServices {
  readonly chains: MiddlewareChains;
  readonly metrics: Metrics;
  readonly guards: Guards;
  /** Wakes the plugin that would answer a command; resolves false when there is none. */
  activateFor(commandId: string, route: Route | undefined): Promise<boolean>;
  /** An owner's place in the order of discovery; 0 for the host. */
  rank(owner: string): number;
  /** Whether a version that can be woken comes before one that answers already. */
  outranked(entry: CommandEntry, route: Route | undefined): boolean;
  /** Why nobody answers. */
  unknown(commandId: string, route: Route | undefined): Error;
  /** A deprecated version was called. */
  deprecated(entry: CommandEntry, caller: Caller): void;
}

/** Parses the output of a command for its caller; may answer with a promise, throws what the caller is told. */
export type Parse = (value: unknown) => unknown;

/** Owns the table of commands. */
export class CommandRegistry {
  /** Who is called when nobody says which version. */
  readonly #entries = new Map<string, CommandEntry>();
  /** All versions of a command, the default one first; only where there are several. */
  readonly #versions = new Map<string, readonly CommandEntry[]>();
  /** Owners whose calls have to be looked at: several versions, or a deprecated one. */
  readonly #special = new Set<string>();
  /** The last call that waits for a plugin, by its owner and by what else says which version is meant: later ones come after it. */
  readonly #waiting = new Map<string, Map<string, Promise<void>>>();
  readonly #services: CommandServices;

  constructor(services: CommandServices) {
    this.#services = services;
  }

  has(id: string): boolean {
    return this.#entries.has(id);
  }

  /** Like {@link has}, for an id that may name its provider. */
  answers(id: string): boolean {
    return this.#choose(id, undefined) !== undefined;
  }

  /** Wakes the plugin that would answer a command; answers whether there was one to wake. */
  async wake(id: string): Promise<boolean> {
    return !this.answers(id) && this.#services.activateFor(id, undefined);
  }

  get(id: string): CommandEntry | undefined {
    return this.#entries.get(id);
  }

  all(): readonly CommandEntry[] {
    return [...this.#entries.values()];
  }

  /** Whether calls of an owner have to be looked at: it matters which version a caller means, or other calls wait already. */
  isSpecial(owner: string): boolean {
    return (this.#special.size !== 0 && this.#special.has(owner)) || (this.#waiting.size !== 0 && this.#waiting.has(owner));
  }

  setSpecial(owner: string, special: boolean): void {
    if (special) this.#special.add(owner);
    else this.#special.delete(owner);
  }

  /**
   * Registers a provider; disposing the answer takes it back. Several versions of one plugin may answer one command.
   *
   * @throws PluginLifecycleError `call/duplicate` that names both owners.
   */
  register(id: string, by: CommandProvider): Disposable & { dispose(): void } {
    const { owner, version } = by;
    if (!isTopic(id)) throw createError('contract/invalid', `'${id.slice(0, 80)}' is not a command id: write '<plugin>:<name>'`, { plugin: owner });
    const others = this.#all(id);
    // What belongs to nobody may be answered by many, each in one version.
    const other = others.find((one) => (isOpen(id) ? one.owner === owner && one.version === version : one.owner !== owner || one.version === version || version === undefined));
    if (other !== undefined) {
      throw createError('call/duplicate', `${owner} cannot register ${id}: ${other.owner} has registered it already`, {
        plugin: owner,
        details: { command: id, owner: other.owner },
      });
    }
    const entry = this.entryFor(id, by, (call, input) => this.#attempt(id, by, call, input));
    this.#set(id, [...others, entry]);
    return disposable(() =>
      this.#set(
        id,
        this.#all(id).filter((one) => one !== entry),
      ),
    );
  }

  /** An entry that is not in the table. */
  entryFor(id: string, by: CommandProvider, attempt: Attempt = by.provider): CommandEntry {
    const counter = this.#services.metrics.command(id);
    const target = { ...by, timeout: by.timeout, id, services: this.#services, counter };
    return { ...target, guarded: this.#services.guards.guard(target, by.declared ?? { idempotent: false }, this.#services, attempt) };
  }

  /** Calls a command. The caller's permission has been checked. Never throws: what goes wrong is a rejection. */
  execute(id: string, input: unknown, caller: Caller, request: CallRequest | undefined, parse?: Parse, route?: Route): Promise<unknown> {
    const entry = this.#entries.get(id);
    if (entry === undefined) return this.#wakeAndExecute(id, input, caller, request, parse, route);
    if (route?.range === undefined && !this.isSpecial(entry.owner)) return this.run(entry, input, caller, request, parse);
    if (this.#waiting.get(ownerOf(id))?.has(routeKey(route)) === true) return this.#wakeAndExecute(id, input, caller, request, parse, route);
    const chosen = this.#choose(id, route);
    if (chosen === undefined || this.#services.outranked(chosen, route)) return this.#wakeAndExecute(id, input, caller, request, parse, route);
    this.#services.deprecated(chosen, caller);
    return this.run(chosen, input, caller, request, parse, route);
  }

  /** {@link execute} for a command that was looked up. */
  run(entry: CommandEntry, input: unknown, caller: Caller, request: CallRequest | undefined, parse?: Parse, route?: Route): Promise<unknown> {
    try {
      return this.#run(entry.guarded ?? entry, input, caller, request, parse, route);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Listings of the commands an owner or everybody has. */
  describe(titles: (id: string) => Partial<CommandInfo> | undefined, declared: readonly string[]): readonly CommandInfo[] {
    const ids = new Set([...this.#entries.keys(), ...declared]);
    return [...ids]
      .sort()
      .map((id) => ({ ...titles(id), ...breakerOf(this.#services.guards, id), id, plugin: this.#entries.get(id)?.owner ?? ownerOf(id), active: this.#entries.has(id) }));
  }

  /** A call that has waited for one version, and may not be answered by the one that has come in its place, goes to one that its caller means. */
  reroute(id: string, call: KernelCall, input: unknown): void {
    this.#whenAwake(
      id,
      call,
      () => this.#choose(id, call.route),
      (entry) => call.goOnAs(entry, input),
    );
  }

  /** Goes on with a call when the plugin is awake that its caller means. */
  #whenAwake(id: string, call: KernelCall, find: () => CommandEntry | undefined, go: (entry: CommandEntry) => void): void {
    const goOn = () => {
      const entry = find();
      if (entry === undefined) throw this.#services.unknown(id, call.route);
      if (!call.over) go(entry);
    };
    this.#services
      .activateFor(id, call.route)
      .then(goOn)
      .catch((error: unknown) => call.settle(false, error));
  }

  #run(entry: CallTarget, input: unknown, caller: Caller, request: CallRequest | undefined, parse: Parse | undefined, route: Route | undefined): Promise<unknown> {
    if (request?.parent !== undefined) checkChain(entry, request.parent);
    const call = new KernelCall(entry, caller, request);
    call.parse = parse;
    call.route = route;
    const chain = this.#services.chains.of('command', entry.id);
    if (chain === undefined) {
      call.relayed = caller.kind === 'plugin';
      entry.provider(call, input);
      return call.promise;
    }
    call.wrapped = true;
    return call.follow(chain(call, input));
  }

  /** One attempt of a guarded call: the plugin may have been reloaded, put to sleep or restarted since the call came. */
  #attempt(id: string, { owner, version }: CommandProvider, call: KernelCall, input: unknown): void {
    const now = () => {
      const own = this.#all(id).filter((one) => one.owner === owner);
      // Another version has taken its place, when its own isn't there any more.
      return own.find((one) => one.version === version) ?? own.find((one) => call.route === undefined || leadsTo(call.route, one));
    };
    const entry = now();
    if (entry !== undefined) entry.provider(call, input);
    else this.#whenAwake(id, call, now, (woken) => woken.provider(call, input));
  }

  /** The call begins now, and with it its deadline; who answers it is found when the plugin is awake. */
  #wakeAndExecute(id: string, input: unknown, caller: Caller, request: CallRequest | undefined, parse: Parse | undefined, route: Route | undefined): Promise<unknown> {
    const provider = (call: KernelCall, value: unknown) => {
      const go = () => {
        const entry = this.#choose(id, route);
        if (entry === undefined) throw this.#services.unknown(id, route);
        if (this.isSpecial(entry.owner)) this.#services.deprecated(entry, caller);
        if (!call.over) call.goOnAs(entry.guarded ?? entry, value);
      };
      const ready = this.#services.activateFor(id, route);
      this.#inTurn(ownerOf(id), routeKey(route), ready, go).catch((error: unknown) => this.#fallBack(id, error, call, value));
    };
    try {
      return this.#run({ id, owner: ownerOf(id), services: this.#services, counter: this.#services.metrics.known(id), provider }, input, caller, request, parse, route);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Goes on when a plugin is there, after those that have waited for it before. */
  #inTurn(owner: string, route: string, ready: Promise<unknown>, go: () => void): Promise<void> {
    const routes = this.#waiting.get(owner) ?? new Map<string, Promise<void>>();
    const before = routes.get(route);
    const gone = (before === undefined ? ready : before.then(() => ready)).then(go);
    const over = gone.then(nothing, nothing);
    this.#waiting.set(owner, routes.set(route, over));
    over.then(() => {
      if (routes.get(route) === over) routes.delete(route);
      if (routes.size === 0 && this.#waiting.get(owner) === routes) this.#waiting.delete(owner);
    });
    // Refused before it was its turn: that is known when it is.
    ready.catch(nothing);
    return gone;
  }

  async #fallBack(id: string, error: unknown, call: KernelCall, input: unknown): Promise<void> {
    const fallback = this.#services.guards.fallback(id);
    if (fallback === undefined || call.over) {
      call.settle(false, error);
      return;
    }
    try {
      call.settle(true, await fallback(error as Error, input));
    } catch (failure) {
      call.settle(false, failure);
    }
  }

  #choose(id: string, route: Route | undefined): CommandEntry | undefined {
    const { id: bare, provider } = addressOf(id);
    const all = this.#all(bare).filter(({ owner }) => provider === undefined || owner === provider);
    return route === undefined ? all[0] : all.find((entry) => leadsTo(route, entry));
  }

  #all(id: string): readonly CommandEntry[] {
    const entry = this.#entries.get(id);
    return entry === undefined ? [] : (this.#versions.get(id) ?? [entry]);
  }

  #set(id: string, entries: readonly CommandEntry[]): void {
    const sorted =
      entries.length < 2
        ? entries
        : [...entries].sort((a, b) => {
            // The host's come first, then plugins in the order of discovery.
            if (a.owner !== b.owner) return this.#services.rank(a.owner) - this.#services.rank(b.owner);
            const [left, right] = [a.version as string, b.version as string];
            return Number(isStable(right)) - Number(isStable(left)) || compareVersions(right, left);
          });
    const [first] = sorted;
    if (first === undefined) this.#entries.delete(id);
    else this.#entries.set(id, first);
    if (sorted.length > 1) this.#versions.set(id, sorted);
    else this.#versions.delete(id);
  }
}

const nothing = () => {};

function breakerOf(guards: Guards, id: string): Partial<CommandInfo> {
  const breaker = guards.breaker(id);
  return breaker === undefined ? {} : { breaker };
}
