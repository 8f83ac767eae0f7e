/**
 * What one guest has registered: commands, hooks, listeners, middleware. Staged registrations let a
 * guest start beside the one it replaces and take over in one step. While the plugin's mailbox is
 * held, calls and events wait there for the guest that takes over.
 */
import {
  covers,
  createError,
  type DeclaredCallPolicy,
  type Manifest,
  ownerOf,
  type Registration,
} from '@plinth/sdk/contract';
import type { KernelCall } from '../calls/call.js';
import { MANAGEMENT } from '../calls/management-rights.js';
import { guestProvider, type Provider } from '../calls/provider.js';
import { leadsTo } from '../calls/route.js';
import { checkedProvider, schemasOf } from '../commands/checked-provider.js';
import type { CommandEntry, CommandProvider } from '../commands/command-entry.js';
import type { DeclaredPolicy } from '../commands/command-guards.js';
import type { Emission } from '../events/event-bus.js';
import { placeOf } from '../middleware/order.js';
import { checkPromise, checkRegistration, offers, rightsFor } from './check-registration.js';
import { MAX_WAITING, type Message } from './mailbox.js';
import type { AnsweringGuest, Registrant } from './registrant.js';
import { createSubscription } from './subscription.js';

/** Most registrations of one guest. */
const MAX_REGISTRATIONS = 4_096;
/** Continues a call that has waited, with the guest that takes over. */
type Go = (guest: AnsweringGuest, handle: number | undefined, manifest: Manifest) => void;

interface Registered {
  readonly registration: Registration;
  /** Removes it from the kernel. Absent while it is staged. */
  readonly undo?: () => void;
}

/** Owns the registrations of one guest. */
export class GuestRegistrations {
  readonly #owner: Registrant<GuestRegistrations>;
  readonly #registered = new Map<number, Registered>();
  readonly #listeners = new Set<{ readonly pattern: string; deliver(emission: Emission): void }>();
  #staged: boolean;
  /** How many times a registration of this guest was used. */
  uses = 0;

  /** @param staged whether registrations stay out of the kernel until {@link takeOver}. */
  constructor(owner: Registrant<GuestRegistrations>, staged: boolean) {
    this.#owner = owner;
    this.#staged = staged;
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

  /** The guest's rights have changed. Registrations that it may no longer have are removed. */
  review(): void {
    const { manifest, services } = this.#owner;
    const { rights, reporting } = services;
    for (const [handle, { registration }] of [...this.#registered]) {
      if (this.#mayHave(registration)) continue;
      const { kind, name } = registration;
      this.remove(handle);
      const lacking = rightsFor(registration, manifest, rights.isOpen).find(
        ([permission, scope]) => !this.#owner.permissions.check(permission, scope),
      );
      reporting.log.write(
        'kernel',
        'warn',
        `${manifest.id} may not have its ${kind} '${name}' any more: ${lacking?.[0]} was revoked`,
        { plugin: manifest.id },
      );
    }
  }

  #mayHave(registration: Pick<Registration, 'kind' | 'name'>): boolean {
    const { manifest, permissions, services } = this.#owner;
    const { rights } = services;
    return rightsFor(registration, manifest, rights.isOpen).every(([permission, scope]) =>
      permissions.check(permission, scope),
    );
  }

  /** Without a guest, lost rights only skip registrations: they may return before it wakes. */
  #isPassedBy(registration: Pick<Registration, 'kind' | 'name'>): boolean {
    return this.#owner.guest === undefined && !this.#mayHave(registration);
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
  standInFor(from: GuestRegistrations): void {
    for (const { registration } of from.#registered.values())
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
          this.#commandProvider(registration),
        );
    }
    return undefined;
  }

  #deliver(emission: Emission): void {
    for (const { pattern, deliver } of this.#listeners)
      if (pattern === emission.event.topic || covers(pattern, emission.event.topic))
        deliver(emission);
  }

  /** Keeps a message for the guest that has the registration when the mailbox opens. */
  #keep(message: Message<GuestRegistrations>): void {
    const { mailbox, manifest } = this.#owner;
    if (mailbox.accept(message)) return;
    const { id } = manifest;
    message.fail(
      createError('call/overloaded', `too much waits for ${id}: ${MAX_WAITING} messages`, {
        plugin: id,
      }),
    );
  }

