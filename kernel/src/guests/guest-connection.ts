/**
 * The kernel's end of one guest: its link, its rights, and everything it has registered. Each message of the guest is
 * checked here, in this order: shape, permission, use. Who is calling is known from this object, never from a message.
 */
import {
  type Caller,
  createError,
  FENCE,
  type LifecycleHook,
  type Manifest,
  messageOf,
  ownerOf,
  type PermissionName,
  PluginError,
  type Registration,
  Scope,
  type Statics,
} from '@plinth/sdk/contract';
import { Link, type Reply, type Timed } from '@plinth/sdk/rpc';
import type { KernelCall } from '../commands/call.js';
import type { ExitReason, Guest, ResourceUsage } from '../host.js';
import type { KernelParts } from '../parts.js';
import { PermissionSet } from '../permissions/broker.js';
import type { TrustLevel } from '../permissions/trust-level.js';
import { StorageNamespace } from '../storage/namespace.js';
import type { Meter } from '../supervision/resource-watch.js';
import { EventCauses } from './event-causes.js';
import { exitError } from './exit-error.js';
import type { LaneEnd, Traffic } from './lane-end.js';
import { type AnsweringGuest, GuestRegistrations, type Registrant } from './registrations.js';
import { answerGuest, type GuestIdentity, KEEP_INPUT, rightOf, takeNote } from './guest-requests.js';

/** Methods of the guest that the kernel calls over the control plane. */
type GuestMethod = 'load' | 'configure' | 'needs' | 'restoreState' | 'activate' | 'suspend' | 'resume' | 'healthCheck' | 'getState' | 'deactivate';

/** A running guest and its link. */
export class GuestConnection implements GuestIdentity, Registrant, AnsweringGuest {
  readonly manifest: Manifest;
  readonly caller: Caller;
  readonly permissions: PermissionSet;
  readonly storage: StorageNamespace;
  readonly link: Link;
  /** What the guest has added to the kernel. */
  readonly registrations: GuestRegistrations;
  /** Ended with the plugin: its registrations hang on it. */
  readonly scope = new Scope();
  readonly parts: KernelParts;
  /** Middleware steps that wait for the guest's `next`, by number. */
  readonly steps = new Map<number, (input: unknown) => Promise<unknown>>();
  readonly causes = new EventCauses();
  /** What it uses, and may use. */
  readonly meter: Meter;
  readonly traffic = new WeakMap<LaneEnd, Traffic>();
  /** Settles when the guest has ended, with what callers are told. */
  readonly ended: Promise<PluginError>;
  /** Told once, at once, when the guest has ended by whatever cause. */
  onEnd: ((error: PluginError) => void) | undefined = undefined;
  /** Contracts that its manifest promises and of which it has answered nothing yet. */
  readonly unanswered: Set<string>;
  /** How often the guest has asked for something. */
  requests = 0;
  readonly #guest: Guest;
  readonly #hooks = new Set<LifecycleHook>();
  #fatal: Error | undefined;
  #over = false;
  #refusals = 0;
  #lastStep = 0;
  #onIdle: ((ok: boolean) => void)[] = [];

