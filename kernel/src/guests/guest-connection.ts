/**
 * The kernel's end of one guest: its link, rights and registrations. Each message is checked here,
 * in this order: shape, permission, use. This object identifies the caller, never a message.
 */
import {
  type Caller,
  createError,
  FENCE,
  type LifecycleHook,
  type Manifest,
  messageOf,
  ownerOf,
  PluginError,
  type Registration,
  Scope,
  type Statics,
} from '@plinth/sdk/contract';
import { Link } from '@plinth/sdk/rpc';
import type { KernelCall } from '../calls/call.js';
import type { LaneEnd, Traffic } from '../calls/lane-end.js';
import type { ExitReason, Guest, ResourceUsage } from '../host.js';
import type { PermissionSet } from '../permissions/broker.js';
import type { TrustLevel } from '../permissions/trust-level.js';
import type { StorageNamespace } from '../storage/namespace.js';
import { type Bundle, ErrorView } from './error-view.js';
import { EventCauses } from './event-causes.js';
import { exitError } from './exit-error.js';
import type { Gate } from './gate.js';
import type { GuestIdentity } from './guest-identity.js';
import type { GuestMeter } from './guest-meter.js';
import { guestPermissions } from './guest-permissions.js';
import { answerGuest, rightOf, takeNote } from './guest-requests.js';
import type { GuestServices } from './guest-services.js';
import type { Mailbox } from './mailbox.js';
import { MiddlewareSteps, type Proceed } from './middleware-steps.js';
import type { AnsweringGuest, Receiver, Registrant } from './registrant.js';
import { GuestRegistrations } from './registrations.js';
import { watchUnread } from './unread-streams.js';
import { answerOf, within } from './waiting.js';

/** Methods of the guest that the kernel calls over the control plane. */
type GuestMethod =
  | 'load'
  | 'configure'
  | 'needs'
  | 'restoreState'
  | 'activate'
  | 'suspend'
  | 'resume'
  | 'healthCheck'
  | 'getState'
  | 'deactivate';

/** A running guest and its link. */
export class GuestConnection implements GuestIdentity, Registrant, AnsweringGuest {
  readonly manifest: Manifest;
  readonly caller: Caller;
  readonly permissions: PermissionSet;
  readonly storage: StorageNamespace;
  readonly link: Link;
  /** What waits for its plugin. */
  readonly mailbox: Mailbox<Receiver>;
  /** What the guest has added to the kernel. */
  readonly registrations: GuestRegistrations;
  /** Ends with the plugin. Its registrations depend on it. */
  readonly scope = new Scope();
  readonly services: GuestServices;
  /** Middleware steps that wait for the guest's `next`, by number. */
  readonly steps: MiddlewareSteps;
  readonly causes = new EventCauses();
  /** The resources that it uses and may use. */
  readonly meter: GuestMeter;
  /** How its errors are shown. */
  readonly view: ErrorView;
  readonly traffic = new WeakMap<LaneEnd, Traffic>();
  /** Settles with the error for callers when the guest has ended. */
  readonly ended: Promise<PluginError>;
  /** Called once, at once, when the guest has ended for any cause. */
  onEnd: ((error: PluginError) => void) | undefined = undefined;
  /** Contracts that its manifest declares and of which it has answered nothing yet. */
  readonly unanswered: Set<string>;
  /** How many requests the guest has made. */
  requests = 0;
  readonly #guest: Guest;
  readonly #hooks = new Set<LifecycleHook>();
  #fatal: Error | undefined;
  /** Settles when the error that ended the guest can be shown. */
  #showing: Promise<void> | undefined;
  #over = false;
  #refusals = 0;
  #onIdle: ((ok: boolean) => void)[] = [];
  /** What extensions have put in front of its requests. */
  readonly #gate: Required<Gate> | undefined;

