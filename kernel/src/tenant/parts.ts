/** The parts of one tenant that extensions make: those that are there, and those to come. */
import { createError } from '@plinth/sdk/contract';
import { missingExtension } from '../absent-extension.js';
import type { ServiceScope } from '../calls/services.js';
import type { CommandRegistry } from '../commands/command-registry.js';
import { Entrance } from '../commands/entrance.js';
import type { HostContracts } from '../commands/host-contracts.js';
import type { Core, CoreBase, CoreParts, CorePower, Keeper, LoadPart } from '../extension/core.js';
import { type Lazy, lazily } from '../lazily.js';

/** What parts need of the tenant. */
export interface PartsOptions {
  readonly base: CoreBase;
  readonly hostContracts: HostContracts;
  commands(): CommandRegistry;
  check(): void;
  /** Makes everything. Parts are there once it resolves. */
  made(): Promise<Core>;
  known(plugin: string | undefined): Promise<void>;
}

/** A part that an extension makes when the tenant opens. */
interface Pending {
  readonly load: LoadPart<unknown>;
  make: ((core: Core) => unknown) | undefined;
  made: unknown;
}

/** Owns what extensions have registered for the core of one tenant. */
export class Parts {
  readonly entrance = new Entrance();
  readonly keepers: Keeper[] = [];
  createScope: () => ServiceScope = () => {
    throw missingExtension('services');
  };
  readonly #options: PartsOptions;
  readonly #named = new Map<keyof CoreParts, Pending>();
  readonly #added: Pending[] = [];
  readonly #answers = new Map<string, Lazy<void>>();

  constructor(options: PartsOptions) {
    this.#options = options;
  }

  /** What an extension makes parts with. */
  get power(): CorePower {
    const { base, hostContracts, commands, check, made, known } = this.#options;
    return {
      base,
      commands: commands(),
      check: () => check(),
      known: (plugin) => known(plugin),
      fill: (name, load) => {
        if (this.#named.has(name))
          throw createError(
            'extension/duplicate',
            `two extensions make the part '${name}': leave one out`,
            { details: { part: name } },
          );
        return this.#pending(load, (pending) => void this.#named.set(name, pending));
      },
      add: (load) => this.#pending(load, (pending) => void this.#added.push(pending)),
      guard: (guards) => {
        this.entrance.guards = guards;
      },
      scope: (createScope) => {
        this.createScope = createScope;
      },
      answer: (contracts, load) => {
        const answering = lazily(async () => (await load())(await made()));
        for (const contract of contracts) {
          hostContracts.add(contract);
          this.#answers.set(contract, answering);
        }
      },
      keep: (keeper) => void this.keepers.push(keeper),
    };
  }

  /** Answers calls of a contract that the kernel itself answers. Undefined for any other. */
  answering(contract: string): Lazy<void> | undefined {
    return this.#answers.get(contract);
  }

  #pending<P>(load: LoadPart<P>, add: (pending: Pending) => void): () => Promise<P> {
    const pending: Pending = { load, make: undefined, made: undefined };
    add(pending);
    return async () => {
      await this.#options.made();
      return pending.made as P;
    };
  }

  /** Loads the code of all parts. */
  async load(): Promise<void> {
    await Promise.all(
      [...this.#named.values(), ...this.#added].map(async (pending) => {
        pending.make ??= await pending.load();
      }),
    );
  }

  /** Makes a part whose code is loaded. Undefined when no extension makes it. */
  make<N extends keyof CoreParts>(name: N, core: Core): CoreParts[N] | undefined {
    const pending = this.#named.get(name);
    if (pending === undefined) return undefined;
    pending.made = pending.make?.(core);
    return pending.made as CoreParts[N];
  }

  /** Makes what the core itself has no use for. */
  makeOthers(core: Core): void {
    for (const pending of this.#added) pending.made = pending.make?.(core);
  }

  /** Closes what {@link makeOthers} has made, the latest first. */
  async close(): Promise<void> {
    for (const { made } of [...this.#added].reverse())
      await (made as { close?(): unknown } | undefined)?.close?.();
  }
}