  /** @param level how far the plugin is trusted, where that is decided. */
  constructor(manifest: Manifest, guest: Guest, parts: KernelParts, level?: TrustLevel) {
    this.manifest = manifest;
    this.parts = parts;
    this.registrations = new GuestRegistrations(this, true);
    this.unanswered = new Set(manifest.provides);
    this.caller = Object.freeze({ kind: 'plugin', id: manifest.id, version: manifest.version });
    // What strangers do with their rights is written down, too.
    const onUsed = (permission: PermissionName, scope: string) => parts.announce('permission:used', { plugin: manifest.id, permission, scope });
    this.permissions = new PermissionSet(
      manifest.id,
      parts.grants.of(manifest),
      parts.metrics,
      parts.onDenied,
      parts.grants.denied(manifest.id),
      level === 'untrusted' ? onUsed : undefined,
      parts.grants.bounds(manifest),
    );
    this.#guest = guest;
    this.meter = parts.resources.meter(manifest, level, this);
    this.storage = new StorageNamespace(parts.storage, parts.tenant, manifest.id, Math.min(this.permissions.quota, this.meter.limits.storage), parts.storageBudget);
    this.link = new Link({
      endpoint: guest.endpoint,
      plugin: manifest.id,
      stacks: false,
      turn: parts.turn,
      ...(Number.isFinite(this.meter.limits.messageSize) && { admit: (value: unknown) => this.meter.checkSize(value) }),
      serve: (target, input, meta, inbound) => {
        this.requests += 1;
        this.meter.request();
        return answerGuest(this, target, input, meta, inbound);
      },
      note: (target, payload, meta) => {
        this.meter.note();
        takeNote(this, target, payload, meta);
      },
      count: () => this.meter.note(),
      control: {
        register: async (registration: Registration) => {
          this.registrations.add(registration);
          const { kind, name } = registration;
          if (kind !== 'command' && kind !== 'hook') return;
          for (const contract of this.unanswered) if (contract.startsWith(`${ownerOf(name)}@`)) this.unanswered.delete(contract);
        },
        unregister: async (handle: number) => this.registrations.remove(handle),
      },
      onIdle: () => {
        for (const tell of this.#onIdle.splice(0)) tell(true);
      },
      onBreach: (error) => this.endBecause(error),
      onRefused: (error) => this.#refused(error),
      onUnsent: (error) => {
        parts.metrics.droppedDeliveries += 1;
        parts.log.write('kernel', 'warn', `dropped an event for ${manifest.id}: ${error.message}`);
      },
      defer: (task) => parts.defer(task),
    });
    parts.resources.started(this.meter);
    const unwatch = parts.grants.watch(manifest, this.caller, this.permissions, () => {
      this.registrations.review();
      parts.lanes.review();
      this.#endForbidden();
    });
    this.ended = guest.exited.then((reason) => {
      unwatch();
      return this.#end(reason);
    });
  }

  /** Loads the plugin's code into the guest. */
  async load(code: string): Promise<Statics> {
    const { timers } = this.meter.limits;
    const statics = (await this.ask('load', this.parts.limits.load, {
      manifest: this.manifest,
      tenant: this.parts.tenant,
      requests: this.parts.calls.prefix,
      code,
      ...(Number.isFinite(timers) && { timers }),
    })) as Statics;
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
    // One that is silent is so for all who share it.
    void this.#guest.terminate((error as Partial<PluginError>).code === 'guest/unresponsive');
    this.#close(this.#asPluginError(this.#fatal));
  }

  /** Ends the guest in order: nothing that happens now is its fault. */
  async terminate(): Promise<void> {
    this.#close(createError('guest/terminated', `${this.manifest.id} was stopped`, { plugin: this.manifest.id, details: { reason: 'terminated' } }));
    await this.#guest.terminate();
  }

  /** Whether anybody works: the guest for others, or others for the guest. */
  get busy(): boolean {
    return this.link.pending > 0 || this.link.serving > 0 || this.link.streams > 0 || this.link.untaken;
  }

  /** Whether the guest has ended. */
  get over(): boolean {
    return this.#over;
  }

  /** As those see it whom it answers. */
  get guest(): this {
    return this;
  }

  /** Whether it has a thread of its own. */
  get isolated(): boolean {
    return this.#guest.endpoint.direct === undefined;
  }

  get concurrency(): number | undefined {
    return this.manifest.resources.concurrency;
  }

  get callTime(): number | undefined {
    const { callTime } = this.meter.limits;
    return Number.isFinite(callTime) ? callTime : undefined;
  }

  get ports(): boolean {
    return this.#guest.ports === true && !this.meter.counts;
  }

  /**
   * Resolves true when no call of the kernel waits for the guest, or false after so many milliseconds.
   *
   * @param streams whether streams have to end, too.
   */
  async drained(timeout: number, streams = false): Promise<boolean> {
    const busy = () => this.link.pending > 0 || (streams && this.link.streams > 0);
    const end = performance.now() + timeout;
    for (let left = timeout; busy() && !this.#over; left = end - performance.now()) {
      if (left <= 0 || !(await this.#within(left, (done) => void this.#onIdle.push(done)))) return false;
    }
    return true;
  }

  /** Resolves true when the guest's event loop answers within so many milliseconds. */
  alive(timeout: number): Promise<boolean> {
    return this.#within(timeout, (done) => this.link.request(FENCE, undefined, 0, { sequence: 0, settle: done }));
  }

  #within(timeout: number, start: (done: (ok: boolean) => void) => void): Promise<boolean> {
    const { deadlines } = this.parts;
    return new Promise((resolve) => {
      const timed: Timed = { bucket: undefined, slot: 0, expire: () => resolve(false) };
      deadlines.add(timed, timeout);
      start((ok) => {
        deadlines.remove(timed);
        resolve(ok);
      });
    });
  }

  /** How often a message of this guest was refused. */
  get refusals(): number {
    return this.#refusals;
  }

  async usage(): Promise<ResourceUsage | undefined> {
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
      let passed: unknown;
      const reply: Reply & { readonly call: KernelCall } = {
        sequence: 0,
        call,
        settle: (ok, value) => {
          this.steps.delete(step);
          if (ok) resolve(value);
          else reject(this.#middlewareError(call, value, passed));
        },
      };
      this.steps.set(step, async (changed) => {
        try {
          return await next(changed === KEEP_INPUT ? input : changed);
        } catch (error) {
          passed = error;
          throw error;
        }
      });
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

  /** What went wrong further in and was only passed on stays whose it is; anything else says which middleware threw it. */
  #middlewareError(call: KernelCall, thrown: unknown, passed: unknown): unknown {
    if (passed instanceof Error && thrown instanceof Error && thrown.message === passed.message && thrown.name === passed.name) return passed;
    if (thrown instanceof Error) {
      const { details } = thrown as { readonly details?: Readonly<Record<string, unknown>> };
      Object.defineProperty(thrown, 'details', { value: { ...details, middleware: this.manifest.id, around: call.id }, configurable: true, writable: true });
    }
    return thrown;
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
    this.parts.resources.ended(this.meter);
    this.link.close(error);
    this.registrations.fail(error);
    this.parts.lanes.ended(this, error);
    this.steps.clear();
  }

  #asPluginError(error: Error): PluginError {
    if (error instanceof PluginError && (error.code.startsWith('wire/') || error.code.startsWith('guest/'))) return error;
    return exitError(this.manifest.id, { kind: 'crashed', error });
  }

  /** Requests that wait, and streams that flow, under a right that is gone. */
  #endForbidden(): void {
    const { id: plugin } = this.manifest;
    this.link.endServed((about) => {
      const [permission, scope] = rightOf(about);
      if (this.permissions.check(permission, scope)) return undefined;
      return createError('permission/denied', `${plugin} may not use ${permission} for '${scope}' any more`, { plugin, details: { permission, scope } });
    });
  }

  #refused(error: PluginError): void {
    this.#refusals += 1;
    this.parts.metrics.refusedMessages += 1;
    const reason = String(error.details?.reason ?? messageOf(error));
    this.parts.announce('wire:refused', { plugin: this.manifest.id, reason, count: this.#refusals });
    if (this.#refusals >= this.parts.limits.refusals) this.endBecause(error);
  }

  /** The guest says that nothing caught an error: it is about to end. */
  crashed(error: Error): void {
    // Whatever a guest says of its own end is only a cause.
    this.endBecause(exitError(this.manifest.id, { kind: 'crashed', error }));
  }
}