  #handlesOf(kind: Registration['kind'], name: string): readonly number[] {
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
    const { scope } = this.#owner;
    const registered = this.#enter(registration);
    const forget = scope.add(() => registered.dispose());
    const undo = () => {
      forget();
      registered.dispose();
    };
    this.#registered.set(registration.handle, { registration, undo });
  }

  #enter(registration: Registration): { dispose(): void } {
    const { kind, name } = registration;
    const { manifest, guest, services } = this.#owner;
    const { exchange } = services;
    const { id } = manifest;
    switch (kind) {
      case 'command':
        return exchange.commands.register(name, this.#commandProvider(registration));
      case 'hook':
        // A plugin without a guest is woken before its handlers are counted: it may have several.
        return exchange.hooks.handle(name, id, this.#provider(registration), {
          timeout: this.#shortest(registration.timeout),
          ...(guest === undefined && {
            wake: () =>
              this.#isPassedBy(registration) ? undefined : this.#owner.mailbox.wake(`hook:${name}`),
          }),
        });
      case 'event':
        return this.#subscribe(registration);
      case 'middleware':
        return exchange.chains.use(name, {
          ...placeOf(id, registration.place),
          owner: id,
          run: (call, input, next) => this.#wrap(registration, call, input, next),
        });
    }
  }

  /** Milliseconds that a handler of this guest may take. */
  #shortest(timeout: number | undefined): number | undefined {
    const { manifest, callTime } = this.#owner;
    return shortest(shortest(timeout, manifest.resources.timeout), callTime);
  }

  #commandProvider(registration: Registration): CommandProvider {
    const { handle, name, timeout, reentrant, idempotent = false, policy } = registration;
    const { manifest, guest, services } = this.#owner;
    const { reporting } = services;
    const schemas = schemasOf(manifest, name);
    const provider = this.#provider(registration);
    return {
      owner: manifest.id,
      version: manifest.version,
      provides: manifest.provides ?? [],
      provider:
        schemas === undefined
          ? provider
          : checkedProvider(manifest, schemas, provider, reporting.metrics),
      checked: schemas !== undefined,
      timeout: this.#shortest(timeout),
      reentrant,
      declared: { idempotent, ...contributed(manifest, name, policy) },
      at: guest && { end: guest, handle },
    };
  }

  /** Answers over the link, or keeps the call for the guest that takes over. */
  #provider(registration: Registration): Provider {
    const { name, handle } = registration;
    const { guest, services } = this.#owner;
    const { exchange } = services;
    const send = guest && guestProvider(guest.link, handle);
    return (call, input) => {
      // A guest that starts beside another one answers its own calls.
      if (this.#staged || this.#owner.mailbox.open) {
        this.uses += 1;
        send?.(call, input);
        return;
      }
      if (this.#isPassedBy(registration)) {
        const { id } = this.#owner.manifest;
        call.settle(
          false,
          createError(
            'permission/denied',
            `${id} may not answer ${name} any more: the right to it was revoked`,
            { plugin: id },
          ),
        );
        return;
      }
      const go: Go = (next, to, { id: owner, version, provides }) => {
        if (
          call.route !== undefined &&
          !leadsTo(call.route, { owner, version, ...(provides && { provides }) })
        )
          exchange.commands.reroute(name, call, input);
        else if (to !== undefined) guestProvider(next.link, to)(call, input);
        else
          call.settle(
            false,
            createError('call/unknown-command', `nobody answers ${name} any more`, {
              plugin: next.caller.id,
              details: { command: name },
            }),
          );
      };
      this.#keep(this.#messageOf(registration, call, go, (error) => call.settle(false, error)));
    };
  }

  /** Runs a guest's middleware. The call waits in front of it while the guest is replaced. */
  #wrap(
    registration: Registration,
    call: KernelCall,
    input: unknown,
    next: (input?: unknown) => Promise<unknown>,
  ): Promise<unknown> {
    const { guest, mailbox } = this.#owner;
    if (mailbox.open && guest !== undefined) {
      this.uses += 1;
      return guest.runMiddleware(registration.handle, call, input, next);
    }
    if (this.#isPassedBy(registration)) return next(input);
    const { within } = call;
    const { id } = this.#owner.manifest;
    if (within !== undefined)
      call.within = {
        name: within.name,
        owner: within.owner,
        absence: () => this.#owner.services.exchange.chains.absenceOf(id),
      };
    return new Promise((resolve, reject) => {
      // A middleware that the next guest doesn't have no longer runs around anything.
      const go: Go = (after, to) => {
        if (to !== undefined) call.within = within;
        resolve(to === undefined ? next(input) : after.runMiddleware(to, call, input, next));
      };
      call.onCancel(reject);
      this.#keep(this.#messageOf(registration, call, go, reject));
    });
  }

  /**
   * A call that waits, for the guest that takes over.
   *
   * @param go continues with that guest. Its handle is undefined when no guest has the registration
   * any more.
   */
  #messageOf(
    { kind, name, handle }: Registration,
    call: KernelCall,
    go: Go,
    fail: (error: Error) => void,
  ): Message<GuestRegistrations> {
    const nth = this.#handlesOf(kind, name).indexOf(handle);
    return {
      kind,
      name,
      get over() {
        return call.over;
      },
      deliver(to) {
        const { guest, manifest } = to.#owner;
        if (guest !== undefined) go(guest, to.#handlesOf(kind, name)[nth], manifest);
      },
      fail,
    };
  }

  /** Delivers events that a pattern covers, or lets them wait. */
  #subscribe(registration: Registration): { dispose(): void } {
    const { mailbox, services } = this.#owner;
    const { exchange } = services;
    const { name: pattern } = registration;
    const subscription = createSubscription(this.#owner, registration, () => {
      this.uses += 1;
    });
    const listener = { pattern, deliver: subscription.deliver };
    this.#listeners.add(listener);
    const registered = exchange.bus.on(pattern, (emission) => {
      if (this.#isPassedBy({ kind: 'event', name: pattern })) return;
      if (mailbox.open) subscription.deliver(emission);
      else
        this.#keep({
          kind: 'event',
          name: emission.event.topic,
          over: false,
          about: emission,
          deliver: (to) => to.#deliver(emission),
          fail: (error) => subscription.refuse(emission, error),
        });
    });
    return {
      dispose: () => {
        this.#listeners.delete(listener);
        registered.dispose();
        subscription.close();
      },
    };
  }
}

/** What the manifest says about a command. */
function contributed(
  { id, contributes }: Manifest,
  name: string,
  policy: DeclaredCallPolicy | undefined,
): Omit<DeclaredPolicy, 'idempotent'> {
  const {
    rateLimit,
    requiresAuth,
    policy: stated,
  } = contributes.commands?.find((command) => `${id}:${command.id}` === name) ?? {};
  const policies = [policy, stated].flatMap((one) => one ?? []);
  return {
    ...(policies.length > 0 && { policies }),
    ...(rateLimit !== undefined && { rateLimit }),
    ...(requiresAuth !== undefined && { requiresAuth }),
  };
}

function shortest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined) return b;
  return b === undefined ? a : Math.min(a, b);
}