  constructor(
    manifest: Manifest,
    guest: Guest,
    mailbox: Mailbox<Receiver>,
    services: GuestServices,
    level?: TrustLevel,
  ) {
    const { bounds, reporting, rights } = services;
    this.manifest = manifest;
    this.mailbox = mailbox;
    this.services = services;
    this.registrations = new GuestRegistrations(this, true);
    this.view = new ErrorView(manifest, (task) => bounds.defer(task));
    this.unanswered = new Set(manifest.provides);
    this.caller = Object.freeze({ kind: 'plugin', id: manifest.id, version: manifest.version });
    this.permissions = guestPermissions(manifest, { ...reporting, ...rights }, level);
    this.steps = new MiddlewareSteps(manifest.id);
    this.#guest = guest;
    this.meter = bounds.resources.meter(manifest, level, this);
    const quota = Math.min(this.permissions.quota, this.meter.limits.storage);
    this.storage = bounds.storageOf(manifest, quota);
    this.link = this.#connect();
    this.#gate = bounds.gateFor(this);
    bounds.resources.started(this.meter);
    const unwatch = rights.grants.watch(manifest, this.caller, this.permissions, () => {
      this.registrations.review();
      services.exchange.lanes.review();
      this.#endForbidden();
    });
    this.ended = guest.exited.then(async (reason) => {
      unwatch();
      await this.#showing;
      await this.view.show(reason.error);
      return this.#end(reason);
    });
  }

  #connect(): Link {
    const { calls, bounds, reporting } = this.services;
    const { id } = this.manifest;
    return new Link({
      endpoint: this.#guest.endpoint,
      plugin: id,
      stacks: false,
      bounds: calls.bounds,
      turn: calls.turn,
      watchUnread: watchUnread(calls.deadlines, bounds.limits.unread),
      ...(Number.isFinite(this.meter.limits.messageSize) && {
        admit: (value: unknown) => this.meter.checkSize(value),
      }),
      serve: (target, input, meta, inbound) => {
        this.requests += 1;
        this.meter.request();
        this.#gate?.request();
        return answerGuest(this, target, input, meta, inbound);
      },
      note: (target, payload, meta) => {
        this.meter.note();
        takeNote(this, target, payload, meta);
      },
      count: () => this.meter.note(),
      control: {
        register: async (registration: Registration) => this.#register(registration),
        unregister: async (handle: number) => this.registrations.remove(handle),
      },
      view: (error) => this.view.show(error),
      onIdle: () => {
        for (const tell of this.#onIdle.splice(0)) tell(true);
      },
      onBreach: (error) => this.endBecause(error),
      onRefused: (error) => this.refused(error),
      onUnsent: (error) => {
        reporting.metrics.droppedDeliveries += 1;
        reporting.log.write('kernel', 'warn', `dropped an event for ${id}: ${error.message}`);
      },
      defer: (task) => bounds.defer(task),
    });
  }

