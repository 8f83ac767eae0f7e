/**
 * What one guest has added to the kernel: commands, hooks, listeners, middleware. They can be staged, so that a guest
 * starts beside the one it replaces and all of its registrations take over in one step; and held, so that calls and
 * events that arrive in between wait, in order, for whoever has them in the end.
 */
import type { EventEnvelope } from '@plinth/sdk';
import {
  covers,
  createError,
  isMemberName,
  isOpen,
  ownerOf,
  type EventMeta,
  type EventOrigin,
  type Manifest,
  type DeclaredCallPolicy,
  messageOf,
  type PermissionName,
  policyProblem,
  pairOf,
  type Registration,
  type Scope,
} from '@plinth/sdk/contract';
import { DEFAULT_QUEUE, type Link, NoteQueue } from '@plinth/sdk/rpc';
import type { KernelCall } from '../commands/call.js';
import type { CommandEntry, CommandProvider } from '../commands/command-registry.js';
import { leadsTo } from '../commands/route.js';
import { guestProvider, type Provider } from '../commands/provider.js';
import type { Emission } from '../events/event-bus.js';
import { placeOf } from '../middleware/order.js';
import type { KernelParts } from '../parts.js';
import type { DeclaredPolicy } from '../resilience/policy.js';
import type { PermissionSet } from '../permissions/broker.js';
import type { EventCauses } from './event-causes.js';
import type { LaneEnd } from './lane-end.js';

/** What a registration needs beside being the plugin's own. */
const PERMISSION_FOR: Readonly<Record<Registration['kind'], PermissionName | undefined>> = {
  command: undefined,
  hook: 'hooks.handle',
  event: 'events.subscribe',
  middleware: 'middleware.use',
};

/** Most registrations of one guest. */
const MAX_REGISTRATIONS = 4_096;
/** Calls, and events, that wait while a guest takes over. */
const MAX_HELD = 8_192;
/** Longest queue of one listener. */
const MAX_QUEUE = 8_192;

/** A guest that can be asked. */
export interface AnsweringGuest extends LaneEnd {
  readonly causes: EventCauses;
  runMiddleware(handle: number, call: KernelCall, input: unknown, next: (input?: unknown) => Promise<unknown>): Promise<unknown>;
}

/** Who registers: a guest, or a plugin that has none at the moment, and then everything waits. */
export interface Registrant {
  readonly manifest: Manifest;
  readonly permissions: PermissionSet;
  readonly scope: Scope;
  readonly parts: KernelParts;
  readonly guest: AnsweringGuest | undefined;
  /** Milliseconds that policy lets it take for an answer. */
  readonly callTime?: number | undefined;
}

interface Registered {
  readonly registration: Registration;
  /** Takes it out of the kernel; absent while it is staged. */
  readonly undo?: () => void;
}

/** A call, or a step of a middleware, that waits for a guest. */
interface Held {
  readonly kind: Registration['kind'];
  readonly name: string;
  /** Which of the guest's registrations of this kind and name it was meant for. */
  readonly nth: number;
  readonly over: boolean;
  /** Its place among all that waits. */
  readonly at: number;
  /** Goes on with the guest that has the registration now; undefined when nobody has. */
  go(guest: AnsweringGuest, handle: number | undefined, manifest: Manifest): void;
  fail(error: Error): void;
}

/** Wakes a plugin; never rejects, but answers why it could not. */
export type Wake = (activation: string) => Promise<Error | undefined>;

interface Waiting {
  readonly calls: Held[];
  /** With their places among all that waits. */
  readonly events: Map<Emission, number>;
  /** Told of each arrival; settles when whoever it wakes is awake. */
  readonly onArrival: Wake | undefined;
  /** Refuses calls at once, when nobody knows how long it will take. */
  readonly refuse: (() => Error) | undefined;
}

/** Counts what has had to wait. */
let arrivals = 0;

