/**
 * The kernel's end of one guest: its link, rights and registrations. Each message is checked here,
 * in this order: shape, permission, use. This object identifies the caller, never a message.
 */
import {
  type Caller,
  FENCE,
  type LifecycleHook,
  type Manifest,
  type PluginError,
  Scope,
  type Statics,
} from '@plinth/sdk/contract';
import type { Link } from '@plinth/sdk/rpc';
import type { KernelCall } from '../calls/kernel-call.js';
import type { LaneEnd, Traffic } from '../calls/lane-end.js';
import type { Guest, ResourceUsage } from '../host.js';
import type { PermissionSet } from '../permissions/broker.js';
import type { TrustLevel } from '../permissions/trust-level.js';
import type { StorageNamespace } from '../storage/namespace.js';
import { type Bundle, ErrorView } from './error-view.js';
import { EventCauses } from './event-causes.js';
import type { Gate } from './gate.js';
import { GuestEnd } from './guest-end.js';
import type { GuestIdentity } from './guest-identity.js';
import { endForbidden, linkOf } from './guest-link.js';
import type { GuestMeter } from './guest-meter.js';
import { begin, type GuestMethod } from './guest-methods.js';
import { guestPermissions } from './guest-permissions.js';
import type { GuestServices } from './guest-services.js';
import { inProgress } from './in-progress.js';
import type { Mailbox } from './mailbox.js';
import { MiddlewareSteps, type Proceed } from './middleware-steps.js';
import type { AnsweringGuest, Receiver, Registrant } from './registrant.js';
import { GuestRegistrations } from './registrations.js';
import { within } from './waiting.js';

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
  /** The command whose handler has thrown what ended the guest, where that is known. */
  culprit: string | undefined = undefined;
  /** Commands and hooks that were in progress when the guest ended. */
  during: readonly string[] = [];
  /** How many requests the guest has made. */
  requests = 0;
  readonly #guest: Guest;
  readonly #hooks = new Set<LifecycleHook>();
  readonly #end: GuestEnd;
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
    this.#end = new GuestEnd({
      plugin: manifest.id,
      guest,
      view: this.view,
      reporting,
      refusals: bounds.limits.refusals,
      close: (error) => this.#close(error),
    });
    this.meter = bounds.resources.meter(manifest, level, this);
    const quota = () => Math.min(this.permissions.quota, this.meter.limits.storage);
    this.storage = bounds.storageOf(manifest, quota);
    this.link = linkOf(this, guest.endpoint, {
      onRequest: () => {
        this.requests += 1;
        this.meter.request();
        this.#gate?.request();
      },
      onIdle: () => {
        for (const tell of this.#onIdle.splice(0)) tell(true);
      },
    });
    this.#gate = bounds.gateFor(this);
    bounds.resources.started(this.meter);
    const unwatch = rights.grants.watch(manifest, this.caller, this.permissions, () => {
      this.registrations.review();
      services.exchange.lanes.review();
      endForbidden(this);
    });
    this.ended = guest.exited.then((reason) => {
      unwatch();
      return this.#end.exited(reason);
    });
  }

  /**
   * Loads the plugin's code into the guest.
   *
   * @param conversion milliseconds that the guest may take to convert it.
   * @param bundle the bundle that the code was made of. Absent for an object of the application.
   */
  async load(code: string, conversion: number, bundle?: Bundle): Promise<Statics> {
    this.view.bundle = bundle;
    const { timers } = this.meter.limits;
    const statics = (await this.ask('load', this.services.bounds.limits.load + conversion, {
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
    return this.begin(method, ...args)(timeout);
  }

  /** Calls a control method without waiting: see `begin` of `guest-methods.ts`. */
  begin(method: GuestMethod, ...args: unknown[]): (timeout: number) => Promise<unknown> {
    return begin(this, method, args);
  }

  /** Ends the guest and its pending calls at once. The platform's signal may come late or never. */
  endBecause(error: Error): void {
    this.#end.because(error);
  }

  /** Ends the guest in order. Failures from now on don't count against it. */
  terminate(): Promise<void> {
    return this.#end.terminate();
  }

  refused(error: PluginError): void {
    this.#end.refused(error);
  }

  crashed(error: Error, rejection: boolean, command: string | undefined): void {
    this.culprit = command;
    this.#end.crashed(error, rejection);
  }

  /** Whether work is in flight: for the guest, or by the guest for others. */
  get busy(): boolean {
    return (
      this.link.pending > 0 || this.link.serving > 0 || this.link.streams > 0 || this.link.untaken
    );
  }

  /** Whether the guest has ended. */
  get over(): boolean {
    return this.#end.over;
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
    for (let left = timeout; this.isBusy(streams) && !this.over; left = end - performance.now()) {
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
    return this.#end.refusals;
  }

  async usage(): Promise<ResourceUsage | undefined> {
    return this.#guest.usage?.();
  }

  /** Records where its thread spends its time. Undefined where the runtime can't. */
  profile(milliseconds: number): Promise<unknown> | undefined {
    return this.#guest.profile?.(milliseconds);
  }

  /** Runs a middleware of the guest as one layer of a chain. */
  runMiddleware(handle: number, call: KernelCall, input: unknown, next: Proceed): Promise<unknown> {
    return this.steps.run(this.link, handle, call, input, next);
  }

  #close(error: PluginError): void {
    this.during = inProgress(this.link);
    // First: a caller that learns that the guest is gone must find that the kernel knows it.
    this.onEnd?.(error);
    this.services.bounds.resources.ended(this.meter);
    this.link.close(error);
    this.registrations.ended(error);
    this.services.exchange.lanes.ended(this, error);
    this.#gate?.ended(error);
    this.steps.clear();
  }
}
