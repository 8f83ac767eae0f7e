/** Which commands exist, who provides them, and a call's path: permission, middleware, provider. */
import type { CommandInfo } from '@plinth/sdk';
import {
  addressOf,
  type Caller,
  compareVersions,
  createError,
  disposable,
  isStable,
  isTopic,
  type Manifest,
  ownerOf,
} from '@plinth/sdk/contract';
import { type CallRequest, type CallTarget, checkChain, KernelCall } from '../calls/call.js';
import type { Parse } from '../calls/client.js';
import type { Provider } from '../calls/provider.js';
import { leadsTo, type Route, routeKey } from '../calls/route.js';
import type { CommandEntry, CommandProvider, CommandServices } from './command-entry.js';

/** Owns the table of commands. */
export class CommandRegistry {
  /** The provider of a call that names no version. */
  readonly #entries = new Map<string, CommandEntry>();
  /** All versions of a command, the default one first. Only where there are several. */
  readonly #versions = new Map<string, readonly CommandEntry[]>();
  /** Owners whose calls must be routed: they have several versions, or a deprecated one. */
  readonly #special = new Set<string>();
  /** The last call that waits for a plugin, by owner and route. Later calls come after it. */
  readonly #waiting = new Map<string, Map<string, Promise<void>>>();
  /** The command that suits a client's route and was called last. */
  readonly #suited = new WeakMap<Route, CommandEntry>();
  readonly #services: CommandServices;

  constructor(services: CommandServices) {
    this.#services = services;
  }

  /** The manifests of all installed plugins, which say more of their commands. */
  manifests(): readonly Manifest[] {
    return this.#services.manifests();
  }

  has(id: string): boolean {
    return this.#entries.has(id);
  }

  /** Like {@link has}, for an id that may name its provider. */
  answers(id: string): boolean {
    return this.#choose(id, undefined) !== undefined;
  }

  /** Wakes the plugin that would answer a command. Answers whether there was one to wake. */
  async wake(id: string): Promise<boolean> {
    return !this.answers(id) && this.#services.activateFor(id, undefined);
  }

  get(id: string): CommandEntry | undefined {
    return this.#entries.get(id);
  }