/** Owns the registrations of one guest. */
export class GuestRegistrations {
  readonly #owner: Registrant;
  readonly #registered = new Map<number, Registered>();
  readonly #listeners = new Set<{ readonly pattern: string; deliver(emission: Emission): void }>();
  #staged: boolean;
  #waiting: Waiting | undefined;
  /** How often something of this guest was used. */
  uses = 0;

  /** @param staged whether what is registered stays out of the kernel until {@link takeOver}. */
  constructor(owner: Registrant, staged: boolean) {
    this.#owner = owner;
    this.#staged = staged;
  }

  /** Whether calls and events wait. */
  get held(): boolean {
    return this.#waiting !== undefined;
  }

  /** @throws PluginPermissionError, PluginLifecycleError `call/duplicate`, PluginProtocolError. */
  add(value: Registration): void {
    const { manifest, scope } = this.#owner;
    const registration = checkRegistration(value, manifest.id);
    if (this.#registered.has(registration.handle)) throw createError('wire/refused', 'a handle was registered twice', { plugin: manifest.id });
    if (this.#registered.size >= MAX_REGISTRATIONS) throw createError('call/overloaded', `${manifest.id} has ${MAX_REGISTRATIONS} registrations already`, { plugin: manifest.id });
    if (scope.disposed) throw createError('scope/disposed', `${manifest.id} has stopped`, { plugin: manifest.id });
    this.#check(registration);
    if (this.#staged) this.#registered.set(registration.handle, { registration });
    else this.#install(registration);
  }

  remove(handle: number): void {
    const { guest, parts } = this.#owner;
    if (guest !== undefined) parts.lanes.unregistered(guest, handle);
    this.#registered.get(handle)?.undo?.();
    this.#registered.delete(handle);
  }

  /** The guest's rights have changed: what it may not have any more is taken back. */
  review(): void {
    const { manifest, parts } = this.#owner;
    for (const [handle, { registration }] of [...this.#registered]) {
      if (this.#mayHave(registration)) continue;
      const { kind, name } = registration;
      this.remove(handle);
      parts.log.write('kernel', 'warn', `${manifest.id} may not have its ${kind} '${name}' any more: ${PERMISSION_FOR[kind]} was revoked`, { plugin: manifest.id });
    }
  }

  #mayHave({ kind, name }: Pick<Registration, 'kind' | 'name'>): boolean {
    const permission = PERMISSION_FOR[kind];
    return permission === undefined || isOpen(name) || this.#owner.permissions.check(permission, name);
  }

  /** Without a guest nothing is taken back when rights change: they may be given again before it wakes. What it may not have now is passed by. */
  #isPassedBy(registration: Pick<Registration, 'kind' | 'name'>): boolean {
    return this.#owner.guest === undefined && !this.#mayHave(registration);
  }

  /**
   * Has calls and events wait from now on.
   *
   * @param onArrival told of each, with its activation event, also of those that wait already.
   * @param refuse makes the error that calls get in place of waiting.
   * @returns what makes it as it was before, with what has come meanwhile.
   */
  hold({ onArrival, refuse }: { onArrival?: Wake; refuse?: () => Error } = {}): () => void {
    const before = this.#waiting;
    this.#waiting = { calls: this.#waiting?.calls ?? [], events: this.#waiting?.events ?? new Map(), onArrival, refuse };
    if (before !== undefined) this.#tell(before, onArrival);
    return () => {
      if (before === undefined || this.#waiting === undefined) return this.release();
      this.#waiting = before;
      if (before.refuse !== undefined) for (const held of before.calls.splice(0)) held.fail(before.refuse());
    };
  }

  /** Lets what was held go to this guest after all. */
  release(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) this.#take(waiting);
  }

  /**
   * Brings what was staged into the kernel, in one step; from another guest of the same plugin, its registrations go and
   * what it held is passed on in order. Undone when one of them can't be had.
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
    const waiting = from === undefined ? undefined : from.#waiting;
    if (from === undefined || waiting === undefined) return;
    from.#waiting = undefined;
    if (this.#waiting === undefined) this.#take(waiting);
    else this.#inherit(waiting, this.#waiting);
  }

  /**
   * Takes the same registrations over from a guest that is about to end: from now on everything waits here.
   *
   * @param onArrival told of each call and event, also of those that wait already.
   */
  standInFor(from: GuestRegistrations, onArrival: Wake): void {
    this.hold({ onArrival });
    for (const { registration } of from.#registered.values()) this.#registered.set(registration.handle, { registration });
    this.takeOver(from);
  }

  /** What waited before this took over goes first. */
  #inherit(before: Waiting, mine: Waiting): void {
    mine.calls.unshift(...before.calls);
    for (const [emission, at] of before.events) mine.events.set(emission, at);
    this.#tell(before, mine.onArrival);
  }

  #tell({ calls, events }: Waiting, onArrival: Wake | undefined): void {
    for (const { kind, name } of calls) void onArrival?.(`${kind}:${name}`);
    for (const { event } of events.keys()) void onArrival?.(`event:${event.topic}`);
  }

  /** Nobody will answer what was held. Without a guest the events go on waiting, for the next one. */
  fail(error: Error): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    if (this.#owner.guest !== undefined) {
      this.#waiting = undefined;
      this.#drop(waiting, error);
    }
    for (const held of waiting.calls.splice(0)) held.fail(error);
  }

  #drop({ events }: Waiting, error: Error): void {
    if (events.size === 0) return;
    const { manifest, parts } = this.#owner;
    parts.metrics.droppedDeliveries += events.size;
    parts.log.write('kernel', 'warn', `dropped ${events.size} events for ${manifest.id}: ${error.message}`, { plugin: manifest.id });
    events.clear();
  }

