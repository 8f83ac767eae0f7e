/**
 * What one guest has registered: commands, hooks, listeners, middleware. Staged registrations let a
 * guest start beside the one it replaces and take over in one step. While the plugin's mailbox is
 * held, calls and events wait there for the guest that takes over.
 */
import {
  createError,
  type Manifest,
  messageOf,
  ownerOf,
  type Registration,
} from '@plinth/sdk/contract';
import { MANAGEMENT } from '../calls/management-rights.js';
import type { CommandEntry } from '../commands/command-entry.js';
import type { Emission } from '../events/event-bus.js';
import { checkPromise, checkRegistration, offers, rightsFor } from './check-registration.js';
import { type Book, Entries } from './entries.js';
import type { AnsweringGuest, Receiver, Registrant } from './registrant.js';

/** Most registrations of one guest. */
const MAX_REGISTRATIONS = 4_096;
interface Registered {
  readonly registration: Registration;
  /** Removes it from the kernel. Absent while it is staged, or while its guest lacks the right. */
  readonly undo?: () => void;
}

/** Owns the registrations of one guest. */
export class GuestRegistrations implements Receiver, Book {
  readonly #owner: Registrant;
  readonly #registered = new Map<number, Registered>();
  readonly #entries: Entries;
  #staged: boolean;

  /** @param staged whether registrations stay out of the kernel until {@link takeOver}. */
  constructor(owner: Registrant, staged: boolean) {
    this.#owner = owner;
    this.#staged = staged;
    this.#entries = new Entries(owner, this);
  }

  get staged(): boolean {
    return this.#staged;
  }

  /** The guest that answers. Undefined for a plugin without one. */
  get guest(): AnsweringGuest | undefined {
    return this.#owner.guest;
  }

  get manifest(): Manifest {
    return this.#owner.manifest;
  }

  /** How many times a registration of this guest was used. */
  get uses(): number {
    return this.#entries.uses;
  }

  /** Delivers an event that has waited. */
  deliver(emission: Emission): void {
    this.#entries.deliver(emission);
  }

