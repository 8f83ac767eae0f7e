/**
 * Enters the registrations of a guest in the kernel: commands, hooks, listeners, middleware. What
 * comes for them goes to the guest, or waits in the plugin's mailbox for the next one.
 */
import {
  covers,
  createError,
  type DeclaredCallPolicy,
  type Manifest,
  type Registration,
} from '@plinth/sdk/contract';
import type { KernelCall } from '../calls/kernel-call.js';
import { MAX_WAITING } from '../calls/most-waiting.js';
import { guestProvider, type Provider } from '../calls/provider.js';
import { leadsTo } from '../calls/route.js';
import { checkedProvider, schemasOf } from '../commands/checked-provider.js';
import type { CommandProvider } from '../commands/command-entry.js';
import type { DeclaredPolicy } from '../commands/command-guards.js';
import type { Emission } from '../events/event-bus.js';
import { placeOf } from '../middleware/order.js';
import { type Go, HeldCalls } from './held-calls.js';
import type { Message } from './mailbox.js';
import type { Receiver, Registrant } from './registrant.js';
import { createSubscription } from './subscription.js';

/** The registrations that are entered. */
export interface Book {
  /** Whether they are still out of the kernel, so that only their own guest reaches them. */
  readonly staged: boolean;
  handlesOf(kind: Registration['kind'], name: string): readonly number[];
  /** Whether a registration is skipped, because the right to it was lost without a guest. */
  isPassedBy(registration: Pick<Registration, 'kind' | 'name'>): boolean;
}

/** Owns what the kernel has of one guest's registrations. */
export class Entries {
  readonly #owner: Registrant;
  readonly #book: Book;
  readonly #listeners = new Set<{ readonly pattern: string; deliver(emission: Emission): void }>();
  readonly #held: HeldCalls;
  /** How many times a registration of this guest was used. */
  uses = 0;

  constructor(owner: Registrant, book: Book) {
    this.#owner = owner;
    this.#book = book;
    this.#held = new HeldCalls(owner.manifest.id, owner.services.exchange.chains);
  }

  /** Delivers an event to each listener whose pattern covers it. */
  deliver(emission: Emission): void {
    for (const { pattern, deliver } of this.#listeners)
      if (pattern === emission.event.topic || covers(pattern, emission.event.topic))
        deliver(emission);
  }

  /** A middleware has lost its right: calls that wait in front of it pass it, as new ones do. */
  letThrough(registration: Registration): void {
    this.#held.letThrough(registration);
  }

  /**
   * Keeps a message for the guest that has the registration when the mailbox opens.
   *
   * @param refuse what is done where too much waits.
   */
  #keep(message: Message<Receiver>, refuse: (error: Error) => void = message.fail): void {
    const { mailbox, manifest } = this.#owner;
    if (mailbox.accept(message)) return;
    const { id } = manifest;
    refuse(
      createError('call/overloaded', `too much waits for ${id}: ${MAX_WAITING} messages`, {
        plugin: id,
      }),
    );
  }

  /** Enters a registration. Disposing the result removes it. */
  enter(registration: Registration): { dispose(): void } {
    const { kind, name } = registration;
    const { manifest, guest, services } = this.#owner;
    const { exchange } = services;
    const { id, version } = manifest;
    // A version that answers a part of the calls takes no part in what reaches every version.
    if (kind !== 'command' && exchange.commands.beside.get(id)?.version === version)
      return { dispose() {} };
    switch (kind) {
      case 'command':
        return exchange.commands.register(name, this.commandProvider(registration));
      case 'hook':
        // A plugin without a guest is woken before its handlers are counted: it may have several.
        return exchange.hooks.handle(name, id, this.#provider(registration), {
          timeout: this.#shortest(registration.timeout),
          ...(guest === undefined && {
            wake: () =>
              this.#book.isPassedBy(registration)
                ? undefined
                : this.#owner.mailbox.wake(`hook:${name}`),
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

  /** What the table of commands has of a command. */
  commandProvider(registration: Registration): CommandProvider {
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
      if (this.#book.staged || this.#owner.mailbox.open) {
        this.uses += 1;
        send?.(call, input);
        return;
      }
      if (this.#book.isPassedBy(registration)) {
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
      const go: Go = (next, to, successor) => {
        if (call.route !== undefined && !leadsTo(call.route, successor))
          exchange.commands.reroute(name, call, input);
        else if (to !== undefined) guestProvider(next.link, to)(call, input);
        else
          call.settle(
            false,
            createError('call/unknown-command', `${next.caller.id} no longer answers ${name}`, {
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
    if (this.#book.isPassedBy(registration)) return next(input);
    return this.#held.wait(registration, call, input, next, (go, fail, refuse) =>
      this.#keep(this.#messageOf(registration, call, go, fail), refuse),
    );
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
  ): Message<Receiver> {
    const nth = this.#book.handlesOf(kind, name).indexOf(handle);
    return {
      kind,
      name,
      get over() {
        return call.over;
      },
      deliver(to) {
        const { guest, manifest } = to;
        if (guest !== undefined) go(guest, to.handlesOf(kind, name)[nth], manifest);
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
    const listener = { pattern, deliver: (one: Emission) => subscription.deliver(one) };
    this.#listeners.add(listener);
    const registered = exchange.bus.on(pattern, (emission) => {
      if (this.#book.isPassedBy({ kind: 'event', name: pattern })) return;
      if (mailbox.open) subscription.deliver(emission);
      else
        this.#keep({
          kind: 'event',
          name: emission.event.topic,
          over: false,
          about: emission,
          deliver: (to) => to.deliver(emission),
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