  /** Takes everything out of the kernel. */
  close(error: Error): void {
    this.#withdraw();
    if (this.#waiting !== undefined) this.#drop(this.#waiting, error);
    this.fail(error);
  }

  /** A command of its own that a guest calls before everything it registers is there for others. */
  stagedCommand(name: string): CommandEntry | undefined {
    if (!this.#staged) return undefined;
    for (const { registration } of this.#registered.values()) {
      if (registration.kind === 'command' && registration.name === name) return this.#owner.parts.commands.entryFor(name, this.#commandProvider(registration));
    }
    return undefined;
  }

  /** Gives this guest what has waited for it, in the order in which it came: who emits and then calls is heard in that order. */
  #take({ calls, events }: Waiting): void {
    const { guest, manifest } = this.#owner;
    const deliveries = [...events].map(([emission, at]) => ({ at, go: () => this.#deliver(emission) }));
    const answers = calls.map((held) => ({
      at: held.at,
      go: () => {
        if (guest !== undefined && !held.over) held.go(guest, this.#handlesOf(held.kind, held.name)[held.nth], manifest);
      },
    }));
    for (const { go } of [...deliveries, ...answers].sort((one, other) => one.at - other.at)) go();
  }

  #deliver(emission: Emission): void {
    for (const { pattern, deliver } of this.#listeners) if (pattern === emission.event.topic || covers(pattern, emission.event.topic)) deliver(emission);
  }

  /** Keeps a call for whoever has the registration when {@link hold} ends. */
  #keep(held: Held, { calls, onArrival, refuse }: Waiting): void {
    if (refuse !== undefined) {
      held.fail(refuse());
      return;
    }
    // Those whose callers have given up must not keep others out.
    if (calls.length >= MAX_HELD) calls.splice(0, calls.length, ...calls.filter(({ over }) => !over));
    if (calls.length >= MAX_HELD) {
      const { id } = this.#owner.manifest;
      held.fail(createError('call/overloaded', `too many calls wait for ${id}: ${MAX_HELD}`, { plugin: id }));
    } else {
      calls.push(held);
      void onArrival?.(`${held.kind}:${held.name}`);
    }
  }

  #handlesOf(kind: Registration['kind'], name: string): readonly number[] {
    return [...this.#registered.values()].flatMap(({ registration }) => (registration.kind === kind && registration.name === name ? [registration.handle] : []));
  }

  #withdraw(): readonly Registration[] {
    const all = [...this.#registered.values()];
    for (const { undo } of all) undo?.();
    this.#registered.clear();
    return all.map(({ registration }) => registration);
  }

  #check({ kind, name }: Registration): void {
    const { manifest, permissions, parts } = this.#owner;
    const { id } = manifest;
    // A contract that belongs to nobody is any plugin's to answer that says so in its manifest.
    const offered = isOpen(name) && manifest.provides?.some((contract) => contract.startsWith(`${ownerOf(name)}@`)) === true;
    if (offered && (kind === 'hook' || kind === 'command')) return;
    if (kind === 'hook') permissions.demand('hooks.handle', name);
    else if (kind === 'event') permissions.demand('events.subscribe', name);
    else if (kind === 'middleware') permissions.demand('middleware.use', name);
    else if (!name.startsWith(`${id}:`)) {
      throw createError('permission/denied', `${id} cannot register ${name}: a plugin's commands live under its own id, or under an open contract that its manifest provides`, {
        plugin: id,
        details: { permission: 'commands.handle', scope: name },
      });
    } else if (this.#staged) {
      const other = parts.commands.get(name);
      const twice = [...this.#registered.values()].some(({ registration }) => registration.kind === 'command' && registration.name === name);
      if (twice || (other !== undefined && other.owner !== id)) {
        throw createError('call/duplicate', `${id} cannot register ${name}: ${other?.owner ?? id} has registered it already`, { plugin: id, details: { command: name } });
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
    const { handle, kind, name } = registration;
    const { manifest, parts, guest } = this.#owner;
    const { id } = manifest;
    switch (kind) {
      case 'command':
        return parts.commands.register(name, this.#commandProvider(registration));
      case 'hook':
        // A plugin without a guest is woken before its handlers are counted: it may have several.
        return parts.hooks.handle(name, id, this.#provider(registration), {
          timeout: this.#shortest(registration.timeout),
          ...(guest === undefined && { wake: () => (this.#isPassedBy(registration) ? undefined : this.#waiting?.onArrival?.(`hook:${name}`)) }),
        });
      case 'event':
        return this.#subscribe(name, handle, registration);
      case 'middleware':
        return parts.chains.use(name, { ...placeOf(id, registration.place), owner: id, run: (call, input, next) => this.#wrap(registration, call, input, next) });
    }
  }

  /** Milliseconds that something of this guest may take. */
  #shortest(timeout: number | undefined): number | undefined {
    const { manifest, callTime } = this.#owner;
    return shortest(shortest(timeout, manifest.resources.timeout), callTime);
  }

  #commandProvider(registration: Registration): CommandProvider {
    const { handle, name, timeout, reentrant, idempotent = false, policy } = registration;
    const { manifest, guest } = this.#owner;
    return {
      owner: manifest.id,
      version: manifest.version,
      provides: manifest.provides ?? [],
      provider: this.#provider(registration),
      timeout: this.#shortest(timeout),
      reentrant,
      declared: { idempotent, ...contributed(manifest, name, policy) },
      at: guest && { end: guest, handle },
    };
  }

  /** Answers over the link, or keeps the call for whoever takes over. */
  #provider(registration: Registration): Provider {
    const { name, handle } = registration;
    const { guest, parts } = this.#owner;
    const send = guest && guestProvider(guest.link, handle);
    return (call, input) => {
      const waiting = this.#waiting;
      if (waiting === undefined) {
        this.uses += 1;
        send?.(call, input);
        return;
      }
      if (this.#isPassedBy(registration)) {
        const { id } = this.#owner.manifest;
        call.settle(false, createError('permission/denied', `${id} may not answer ${name} any more: the right to it was revoked`, { plugin: id }));
        return;
      }
      const go: Held['go'] = (next, to, { id: owner, version, provides }) => {
        if (call.route !== undefined && !leadsTo(call.route, { owner, version, ...(provides && { provides }) })) parts.commands.reroute(name, call, input);
        else if (to !== undefined) guestProvider(next.link, to)(call, input);
        else call.settle(false, createError('call/unknown-command', `nobody answers ${name} any more`, { plugin: next.caller.id, details: { command: name } }));
      };
      this.#keep(
        this.#heldFor(registration, call, go, (error) => call.settle(false, error)),
        waiting,
      );
    };
  }

  /** Runs a middleware of the guest; while the guest is being replaced, the call waits in front of it. */
  #wrap(registration: Registration, call: KernelCall, input: unknown, next: (input?: unknown) => Promise<unknown>): Promise<unknown> {
    const waiting = this.#waiting;
    const { guest } = this.#owner;
    if (waiting === undefined && guest !== undefined) {
      this.uses += 1;
      return guest.runMiddleware(registration.handle, call, input, next);
    }
    if (this.#isPassedBy(registration)) return next(input);
    return new Promise((resolve, reject) => {
      // One that the next guest doesn't have stands around nothing any more.
      const go: Held['go'] = (after, to) => resolve(to === undefined ? next(input) : after.runMiddleware(to, call, input, next));
      call.onCancel(reject);
      if (waiting !== undefined) this.#keep(this.#heldFor(registration, call, go, reject), waiting);
    });
  }

  #heldFor({ kind, name, handle }: Registration, call: KernelCall, go: Held['go'], fail: Held['fail']): Held {
    return {
      kind,
      name,
      nth: this.#handlesOf(kind, name).indexOf(handle),
      at: ++arrivals,
      get over() {
        return call.over;
      },
      go,
      fail,
    };
  }

  /** Delivers what a pattern covers; what the guest is too slow for follows the policy it has chosen. */
  #subscribe(pattern: string, handle: number, { overflow = 'drop-oldest', queue: limit = DEFAULT_QUEUE }: Registration): { dispose(): void } {
    const { parts, guest, manifest } = this.#owner;
    const { metrics, log, announce } = parts;
    const plugin = manifest.id;
    let dropped = 0;
    const onDrop = () => {
      metrics.droppedDeliveries += 1;
      dropped += 1;
      // The first of a burst and then each doubling: a flood of drops must not become a flood of reports.
      if ((dropped & (dropped - 1)) === 0) announce('event:dropped', { plugin, pattern, overflow, dropped });
    };
    const queue = new NoteQueue(overflow, limit, onDrop);
    // Most events follow one of the same topic and source.
    let topic = '';
    let source = '';
    let meta: EventMeta = 0;
    const deliver = (emission: Emission) => {
      if (guest === undefined) return;
      const { event, shared } = emission;
      const { link } = guest;
      this.uses += 1;
      try {
        if (event.topic !== topic || event.source !== source) {
          ({ topic, source } = event);
          meta = eventMeta(link, event);
        }
        const room = link.note(handle, shared, event.requestId === undefined ? meta : causedMeta(guest, event), queue);
        metrics.deliveries += 1;
        if (room !== undefined) emission.waitFor(room);
      } catch (error) {
        metrics.droppedDeliveries += 1;
        log.write('kernel', 'warn', `dropped ${event.topic} for ${plugin}: ${messageOf(error)}`);
        // Who was promised that nothing is dropped has to hear of it.
        if (overflow === 'block') emission.waitFor(Promise.reject(error));
      }
    };
    const listener = { pattern, deliver };
    this.#listeners.add(listener);
    const registered = parts.bus.on(pattern, (emission) => {
      if (this.#isPassedBy({ kind: 'event', name: pattern })) return;
      const waiting = this.#waiting;
      if (waiting === undefined) deliver(emission);
      else if (waiting.events.has(emission)) return;
      else if (waiting.events.size < MAX_HELD) {
        waiting.events.set(emission, ++arrivals);
        void waiting.onArrival?.(`event:${emission.event.topic}`);
      } else {
        onDrop();
        if (overflow === 'block') emission.waitFor(Promise.reject(createError('call/overloaded', `too many events wait for ${plugin}: ${MAX_HELD}`, { plugin })));
      }
    });
    return {
      dispose: () => {
        this.#listeners.delete(listener);
        registered.dispose();
      },
    };
  }
}

function eventMeta(link: Link, { topic, source }: EventEnvelope): EventMeta {
  const named = link.nameOf(topic);
  const by = link.nameOf(source);
  return named > 0 && by > 0 ? pairOf(named, by) : [topic, source];
}

/** What the manifest says of a command. */
function contributed({ id, contributes }: Manifest, name: string, policy: DeclaredCallPolicy | undefined): Omit<DeclaredPolicy, 'idempotent'> {
  const { rateLimit, requiresAuth, policy: stated } = contributes.commands?.find((command) => `${id}:${command.id}` === name) ?? {};
  const policies = [policy, stated].flatMap((one) => one ?? []);
  return { ...(policies.length > 0 && { policies }), ...(rateLimit !== undefined && { rateLimit }), ...(requiresAuth !== undefined && { requiresAuth }) };
}

function causedMeta({ causes }: AnsweringGuest, event: EventEnvelope): EventMeta {
  const { topic, source, requestId, user, traceparent, baggage } = event;
  const origin: EventOrigin = {
    requestId: requestId as string,
    ...(user !== undefined && { user }),
    ...(traceparent !== undefined && { traceparent }),
    ...(baggage !== undefined && { baggage }),
  };
  return [topic, source, origin, causes.number(origin)];
}

const KINDS: ReadonlySet<string> = new Set(['command', 'hook', 'event', 'middleware']);

const OVERFLOWS: ReadonlySet<string> = new Set(['block', 'drop-oldest', 'drop-newest', 'latest']);

function checkRegistration(value: Registration, plugin: string): Registration {
  const { handle, kind, name, timeout, overflow, queue, place } = (value ?? {}) as Partial<Registration>;
  const policyFault = value?.policy === undefined ? undefined : policyProblem(Object(value.policy));
  if (policyFault !== undefined) {
    throw createError('contract/invalid', `${plugin} cannot register ${String(name).slice(0, 256)}: its contract says of '${policyFault}' what makes no sense`, {
      plugin,
      details: { member: name, policy: policyFault },
    });
  }
  const sound =
    Number.isSafeInteger(handle) &&
    (handle as number) > 0 &&
    KINDS.has(kind as string) &&
    typeof name === 'string' &&
    name.length <= 512 &&
    (timeout === undefined || (Number.isFinite(timeout) && timeout > 0)) &&
    (overflow === undefined || OVERFLOWS.has(overflow)) &&
    (place === undefined || isPlace(place)) &&
    (queue === undefined || (Number.isSafeInteger(queue) && queue >= 1 && queue <= MAX_QUEUE));
  if (!sound) throw createError('wire/refused', `${plugin} sent a registration that is not well formed`, { plugin });
  return value;
}

const isName = (value: unknown) => typeof value === 'string' && value.length <= 256;
const isNames = (value: unknown) => value === undefined || isName(value) || (Array.isArray(value) && value.length <= 64 && value.every(isName));

function isPlace(value: unknown): boolean {
  if (value === null || typeof value !== 'object') return false;
  const { name, before, after } = value as Readonly<Record<string, unknown>>;
  return (name === undefined || (typeof name === 'string' && isMemberName(name))) && isNames(before) && isNames(after);
}

function shortest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined) return b;
  return b === undefined ? a : Math.min(a, b);
}
