/**
 * The kernel's end of one guest: its link, its rights, and everything it has registered. Each message of the guest is
 * checked here, in this order: shape, permission, use. Who is calling is known from this object, never from a message.
 */
import type { EventEnvelope } from '@plinth/sdk';
import {
  type Caller,
  createError,
  type EventMeta,
  type LifecycleHook,
  type Manifest,
  messageOf,
  pairOf,
  PluginError,
  type Registration,
  Scope,
  type Statics,
} from '@plinth/sdk/contract';
import { DEFAULT_QUEUE, Link, NoteQueue, type Reply, type Timed } from '@plinth/sdk/rpc';
import type { KernelCall } from '../commands/call.js';
import { guestProvider } from '../commands/provider.js';
import type { ExitReason, Guest } from '../host.js';
import type { KernelParts } from '../parts.js';
import { grantsOf, PermissionSet } from '../permissions/broker.js';
import { StorageNamespace } from '../storage/namespace.js';
import { exitError } from './exit-error.js';
import type { LaneEnd, Traffic } from './lane-end.js';
import { answerGuest, type GuestIdentity, KEEP_INPUT, takeNote } from './guest-requests.js';

/** Most registrations of one guest. */
const MAX_REGISTRATIONS = 4_096;

/** Methods of the guest that the kernel calls over the control plane. */
type GuestMethod = 'load' | 'configure' | 'needs' | 'restoreState' | 'activate' | 'suspend' | 'resume' | 'healthCheck' | 'getState' | 'deactivate';

/** A running guest and its link. */
export class GuestConnection implements GuestIdentity {
  readonly manifest: Manifest;
  readonly caller: Caller;
  readonly permissions: PermissionSet;
  readonly storage: StorageNamespace;
  readonly link: Link;
  /** Owns the guest's registrations in the kernel. */
  readonly scope = new Scope();
  readonly parts: KernelParts;
  /** Middleware steps that wait for the guest's `next`, by number. */
  readonly steps = new Map<number, (input: unknown) => Promise<unknown>>();
  readonly traffic = new WeakMap<LaneEnd, Traffic>();
  /** Settles when the guest has ended, with what callers are told. */
  readonly ended: Promise<PluginError>;
  /** Told once, at once, when the guest has ended by whatever cause. */
  onEnd: ((error: PluginError) => void) | undefined = undefined;
  readonly #guest: Guest;
  readonly #registrations = new Map<number, () => void>();
  readonly #hooks = new Set<LifecycleHook>();
  #fatal: Error | undefined;
  #over = false;
  #refusals = 0;
  #lastStep = 0;

