/** Which commands exist, who answers them, and the path every call takes: permission, middleware, provider. */
import type { CommandInfo } from '@plinth/sdk';
import { type Caller, createError, disposable, isTopic, ownerOf } from '@plinth/sdk/contract';
import type { LaneTarget } from '../guests/lane-end.js';
import type { MiddlewareChains } from '../middleware/chains.js';
import type { CommandCounter, Metrics } from '../telemetry/metrics.js';
import { type CallRequest, type CallServices, type CallTarget, KernelCall } from './call.js';
import type { Provider } from './provider.js';

/** A registered command. */
export interface CommandEntry extends CallTarget {
  /** Plugin id, or `host`. */
  readonly owner: string;
  readonly counter: CommandCounter;
  /** The guest that answers it; absent for the host's own. */
  readonly at: LaneTarget | undefined;
}

/** What the registry needs of the kernel. */
export interface CommandServices extends CallServices {
  readonly chains: MiddlewareChains;
  readonly metrics: Metrics;
  /** Wakes the plugin that would answer a command; resolves false when there is none. */
  activateFor(commandId: string): Promise<boolean>;
  /** Why nobody answers: never returns. */
  unknown(commandId: string): Error;
}

/** Parses the output of a command for its caller; may answer with a promise, throws what the caller is told. */
export type Parse = (value: unknown) => unknown;

/** Owns the table of commands. */
export class CommandRegistry {
  readonly #entries = new Map<string, CommandEntry>();
  readonly #services: CommandServices;

  constructor(services: CommandServices) {
    this.#services = services;
  }

  has(id: string): boolean {
    return this.#entries.has(id);
  }

  get(id: string): CommandEntry | undefined {
    return this.#entries.get(id);
  }

  all(): readonly CommandEntry[] {
    return [...this.#entries.values()];
  }

  /**
   * Registers a provider; disposing the answer takes it back.
   *
   * @throws PluginLifecycleError `call/duplicate` that names both owners.
   */
  register(id: string, owner: string, provider: Provider, timeout?: number, at?: LaneTarget): Disposable & { dispose(): void } {
    if (!isTopic(id)) throw createError('contract/invalid', `'${id.slice(0, 80)}' is not a command id: write '<plugin>:<name>'`, { plugin: owner });
    const other = this.#entries.get(id);
    if (other !== undefined) {
      throw createError('call/duplicate', `${owner} cannot register ${id}: ${other.owner} has registered it already`, {
        plugin: owner,
        details: { command: id, owner: other.owner },
      });
    }
    const entry: CommandEntry = { id, owner, provider, timeout, at, services: this.#services, counter: this.#services.metrics.command(id) };
    this.#entries.set(id, entry);
    return disposable(() => {
      if (this.#entries.get(id) === entry) this.#entries.delete(id);
    });
  }

  /** Calls a command. The caller's permission has been checked. Never throws: what goes wrong is a rejection. */
  execute(id: string, input: unknown, caller: Caller, request: CallRequest | undefined, parse?: Parse): Promise<unknown> {
    const entry = this.#entries.get(id);
    return entry === undefined ? this.#wakeAndExecute(id, input, caller, request, parse) : this.run(entry, input, caller, request, parse);
  }

  /** {@link execute} for a command that was looked up. */
  run(entry: CommandEntry, input: unknown, caller: Caller, request: CallRequest | undefined, parse?: Parse): Promise<unknown> {
    try {
      return this.#run(entry, input, caller, request, parse);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Listings of the commands an owner or everybody has. */
  describe(titles: (id: string) => Partial<CommandInfo> | undefined, declared: readonly string[]): readonly CommandInfo[] {
    const ids = new Set([...this.#entries.keys(), ...declared]);
    return [...ids].sort().map((id) => ({ ...titles(id), id, plugin: this.#entries.get(id)?.owner ?? ownerOf(id), active: this.#entries.has(id) }));
  }

  #run(entry: CommandEntry, input: unknown, caller: Caller, request: CallRequest | undefined, parse: Parse | undefined): Promise<unknown> {
    const call = new KernelCall(entry, caller, request);
    call.parse = parse;
    const chain = this.#services.chains.of('command', entry.id);
    if (chain === undefined) {
      call.relayed = caller.kind === 'plugin';
      entry.provider(call, input);
      return call.promise;
    }
    call.wrapped = true;
    return call.follow(chain(call, input));
  }

  async #wakeAndExecute(id: string, input: unknown, caller: Caller, request: CallRequest | undefined, parse?: Parse): Promise<unknown> {
    await this.#services.activateFor(id);
    const entry = this.#entries.get(id);
    if (entry === undefined) throw this.#services.unknown(id);
    return this.#run(entry, input, caller, request, parse);
  }
}