  /** The current registrations, in the order in which they were made. */
  get all(): readonly Registration[] {
    return [...this.#registered.values()].map(({ registration }) => registration);
  }

  /** @throws PluginPermissionError, PluginLifecycleError `call/duplicate`, PluginProtocolError. */
  add(value: Registration): void {
    const { manifest, scope } = this.#owner;
    const registration = checkRegistration(value, manifest.id);
    if (this.#registered.has(registration.handle))
      throw createError('wire/refused', 'a handle was registered twice', { plugin: manifest.id });
    if (this.#registered.size >= MAX_REGISTRATIONS)
      throw createError(
        'call/overloaded',
        `${manifest.id} has ${MAX_REGISTRATIONS} registrations already`,
        { plugin: manifest.id },
      );
    if (scope.disposed)
      throw createError('scope/disposed', `${manifest.id} has stopped`, { plugin: manifest.id });
    this.#check(registration);
    if (this.#staged) this.#registered.set(registration.handle, { registration });
    else this.#install(registration);
  }

  remove(handle: number): void {
    const { guest, services } = this.#owner;
    const { exchange } = services;
    if (guest !== undefined) exchange.lanes.unregistered(guest, handle);
    this.#registered.get(handle)?.undo?.();
    this.#registered.delete(handle);
  }

  /**
   * The guest's rights have changed. Registrations that it may no longer have leave the kernel, and
   * come back with the right.
   */
  review(): void {
    // What is staged is reviewed when it takes over.
    if (this.#staged) return;
    for (const [handle, { registration, undo }] of [...this.#registered]) {
      const lacking = this.#lacking(registration);
      if (lacking === undefined && undo === undefined) this.#comeBack(registration);
      if (lacking === undefined || undo === undefined) continue;
      this.remove(handle);
      this.#registered.set(handle, { registration });
      this.#entries.letThrough(registration);
      this.#warn(registration, `may not have its * any more: ${lacking[0]} was revoked`);
    }
  }

  #comeBack(registration: Registration): void {
    try {
      this.#install(registration);
    } catch (error) {
      this.#warn(registration, `does not get its * back: ${messageOf(error)}`);
    }
  }

  #warn({ kind, name }: Registration, told: string): void {
    const { manifest, services } = this.#owner;
    const message = `${manifest.id} ${told.replace('*', () => `${kind} '${name}'`)}`;
    services.reporting.log.write('kernel', 'warn', message, { plugin: manifest.id });
  }

  #lacking(registration: Pick<Registration, 'kind' | 'name'>) {
    const { manifest, permissions, services } = this.#owner;
    return rightsFor(registration, manifest, services.rights.isOpen).find(
      ([permission, scope]) => !permissions.check(permission, scope),
    );
  }

  /** Without a guest, lost rights only skip registrations: they may return before it wakes. */
  isPassedBy(registration: Pick<Registration, 'kind' | 'name'>): boolean {
    return this.#owner.guest === undefined && this.#lacking(registration) !== undefined;
  }

  /**
   * Brings staged registrations into the kernel in one step. Those of another guest of the plugin
   * go. Undone when one registration fails.
   */
  takeOver(from: GuestRegistrations | undefined): void {
    const staged = [...this.#registered.values()].map(({ registration }) => registration);
    const theirs = from === undefined ? [] : from.#withdraw();
    this.#staged = false;
    this.#registered.clear();
    try {
      for (const registration of staged) this.#install(registration);
    } catch (error) {
      this.#withdraw();
      if (from !== undefined) for (const registration of theirs) from.#install(registration);
      throw error;
    }
    this.#owner.mailbox.receiver = this;
  }

  /** Takes the registrations over from a guest that is about to end, or has ended. */
  standInFor(from: GuestRegistrations, only?: Registration['kind']): void {
    for (const { registration } of from.#registered.values())
      if (only === undefined || registration.kind === only)
        this.#registered.set(registration.handle, { registration });
    this.takeOver(from);
  }

  /**
   * Removes everything from the kernel. Where no other guest has taken over, what waits for the
   * plugin is refused, and its events are dropped.
   */
  close(error: Error): void {
    this.#withdraw();
    this.ended(error);
  }

  /** Its guest has ended. What waits is refused where no other guest has taken over. */
  ended(error: Error): void {
    const { mailbox, manifest, services } = this.#owner;
    const { reporting } = services;
    if (mailbox.receiver !== this) return;
    const dropped = mailbox.close(error);
    if (dropped === 0) return;
    reporting.metrics.droppedDeliveries += dropped;
    reporting.log.write(
      'kernel',
      'warn',
      `dropped ${dropped} events for ${manifest.id}: ${error.message}`,
      { plugin: manifest.id },
    );
  }

  /** A command of its own that a guest calls before its registrations are visible to others. */
  stagedCommand(name: string): CommandEntry | undefined {
    if (!this.#staged) return undefined;
    for (const { registration } of this.#registered.values()) {
      if (registration.kind === 'command' && registration.name === name)
        return this.#owner.services.exchange.commands.entryFor(
          name,
          this.#entries.commandProvider(registration),
        );
    }
    return undefined;
  }

  handlesOf(kind: Registration['kind'], name: string): readonly number[] {
    return [...this.#registered.values()].flatMap(({ registration }) =>
      registration.kind === kind && registration.name === name ? [registration.handle] : [],
    );
  }

  #withdraw(): readonly Registration[] {
    const all = [...this.#registered.values()];
    for (const { undo } of all) undo?.();
    this.#registered.clear();
    return all.map(({ registration }) => registration);
  }

  #check(registration: Registration): void {
    const { kind, name } = registration;
    const { manifest, permissions, services } = this.#owner;
    const { exchange, rights } = services;
    const { id } = manifest;
    checkPromise(registration, manifest);
    if (MANAGEMENT.has(ownerOf(name)) && (kind === 'command' || kind === 'hook')) {
      throw createError(
        'permission/denied',
        `${id} cannot register ${name}: only the application and its kernel answer that contract`,
        {
          plugin: id,
          details: { permission: 'contracts.provide', scope: ownerOf(name) },
        },
      );
    }
    for (const [permission, scope] of rightsFor(registration, manifest, rights.isOpen))
      permissions.demand(permission, scope);
    if (kind !== 'command' || (rights.isOpen(name) && offers(manifest, name))) return;
    if (!name.startsWith(`${id}:`)) {
      throw createError(
        'permission/denied',
        `${id} cannot register ${name}: a plugin's commands live under its own id, or under an open contract that its manifest provides`,
        {
          plugin: id,
          details: { permission: 'commands.handle', scope: name },
        },
      );
    } else if (this.#staged) {
      const other = exchange.commands.get(name);
      const twice = [...this.#registered.values()].some(
        ({ registration }) => registration.kind === 'command' && registration.name === name,
      );
      if (twice || (other !== undefined && other.owner !== id)) {
        throw createError(
          'call/duplicate',
          `${id} cannot register ${name}: ${other?.owner ?? id} has registered it already`,
          { plugin: id, details: { command: name } },
        );
      }
    }
  }

  #install(registration: Registration): void {
    const { scope, guest } = this.#owner;
    if (guest !== undefined && this.#lacking(registration) !== undefined) {
      this.#registered.set(registration.handle, { registration });
      return;
    }
    const registered = this.#entries.enter(registration);
    const forget = scope.add(() => registered.dispose());
    const undo = () => {
      forget();
      registered.dispose();
    };
    this.#registered.set(registration.handle, { registration, undo });
  }
}
