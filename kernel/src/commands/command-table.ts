/** Which commands there are, and which of several providers answers a call. */
import {
  addressOf,
  compareVersions,
  createError,
  isStable,
  type PluginError,
} from '@plinth/sdk/contract';
import { leadsTo, type Route } from '../calls/route.js';
import type { Beside, CommandEntry, CommandProvider, CommandServices } from './command-entry.js';

/** Owns the entries of all commands. */
export class CommandTable {
  readonly #services: Pick<CommandServices, 'isOpen' | 'rank'>;
  /** The provider of a call that names no version. */
  readonly #entries = new Map<string, CommandEntry>();
  /** All versions of a command, the default one first. Only where there are several. */
  readonly #versions = new Map<string, readonly CommandEntry[]>();
  /** Versions that answer a part of the calls of their plugin, by plugin id. They come last. */
  readonly beside = new Map<string, Beside>();
  /** The command that suits a client's route and was called last. */
  readonly #suited = new WeakMap<Route, CommandEntry>();

  constructor(services: Pick<CommandServices, 'isOpen' | 'rank'>) {
    this.#services = services;
  }

  get(id: string): CommandEntry | undefined {
    return this.#entries.get(id);
  }

  all(): readonly CommandEntry[] {
    return [...this.#entries.values()];
  }

  /** Every provider of a command, the default one first. */
  of(id: string): readonly CommandEntry[] {
    const entry = this.#entries.get(id);
    return entry === undefined ? [] : (this.#versions.get(id) ?? [entry]);
  }

  /** The provider for a call, by an id that may name it and by the versions that it means. */
  choose(id: string, route: Route | undefined): CommandEntry | undefined {
    const { id: bare, provider } = addressOf(id);
    const all = this.of(bare).filter(({ owner }) => provider === undefined || owner === provider);
    return route === undefined ? all[0] : all.find((entry) => leadsTo(route, entry));
  }

  /** Whether a client's contract has the command. Checked once for each client and provider. */
  suits(entry: CommandEntry, route: Route): boolean {
    if (this.#suited.get(route) === entry) return true;
    if (!leadsTo(route, entry)) return false;
    this.#suited.set(route, entry);
    return true;
  }

  /** Why a command can't be registered, when another provider has it already. */
  conflict(id: string, { owner, version }: CommandProvider): PluginError | undefined {
    // Many plugins may answer a command of an open contract, each in one version.
    const other = this.of(id).find((one) =>
      this.#services.isOpen(id)
        ? one.owner === owner && one.version === version
        : one.owner !== owner || one.version === version || version === undefined,
    );
    if (other === undefined) return undefined;
    return createError(
      'call/duplicate',
      `${owner} cannot register ${id}: ${other.owner} has registered it already`,
      { plugin: owner, details: { command: id, owner: other.owner } },
    );
  }

  add(id: string, entry: CommandEntry): void {
    this.#set(id, [...this.of(id), entry]);
  }

  remove(id: string, entry: CommandEntry): void {
    this.#set(
      id,
      this.of(id).filter((one) => one !== entry),
    );
  }

  #set(id: string, entries: readonly CommandEntry[]): void {
    const { rank } = this.#services;
    const sorted =
      entries.length < 2
        ? entries
        : [...entries].sort((a, b) => {
            // The host's commands come first, then plugins in the order of discovery.
            if (a.owner !== b.owner) return rank(a.owner) - rank(b.owner);
            const [left, right] = [a.version as string, b.version as string];
            const last = this.beside.get(a.owner)?.version;
            return (
              Number(left === last) - Number(right === last) ||
              Number(isStable(right)) - Number(isStable(left)) ||
              compareVersions(right, left)
            );
          });
    const [first] = sorted;
    if (first === undefined) this.#entries.delete(id);
    else this.#entries.set(id, first);
    if (sorted.length > 1) this.#versions.set(id, sorted);
    else this.#versions.delete(id);
  }
}