  #register(registration: Registration): void {
    this.registrations.add(registration);
    const { kind, name } = registration;
    if (kind !== 'command' && kind !== 'hook') return;
    for (const contract of this.unanswered)
      if (contract.startsWith(`${ownerOf(name)}@`)) this.unanswered.delete(contract);
  }

  /**
   * Loads the plugin's code into the guest.
   *
   * @param bundle the bundle that the code was made of. Absent for an object of the application.
   */
  async load(code: string, bundle?: Bundle): Promise<Statics> {
    this.view.bundle = bundle;
    const { timers } = this.meter.limits;
    const statics = (await this.ask('load', this.services.bounds.limits.load, {
      // As JSON: an object may hold a schema twice, and a value that crosses may not.
      manifest: JSON.parse(JSON.stringify(this.manifest)),
      tenant: this.services.calls.tenant,
      requests: this.services.calls.prefix,
      code,
      wasm: this.permissions.check('wasm', ''),
      values: [this.link.bounds.bytes, this.link.bounds.depth],
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
   * @throws PluginTimeoutError `plugin/timeout`, the plugin's error, or what the guest ended with.
   */
  ask(method: GuestMethod, timeout: number, ...args: unknown[]): Promise<unknown> {
    const { calls, bounds } = this.services;
    return answerOf(this.link.call(method, ...args), {
      plugin: this.manifest.id,
      method,
      timeout,
      deadlines: calls.deadlines,
      // A guest at a breakpoint may take any time. It can still be stopped.
      mayWait: () => method !== 'deactivate' && bounds.debugged(),
      show: (error) => this.view.show(error),
    });
  }

  /** Ends the guest and its pending calls at once. The platform's signal may come late or never. */
  endBecause(error: Error): void {
    this.#fatal ??= error;
    // An unresponsive guest is unresponsive for every tenant that shares it.
    void this.#guest.terminate((error as Partial<PluginError>).code === 'guest/unresponsive');
    this.#close(this.#asPluginError(this.#fatal));
  }

  /** Ends the guest in order. Failures from now on don't count against it. */
  async terminate(): Promise<void> {
    this.#close(
      createError('plugin/unavailable', `${this.manifest.id} was stopped`, {
        plugin: this.manifest.id,
        details: { reason: 'terminated' },
        retryable: true,
      }),
    );
    await this.#guest.terminate();
  }

  /** Whether work is in flight: for the guest, or by the guest for others. */
  get busy(): boolean {
    return (
      this.link.pending > 0 || this.link.serving > 0 || this.link.streams > 0 || this.link.untaken
    );
  }

  /** Whether the guest has ended. */
  get over(): boolean {
    return this.#over;
  }

  /** This connection, as an `AnsweringGuest`. */
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

  /** Whether calls are in flight, or streams open where those count. */
  isBusy(streams = false): boolean {
    return this.link.pending > 0 || (streams && this.link.streams > 0);
  }

  /**
   * Resolves true when no call waits for the guest, or false after so many milliseconds.
   *
   * @param streams whether streams must have ended, too.
   */
  async drained(timeout: number, streams = false): Promise<boolean> {
    const { deadlines } = this.services.calls;
    const end = performance.now() + timeout;
    for (let left = timeout; this.isBusy(streams) && !this.#over; left = end - performance.now()) {
      if (left <= 0 || !(await within(deadlines, left, (done) => void this.#onIdle.push(done))))
        return false;
    }
    return true;
  }

  /** Resolves true when the guest's event loop answers within so many milliseconds. */
  alive(timeout: number): Promise<boolean> {
    return within(this.services.calls.deadlines, timeout, (done) =>
      this.link.request(FENCE, undefined, 0, { sequence: 0, settle: done }),
    );
  }

  /** How many messages of this guest were refused. */
  get refusals(): number {
    return this.#refusals;
  }

  async usage(): Promise<ResourceUsage | undefined> {
    return this.#guest.usage?.();
  }

  /** Runs a middleware of the guest as one layer of a chain. */
  runMiddleware(handle: number, call: KernelCall, input: unknown, next: Proceed): Promise<unknown> {
    return this.steps.run(this.link, handle, call, input, next);
  }

  #end(reason: ExitReason): PluginError {
    const error =
      this.#fatal === undefined
        ? exitError(this.manifest.id, reason)
        : this.#asPluginError(this.#fatal);
    this.#close(error);
    return error;
  }

  #close(error: PluginError): void {
    if (this.#over) return;
    this.#over = true;
    // First: a caller that learns that the guest is gone must find that the kernel knows it.
    this.onEnd?.(error);
    this.services.bounds.resources.ended(this.meter);
    this.link.close(error);
    this.registrations.ended(error);
    this.services.exchange.lanes.ended(this, error);
    this.#gate?.ended(error);
    this.steps.clear();
  }

  #asPluginError(error: Error): PluginError {
    if (
      error instanceof PluginError &&
      (error.code.startsWith('wire/') || error.code.startsWith('guest/'))
    )
      return error;
    return exitError(this.manifest.id, { kind: 'crashed', error });
  }

  /** Stops requests that wait, and streams that flow, under a right that was revoked. */
  #endForbidden(): void {
    const { id: plugin } = this.manifest;
    this.link.endServed((about) => {
      const [permission, scope] = rightOf(about);
      if (this.permissions.check(permission, scope)) return undefined;
      const { reason, line, because } = this.services.rights.grants.why(
        this.manifest,
        permission,
        scope,
      );
      return createError(
        'permission/denied',
        `${plugin} may not use ${permission} for '${scope}' any more: ${because}`,
        {
          plugin,
          details: { permission, scope, reason, add: line },
        },
      );
    });
  }

  /** A message of the guest was refused. After a number of them the guest is ended. */
  refused(error: PluginError): void {
    this.#refusals += 1;
    this.services.reporting.metrics.refusedMessages += 1;
    const reason = String(error.details?.reason ?? messageOf(error));
    this.services.reporting.announce('wire:refused', {
      plugin: this.manifest.id,
      reason,
      count: this.#refusals,
    });
    if (this.#refusals >= this.services.bounds.limits.refusals) this.endBecause(error);
  }

  /**
   * The guest reports an uncaught error: it is about to end.
   *
   * @param rejection whether a promise was rejected with it.
   */
  crashed(error: Error, rejection: boolean): void {
    // What a guest says about its own end is only used as a cause.
    const end = () =>
      this.endBecause(exitError(this.manifest.id, { kind: 'crashed', error }, rejection));
    const shown = this.view.show(error);
    if (shown === undefined) end();
    else this.#showing ??= shown.then(end);
  }
}