  all(): readonly CommandEntry[] {
    return [...this.#entries.values()];
  }

  /** Whether calls of an owner must be routed: the version matters, or other calls already wait. */
  isSpecial(owner: string): boolean {
    return (
      (this.#special.size !== 0 && this.#special.has(owner)) ||
      (this.#waiting.size !== 0 && this.#waiting.has(owner))
    );
  }

  setSpecial(owner: string, special: boolean): void {
    if (special) this.#special.add(owner);
    else this.#special.delete(owner);
  }

  /**
   * Registers a provider until the answer is disposed. Several versions of a plugin may answer.
   *
   * @throws PluginLifecycleError `call/duplicate` that names both owners.
   */
  register(id: string, by: CommandProvider): Disposable & { dispose(): void } {
    const { owner, version } = by;
    if (!isTopic(id))
      throw createError(
        'contract/invalid',
        `'${id.slice(0, 80)}' is not a command id: write '<plugin>:<name>'`,
        { plugin: owner },
      );
    const others = this.#all(id);
    // Many plugins may answer a command of an open contract, each in one version.
    const other = others.find((one) =>
      this.#services.isOpen(id)
        ? one.owner === owner && one.version === version
        : one.owner !== owner || one.version === version || version === undefined,
    );
    if (other !== undefined) {
      throw createError(
        'call/duplicate',
        `${owner} cannot register ${id}: ${other.owner} has registered it already`,
        {
          plugin: owner,
          details: { command: id, owner: other.owner },
        },
      );
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
  entryFor(id: string, by: CommandProvider, attempt: Provider = by.provider): CommandEntry {
    const counter = this.#services.metrics.command(id);
    const target = { ...by, timeout: by.timeout, id, services: this.#services, counter };
    return {
      ...target,
      guarded: this.#services.guards.guard(
        target,
        by.declared ?? { idempotent: false },
        this.#services,
        attempt,
      ),
    };
  }

  /** Calls a command whose permission has been checked. Never throws: failures are rejections. */
  execute(
    id: string,
    input: unknown,
    caller: Caller,
    request: CallRequest | undefined,
    parse?: Parse,
    route?: Route,
  ): Promise<unknown> {
    const entry = this.#entries.get(id);
    if (entry === undefined) return this.#wakeAndExecute(id, input, caller, request, parse, route);
    if (
      route?.range === undefined &&
      !this.isSpecial(entry.owner) &&
      (route === undefined || this.#suits(entry, route))
    )
      return this.run(entry, input, caller, request, parse);
    if (this.#waiting.get(ownerOf(id))?.has(routeKey(route)) === true)
      return this.#wakeAndExecute(id, input, caller, request, parse, route);
    const chosen = this.#choose(id, route);
    if (chosen === undefined || this.#services.outranked(chosen, route))
      return this.#wakeAndExecute(id, input, caller, request, parse, route);
    this.#services.deprecated(chosen, caller);
    return this.run(chosen, input, caller, request, parse, route);
  }

  /** Whether a client's contract has the command. Checked once for each client and provider. */
  #suits(entry: CommandEntry, route: Route): boolean {
    if (this.#suited.get(route) === entry) return true;
    if (!leadsTo(route, entry)) return false;
    this.#suited.set(route, entry);
    return true;
  }

  /** {@link execute} for a command that was looked up. */
  run(
    entry: CommandEntry,
    input: unknown,
    caller: Caller,
    request: CallRequest | undefined,
    parse?: Parse,
    route?: Route,
  ): Promise<unknown> {
    try {
      return this.#run(entry.guarded ?? entry, input, caller, request, parse, route);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Listings of the commands of one owner, or of all owners. */
  describe(
    titles: (id: string) => Partial<CommandInfo> | undefined,
    declared: readonly string[],
  ): readonly CommandInfo[] {
    const ids = new Set([...this.#entries.keys(), ...declared]);
    return [...ids].sort().map((id) => ({
      ...titles(id),
      ...breakerOf(this.#services.guards, id),
      id,
      plugin: this.#entries.get(id)?.owner ?? ownerOf(id),
      active: this.#entries.has(id),
    }));
  }

  /** Sends a waiting call to a version that suits its caller, when the new one doesn't. */
  reroute(id: string, call: KernelCall, input: unknown): void {
    this.#whenAwake(
      id,
      call,
      () => this.#choose(id, call.route),
      (entry) => call.goOnAs(entry, input),
    );
  }

  /** Continues a call when the plugin that its caller means is awake. */
  #whenAwake(
    id: string,
    call: KernelCall,
    find: () => CommandEntry | undefined,
    go: (entry: CommandEntry) => void,
  ): void {
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

  #run(
    entry: CallTarget,
    input: unknown,
    caller: Caller,
    request: CallRequest | undefined,
    parse: Parse | undefined,
    route: Route | undefined,
  ): Promise<unknown> {
    if (request?.parent !== undefined) checkChain(entry, request.parent);
    const { chains } = this.#services;
    const call = new KernelCall(
      chains.waits('command', entry.id) ? this.#late(entry) : entry,
      caller,
      request,
    );
    call.parse = parse;
    call.route = route;
    const chain = chains.of('command', entry.id);
    if (chain === undefined) {
      call.relayed = caller.kind === 'plugin';
      entry.provider(call, input);
      return call.promise;
    }
    call.wrapped = true;
    return call.follow(chain(call, input));
  }

  /** Finds its plugin when the call continues, as a guard may wait while it is replaced. */
  #late(target: CallTarget): CallTarget {
    // A policy looks it up for each attempt. A plugin that is being woken has none yet.
    const entry = this.#all(target.id).find((one) => one === target);
    return entry === undefined
      ? target
      : { ...target, provider: (call, input) => this.#attempt(entry.id, entry, call, input) };
  }

  /** One guarded attempt. The plugin may have reloaded, slept or restarted since the call. */
  #attempt(
    id: string,
    { owner, version }: Pick<CommandProvider, 'owner' | 'version'>,
    call: KernelCall,
    input: unknown,
  ): void {
    const now = () => {
      const own = this.#all(id).filter((one) => one.owner === owner);
      // Another version has taken its place, if its own is gone.
      return (
        own.find((one) => one.version === version) ??
        own.find((one) => call.route === undefined || leadsTo(call.route, one))
      );
    };
    const entry = now();
    if (entry !== undefined) entry.provider(call, input);
    else this.#whenAwake(id, call, now, (woken) => woken.provider(call, input));
  }

  /** The call and its deadline begin now. Its provider is looked up when the plugin is awake. */
  #wakeAndExecute(
    id: string,
    input: unknown,
    caller: Caller,
    request: CallRequest | undefined,
    parse: Parse | undefined,
    route: Route | undefined,
  ): Promise<unknown> {
    const provider = (call: KernelCall, value: unknown) => {
      const go = () => {
        const entry = this.#choose(id, route);
        if (entry === undefined) throw this.#services.unknown(id, route);
        if (this.isSpecial(entry.owner)) this.#services.deprecated(entry, caller);
        if (!call.over) call.goOnAs(entry.guarded ?? entry, value);
      };
      const ready = this.#services.activateFor(id, route);
      this.#inTurn(ownerOf(id), routeKey(route), ready, go).catch((error: unknown) =>
        this.#fallBack(id, error, call, value),
      );
    };
    try {
      return this.#run(
        {
          id,
          owner: ownerOf(id),
          services: this.#services,
          counter: this.#services.metrics.known(id),
          provider,
        },
        input,
        caller,
        request,
        parse,
        route,
      );
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Continues when a plugin is available, after the calls that have waited for it before. */
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
    // The call was refused before its turn. The refusal is only reported in its turn.
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
            // The host's commands come first, then plugins in the order of discovery.
            if (a.owner !== b.owner)
              return this.#services.rank(a.owner) - this.#services.rank(b.owner);
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

function breakerOf(guards: CommandServices['guards'], id: string): Partial<CommandInfo> {
  const breaker = guards.breaker(id);
  return breaker === undefined ? {} : { breaker };
}
