/** Which plugins may answer a command, which of them is woken for it, and why none does. */
import {
  addressOf,
  type Manifest,
  ownerOf,
  type PluginError,
  parseContractId,
} from '@plinth/sdk/contract';
import type { IsOpen } from '../calls/open-contracts.js';
import { leadsTo, type Route } from '../calls/route.js';
import type { Grants } from '../permissions/grants.js';
import { isAsleep, manifestOf, type PluginRecord, versionOf } from '../plugin/record.js';
import type { PluginRegistry } from './plugin-registry.js';
import { whyUnanswered } from './unanswered.js';

/** How plugins are started for calls. */
export interface Waking {
  activate(key: string, activatedBy: string): Promise<void>;
  isStarting(key: string): boolean;
  /** Settles when a pending restart succeeds or is given up; undefined without one. */
  comeback(key: string): Promise<void> | undefined;
  /** Whether a plugin is about to start, because the tenant starts. */
  comes(record: PluginRecord): boolean;
  /** Waits for sources that still search. Resolves to whether there were any. */
  moreToCome(): Promise<boolean>;
  hasStarted(): boolean;
}

/** What finding a target needs of the kernel. */
export interface TargetParts {
  readonly registry: PluginRegistry;
  /** The rights of the plugins that are known. */
  grants(): Grants;
  readonly isOpen: IsOpen;
  readonly waking: Waking;
  /** Why a plugin is in its state, in one sentence. */
  because(record: PluginRecord): string;
  /** Ids of all registered commands, and whether one of them answers. */
  readonly commands: () => {
    answers(id: string): boolean;
    all(): readonly { readonly id: string }[];
  };
}

/** Answers from the manifests of installed plugins, whether they run or not. */
export class Targets {
  readonly #parts: TargetParts;

  constructor(parts: TargetParts) {
    this.#parts = parts;
  }

  /** The plugins that may answer a command, the best first. */
  answering(commandId: string, route: Route | undefined): readonly PluginRecord[] {
    const { registry, isOpen } = this.#parts;
    const { id, provider } = addressOf(commandId);
    const owner = ownerOf(id);
    if (!isOpen(owner))
      return provider === undefined || provider === owner ? this.#versionsOn(owner, route) : [];
    const candidates = provider === undefined ? registry.all() : registry.versions(provider);
    return this.#bestFirst(
      candidates.filter((record) => {
        const known = manifestOf(record);
        return (
          known?.provides?.some((contract) => contract.startsWith(`${owner}@`)) === true &&
          (route === undefined || leadsTo(route, known)) &&
          this.#parts.grants().mayProvide(known, owner)
        );
      }),
    );
  }

  /** Plugins in the order of discovery, and the versions of each as calls prefer them. */
  #bestFirst(found: readonly PluginRecord[]): readonly PluginRecord[] {
    if (found.length < 2) return found;
    const left = new Set(found);
    return found.flatMap(({ id }) =>
      this.#parts.registry.versions(id).filter((record) => left.delete(record)),
    );
  }

  /** Every version of a plugin that a route leads to, the best first. */
  #versionsOn(owner: string, route: Route | undefined): readonly PluginRecord[] {
    return this.#parts.registry
      .versions(owner)
      .filter((record) => route === undefined || leadsTo(route, manifestOf(record) as Manifest));
  }

  /** Keys of a contract's providers, best first. Without a version, any version matches. */
  providersOf(contract: string): readonly string[] {
    const { registry, grants } = this.#parts;
    const base = parseContractId(contract)?.base ?? contract;
    const found = registry.all().filter((record) => {
      const known = manifestOf(record);
      if (known === undefined || record.state === 'denied') return false;
      const promised = known.provides?.some((one) =>
        contract === base ? one.startsWith(`${base}@`) : one === contract,
      );
      const named = promised ?? (known.id === base && known.provides === undefined);
      const may = known.id === base || grants().mayProvide(known, base);
      return named && may && registry.isEnabled(record.key);
    });
    return this.#bestFirst(found).map(({ key }) => key);
  }

  /** Whether a command wakes a plugin: asleep, starting, or not started and declaring it. */
  #wakes(record: PluginRecord, address: string): boolean {
    const { registry, waking, isOpen } = this.#parts;
    const { id: commandId } = addressOf(address);
    if (isAsleep(record)) return true;
    if (!registry.isEnabled(record.key)) return false;
    if (waking.isStarting(record.key) || waking.comes(record)) return true;
    const known = manifestOf(record) as Manifest;
    const contract = `need:${ownerOf(commandId)}@`;
    const declared =
      known.activation.some((one) => one === `command:${commandId}` || one.startsWith(contract)) ||
      known.contributes.commands?.some((command) => `${record.id}:${command.id}` === commandId);
    return record.state === 'resolved' && (declared === true || isOpen(commandId));
  }

  /** Activates the plugin that answers a command. Resolves to whether there was one. */
  async wakeFor(commandId: string, route: Route | undefined): Promise<boolean> {
    const { waking, commands } = this.#parts;
    do {
      for (const record of this.answering(commandId, route)) {
        const comeback = waking.comeback(record.key);
        if (comeback !== undefined) {
          await comeback;
          if (commands().answers(commandId)) return true;
          // It was given up, started by name or replaced, or there is another restart to wait for.
          if (waking.comeback(record.key) !== comeback) return this.wakeFor(commandId, route);
        }
        if (!this.#wakes(record, commandId)) continue;
        const by = waking.comes(record) ? 'startup' : `command:${addressOf(commandId).id}`;
        await waking.activate(record.key, by);
        return true;
      }
    } while (this.answering(commandId, route).length === 0 && (await waking.moreToCome()));
    return false;
  }

  /** Whether a version that can be woken takes precedence over one that answers already. */
  outranked(
    entry: { readonly id: string; readonly owner: string; readonly version?: string | undefined },
    route: Route | undefined,
  ): boolean {
    for (const record of this.#versionsOn(entry.owner, route)) {
      if (versionOf(record) === entry.version) return false;
      const comes = this.#parts.waking.comeback(record.key) !== undefined;
      if (comes || this.#wakes(record, entry.id)) return true;
    }
    return false;
  }

  /** Why no plugin answers a command. */
  whyUnanswered(id: string, route: Route | undefined): PluginError {
    const { registry, grants, isOpen, because, commands, waking } = this.#parts;
    return whyUnanswered(id, route, {
      registry,
      isOpen,
      because,
      ids: () =>
        commands()
          .all()
          .map((entry) => entry.id),
      answering: (command, on) => this.answering(command, on),
      mayNot: (known, contract) =>
        grants().mayProvide(known, contract)
          ? undefined
          : `${known.id} may not: ${grants().why(known, 'contracts.provide', contract).because}`,
      hasStarted: () => waking.hasStarted(),
    });
  }
}