  constructor(manifest: Manifest, guest: Guest, parts: KernelParts) {
    this.manifest = manifest;
    this.parts = parts;
    this.caller = Object.freeze({ kind: 'plugin', id: manifest.id, version: manifest.version });
    this.permissions = new PermissionSet(manifest.id, grantsOf(manifest, parts.policy.permissions), parts.metrics, parts.onDenied);
    this.storage = new StorageNamespace(parts.storage, parts.tenant, manifest.id, this.permissions.quota);
    this.#guest = guest;
    this.link = new Link({
      endpoint: guest.endpoint,
      plugin: manifest.id,
      stacks: false,
      turn: parts.turn,
      serve: (target, input, meta, inbound) => answerGuest(this, target, input, meta, inbound),
      note: (target, payload, meta) => takeNote(this, target, payload, meta),
      control: {
        register: (registration: Registration) => this.#register(registration),
        unregister: (handle: number) => this.#unregister(handle),
      },
      onBreach: (error) => this.endBecause(error),
      onRefused: (error) => this.#refused(error),
      onUnsent: (error) => {
        parts.metrics.droppedDeliveries += 1;
        parts.log.write('kernel', 'warn', `dropped an event for ${manifest.id}: ${error.message}`);
      },
      defer: (task) => parts.defer(task),
    });
    this.ended = guest.exited.then((reason) => this.#end(reason));
  }

  /** Loads the plugin's code into the guest. */
  async load(code: string): Promise<Statics> {
    const statics = (await this.ask('load', this.parts.limits.load, { manifest: this.manifest, tenant: this.parts.tenant, requests: this.parts.calls.prefix, code })) as Statics;
    for (const hook of Array.isArray(statics?.hooks) ? statics.hooks : []) this.#hooks.add(hook);
    return statics;
  }

  /** Whether the plugin has an optional member. */
  has(hook: LifecycleHook): boolean {
    return this.#hooks.has(hook);
  }

  /**
   * Calls a control method of the guest.
   *
   * @throws PluginTimeoutError `plugin/timeout`, the plugin's own error, or what the guest ended with.
   */
  ask(method: GuestMethod, timeout: number, ...args: unknown[]): Promise<unknown> {
    const { deadlines } = this.parts;
    return new Promise((resolve, reject) => {
      const timed: Timed = {
        bucket: undefined,
        slot: 0,
        expire: () =>
          reject(createError('plugin/timeout', `${this.manifest.id} did not finish '${method}' within ${timeout} ms`, { plugin: this.manifest.id, details: { method, timeout } })),
      };
      deadlines.add(timed, timeout);
      this.link.call(method, ...args).then(
        (value) => {
          deadlines.remove(timed);
          resolve(value);
        },
        (error) => {
          deadlines.remove(timed);
          reject(error);
        },
      );
    });
  }

  /** Ends the guest at once: pending calls settle with `error`. The platform's own signal may come later or never. */
  endBecause(error: Error): void {
    this.#fatal ??= error;
    void this.#guest.terminate();
    this.#close(this.#asPluginError(this.#fatal));
  }

  /** Ends the guest in order: nothing that happens now is its fault. */
  async terminate(): Promise<void> {
    this.#close(createError('guest/terminated', `${this.manifest.id} was stopped`, { plugin: this.manifest.id, details: { reason: 'terminated' } }));
    await this.#guest.terminate();
  }

  /** Whether it has a thread of its own. */
  get isolated(): boolean {
    return this.#guest.endpoint.direct === undefined;
  }

  get ports(): boolean {
    return this.#guest.ports === true;
  }

  /** How often a message of this guest was refused. */
  get refusals(): number {
    return this.#refusals;
  }

  async usage(): Promise<unknown> {
    return this.#guest.usage?.();
  }

  /** Runs a middleware of the guest as one layer of a chain. */
  runMiddleware(handle: number, call: KernelCall, input: unknown, next: (input: unknown) => Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (call.over) {
        reject(createError('call/cancelled', `the call of ${call.id} is over`, { plugin: this.manifest.id }));
        return;
      }
      const step = ++this.#lastStep;
      const reply: Reply = {
        sequence: 0,
        settle: (ok, value) => {
          this.steps.delete(step);
          if (ok) resolve(value);
          else reject(value);
        },
      };
      this.steps.set(step, (changed) => next(changed === KEEP_INPUT ? input : changed));
      try {
        this.link.request(handle, input, [...(call.metaFor(this.link, call.id) as readonly unknown[]), step], reply);
      } catch (error) {
        this.steps.delete(step);
        reject(error);
        return;
      }
      call.onCancel((reason) => {
        this.steps.delete(step);
        this.link.cancel(reply.sequence);
        reject(reason);
      });
    });
  }

  #end(reason: ExitReason): PluginError {
    const error = this.#fatal === undefined ? exitError(this.manifest.id, reason) : this.#asPluginError(this.#fatal);
    this.#close(error);
    return error;
  }

  #close(error: PluginError): void {
    if (this.#over) return;
    this.#over = true;
    // First, so that whoever learns from a call that the guest is gone finds the kernel knowing it, too.
    this.onEnd?.(error);
    this.link.close(error);
    this.parts.lanes.ended(this, error);
    this.steps.clear();
  }

  #asPluginError(error: Error): PluginError {
    if (error instanceof PluginError && (error.code.startsWith('wire/') || error.code.startsWith('guest/'))) return error;
    return exitError(this.manifest.id, { kind: 'crashed', error });
  }

  #refused(error: PluginError): void {
    this.#refusals += 1;
    this.parts.metrics.refusedMessages += 1;
    const reason = String(error.details?.reason ?? messageOf(error));
    this.parts.announce('wire:refused', { plugin: this.manifest.id, reason, count: this.#refusals });
    if (this.#refusals >= this.parts.limits.refusals) this.endBecause(error);
  }

  async #register(registration: Registration): Promise<void> {
    const { handle } = checkRegistration(registration, this.manifest.id);
    if (this.#registrations.has(handle)) throw createError('wire/refused', 'a handle was registered twice', { plugin: this.manifest.id });
    if (this.#registrations.size >= MAX_REGISTRATIONS)
      throw createError('call/overloaded', `${this.manifest.id} has ${MAX_REGISTRATIONS} registrations already`, { plugin: this.manifest.id });
    if (this.scope.disposed) throw createError('scope/disposed', `${this.manifest.id} has stopped`, { plugin: this.manifest.id });
    const registered = this.#add(registration);
    const forget = this.scope.add(() => registered.dispose());
    this.#registrations.set(handle, () => {
      forget();
      registered.dispose();
    });
  }

  async #unregister(handle: number): Promise<void> {
    this.parts.lanes.unregistered(this, handle);
    this.#registrations.get(handle)?.();
    this.#registrations.delete(handle);
  }

  #add(registration: Registration): { dispose(): void } {
    const { handle, kind, name, timeout } = registration;
    const { commands, hooks, chains } = this.parts;
    const { id } = this.manifest;
    switch (kind) {
      case 'command':
        if (!name.startsWith(`${id}:`)) {
          throw createError('permission/denied', `${id} cannot register ${name}: a plugin's commands live under its own id`, {
            plugin: id,
            details: { permission: 'commands.handle', scope: name },
          });
        }
        return commands.register(name, id, guestProvider(this.link, handle), shortest(timeout, this.manifest.resources.timeout), { end: this, handle });
      case 'hook':
        this.permissions.demand('hooks.handle', name);
        return hooks.handle(name, id, guestProvider(this.link, handle));
      case 'event':
        this.permissions.demand('events.subscribe', name);
        return this.#subscribe(name, handle, registration);
      case 'middleware':
        this.permissions.demand('middleware.use', name);
        return chains.use(name, { name: id, run: (call, input, next) => this.runMiddleware(handle, call, input, next) });
    }
  }

  /** Delivers what a pattern covers; what the guest is too slow for follows the policy it has chosen. */
  #subscribe(pattern: string, handle: number, { overflow = 'drop-oldest', queue: limit = DEFAULT_QUEUE }: Registration): { dispose(): void } {
    const { bus, metrics, log, announce } = this.parts;
    const plugin = this.manifest.id;
    let dropped = 0;
    const queue = new NoteQueue(overflow, limit, () => {
      metrics.droppedDeliveries += 1;
      dropped += 1;
      // The first of a burst and then each doubling: a flood of drops must not become a flood of reports.
      if ((dropped & (dropped - 1)) === 0) announce('event:dropped', { plugin, pattern, overflow, dropped });
    });
    // Most events follow one of the same topic and source.
    let topic = '';
    let source = '';
    let meta: EventMeta = 0;
    return bus.on(pattern, (emission) => {
      const { event, shared } = emission;
      try {
        if (event.topic !== topic || event.source !== source) {
          ({ topic, source } = event);
          meta = this.#eventMeta(event);
        }
        const room = this.link.note(handle, shared, meta, queue);
        metrics.deliveries += 1;
        if (room !== undefined) emission.waitFor(room);
      } catch (error) {
        metrics.droppedDeliveries += 1;
        log.write('kernel', 'warn', `dropped ${event.topic} for ${plugin}: ${messageOf(error)}`);
        // Who was promised that nothing is dropped has to hear of it.
        if (overflow === 'block') emission.waitFor(Promise.reject(error));
      }
    });
  }

  #eventMeta({ topic, source }: EventEnvelope): EventMeta {
    const named = this.link.nameOf(topic);
    const by = this.link.nameOf(source);
    return named > 0 && by > 0 ? pairOf(named, by) : [topic, source];
  }

  /** The guest says that nothing caught an error: it is about to end. */
  crashed(error: Error): void {
    // Whatever a guest says of its own end is only a cause.
    this.endBecause(exitError(this.manifest.id, { kind: 'crashed', error }));
  }
}

const KINDS: ReadonlySet<string> = new Set(['command', 'hook', 'event', 'middleware']);

const OVERFLOWS: ReadonlySet<string> = new Set(['block', 'drop-oldest', 'drop-newest', 'latest']);
/** Longest queue of one listener. */
const MAX_QUEUE = 8_192;

function checkRegistration(value: Registration, plugin: string): Registration {
  const { handle, kind, name, timeout, overflow, queue } = (value ?? {}) as Partial<Registration>;
  const sound =
    Number.isSafeInteger(handle) &&
    (handle as number) > 0 &&
    KINDS.has(kind as string) &&
    typeof name === 'string' &&
    name.length <= 512 &&
    (timeout === undefined || (Number.isFinite(timeout) && timeout > 0)) &&
    (overflow === undefined || OVERFLOWS.has(overflow)) &&
    (queue === undefined || (Number.isSafeInteger(queue) && queue >= 1 && queue <= MAX_QUEUE));
  if (!sound) throw createError('wire/refused', `${plugin} sent a registration that is not well formed`, { plugin });
  return value;
}

function shortest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined) return b;
  return b === undefined ? a : Math.min(a, b);
}
