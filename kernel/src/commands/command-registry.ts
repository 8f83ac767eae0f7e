/** All commands with their providers, and a call's path: permission, middleware, provider. */
import {
  addressOf,
  type Caller,
  createError,
  disposable,
  isTopic,
  type Manifest,
  ownerOf,
} from '@plinth/sdk/contract';
import { Call } from '../calls/call.js';
import { checkChain } from '../calls/chain.js';
import type { Parse } from '../calls/client.js';
import type { CallRequest, CallTarget, KernelCall } from '../calls/kernel-call.js';
import type { Provider } from '../calls/provider.js';
import { leadsTo, type Route, routeKey } from '../calls/route.js';
import type { Beside, CommandEntry, CommandProvider, CommandServices } from './command-entry.js';
import type { CommandGuards } from './command-guards.js';
import { CommandTable } from './command-table.js';
import { lineOf, WaitingCalls } from './waiting-calls.js';

/** Owns the commands of one tenant, and the calls that wait for a plugin to be started. */
export class CommandRegistry {
  readonly #table: CommandTable;
  /** Owners whose calls must be routed: they have several versions, or a deprecated one. */
  readonly #special = new Set<string>();
  readonly #waiting = new WaitingCalls();
  readonly #services: CommandServices;

  constructor(services: CommandServices) {
    this.#services = services;
    this.#table = new CommandTable(services);
  }

  /** The manifests of all installed plugins, which say more of their commands. */
  manifests(): readonly Manifest[] {
    return this.#services.manifests();
  }

  has(id: string): boolean {
    return this.#table.get(id) !== undefined;
  }

  /** Like {@link has}, for an id that may name its provider. */
  answers(id: string): boolean {
    return this.#table.choose(id, undefined) !== undefined;
  }

  /** Wakes the plugin that would answer a command. Answers whether there was one to wake. */
  async wake(id: string): Promise<boolean> {
    return !this.answers(id) && this.#services.activateFor(id, undefined);
  }

  get(id: string): CommandEntry | undefined {
    return this.#table.get(id);
  }

  all(): readonly CommandEntry[] {
    return this.#table.all();
  }

  /** Versions that answer a part of the calls of their plugin, by plugin id. It must be special. */
  get beside(): Map<string, Beside> {
    return this.#table.beside;
  }

  /** Whether calls of an owner must be routed: the version matters, or other calls already wait. */
  isSpecial(owner: string): boolean {
    return (this.#special.size !== 0 && this.#special.has(owner)) || this.#waiting.has(owner);
  }

  /** Answers whether that was a change. */
  setSpecial(owner: string, special: boolean): boolean {
    if (this.#special.has(owner) === special) return false;
    if (special) this.#special.add(owner);
    else this.#special.delete(owner);
    return true;
  }

  /**
   * Registers a provider until the answer is disposed. Several versions of a plugin may answer.
   *
   * @throws PluginLifecycleError `call/duplicate` that names both owners.
   */
  register(id: string, by: CommandProvider): Disposable & { dispose(): void } {
    if (!isTopic(id))
      throw createError(
        'contract/invalid',
        `'${id.slice(0, 80)}' is not a command id: write '<plugin>:<name>'`,
        { plugin: by.owner },
      );
    const conflict = this.#table.conflict(id, by);
    if (conflict !== undefined) throw conflict;
    const entry = this.entryFor(id, by, (call, input) => this.#attempt(id, by, call, input));
    this.#table.add(id, entry);
    return disposable(() => this.#table.remove(id, entry));
  }

  /** An entry that is not in the table. */
  entryFor(id: string, by: CommandProvider, attempt: Provider = by.provider): CommandEntry {
    const counter = this.#services.metrics.command(id);
    const open = this.#services.isOpen(id);
    const target = { ...by, timeout: by.timeout, id, open, services: this.#services, counter };
    return {
      ...target,
      guarded: this.#services.entrance.guard(
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
    const entry = this.#table.get(id);
    if (entry === undefined && !this.answers(id))
      return this.#wakeAndExecute(id, input, caller, request, parse, route);
    if (
      entry !== undefined &&
      route?.range === undefined &&
      !this.isSpecial(entry.owner) &&
      (route === undefined || this.#table.suits(entry, route))
    )
      return this.run(entry, input, caller, request, parse);
    if (this.#waiting.has(lineOf(id), routeKey(route)))
      return this.#wakeAndExecute(id, input, caller, request, parse, route);
    const chosen = this.#table.choose(id, route);
    if (chosen === undefined || this.#services.outranked(chosen, route))
      return this.#wakeAndExecute(id, input, caller, request, parse, route);
    this.#services.deprecated(chosen, caller);
    const all = this.#table.of(chosen.id);
    const by = this.beside.get(chosen.owner)?.pick(all, chosen, route, caller, request) ?? chosen;
    return this.run(by, input, caller, request, parse, route);
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

  /** The state of a command's breaker. Undefined when it has none. */
  breakerOf(id: string): ReturnType<CommandGuards['breaker']> {
    const owner = this.#table.get(id)?.owner ?? ownerOf(id);
    return this.#services.entrance.guards.breaker(id, owner);
  }

  /** Sends a waiting call to a version that suits its caller, when the new one doesn't. */
  reroute(id: string, call: KernelCall, input: unknown): void {
    this.#whenAwake(
      id,
      call,
      () => this.#table.choose(id, call.route),
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
    const call = new Call(
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
    const entry = this.#table.of(target.id).find((one) => one === target);
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
      const own = this.#table.of(id).filter((one) => one.owner === owner);
      // Another version has taken its place, if its own is gone.
      return (
        own.find((one) => one.version === version) ??
        own.find((one) => call.route === undefined || leadsTo(call.route, one))
      );
    };
    const entry = now();
    if (entry !== undefined) return entry.provider(call, input);
    // Another provider of an open contract must not be woken in its place.
    const address = this.#services.isOpen(id) ? `${id}@${owner}` : id;
    this.#whenAwake(address, call, now, (woken) => woken.provider(call, input));
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
    // What stands around a command knows it by its id, whichever provider the caller names.
    const { id: bare } = addressOf(id);
    const provider = (call: KernelCall, value: unknown) => {
      const go = () => {
        const entry = this.#table.choose(id, route);
        if (entry === undefined) throw this.#services.unknown(id, route);
        if (this.isSpecial(entry.owner)) this.#services.deprecated(entry, caller);
        if (!call.over) call.goOnAs(entry.guarded ?? entry, value);
      };
      const ready = this.#services.activateFor(id, route);
      this.#waiting
        .inTurn(lineOf(id), routeKey(route), ready, go)
        .catch((error: unknown) => this.#services.entrance.fallBack(bare, error, call, value));
    };
    try {
      return this.#run(
        {
          id: bare,
          owner: ownerOf(bare),
          services: this.#services,
          counter: this.#services.metrics.known(bare),
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
}
