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
import { Link, type Reply, type Timed } from '@plinth/sdk/rpc';
import { isLate, type KernelCall } from '../commands/call.js';
import type { Gate } from '../extension/views.js';
import type { ExitReason, Guest, ResourceUsage } from '../host.js';
import type { KernelParts } from '../parts.js';
import type { PermissionSet } from '../permissions/broker.js';
import type { TrustLevel } from '../permissions/trust-level.js';
import type { Mailbox } from '../plugin/mailbox.js';
import { StorageNamespace } from '../storage/namespace.js';
import type { Meter } from '../supervision/meter.js';
import { KEEP_INPUT } from './call-requests.js';
import { type Bundle, ErrorView } from './error-view.js';
import { EventCauses } from './event-causes.js';
import { exitError } from './exit-error.js';
import type { GuestIdentity } from './guest-identity.js';
import { guestPermissions } from './guest-permissions.js';
import { answerGuest, rightOf, takeNote } from './guest-requests.js';
import type { LaneEnd, Traffic } from './lane-end.js';
import type { AnsweringGuest, Registrant } from './registrant.js';
import { GuestRegistrations } from './registrations.js';
import { watchUnread } from './unread-streams.js';

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
export class GuestConnection
  implements GuestIdentity, Registrant<GuestRegistrations>, AnsweringGuest
{
  readonly manifest: Manifest;
  readonly caller: Caller;
  readonly permissions: PermissionSet;
  readonly storage: StorageNamespace;
  readonly link: Link;
  /** What waits for its plugin. */
  readonly mailbox: Mailbox<GuestRegistrations>;
  /** What the guest has added to the kernel. */
  readonly registrations: GuestRegistrations;
  /** Ends with the plugin. Its registrations depend on it. */
  readonly scope = new Scope();
  readonly parts: KernelParts;
  /** Middleware steps that wait for the guest's `next`, by number. */
  readonly steps = new Map<number, (input: unknown) => Promise<unknown>>();
  readonly causes = new EventCauses();
  /** The resources that it uses and may use. */
  readonly meter: Meter;
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
  #lastStep = 0;
  #onIdle: ((ok: boolean) => void)[] = [];
  /** What extensions have put in front of its requests. */
  readonly #gate: Required<Gate> | undefined;

  constructor(
    manifest: Manifest,
    guest: Guest,
    mailbox: Mailbox<GuestRegistrations>,
    parts: KernelParts,
    level?: TrustLevel,
  ) {
    this.manifest = manifest;
    this.mailbox = mailbox;
    this.parts = parts;
    this.registrations = new GuestRegistrations(this, true);
    this.view = new ErrorView(manifest, (task) => parts.defer(task));
    this.unanswered = new Set(manifest.provides);
    this.caller = Object.freeze({ kind: 'plugin', id: manifest.id, version: manifest.version });
    this.permissions = guestPermissions(manifest, parts, level);
    this.#guest = guest;
    this.meter = parts.resources.meter(manifest, level, this);
    const quota = Math.min(this.permissions.quota, this.meter.limits.storage);
    this.storage = new StorageNamespace(
      parts.storage,
      parts.tenant,
      manifest.id,
      { quota, keys: parts.limits.keys },
      parts.storageBudget,
    );
    this.link = new Link({
      endpoint: guest.endpoint,
      plugin: manifest.id,
      stacks: false,
      bounds: parts.calls.bounds,
      turn: parts.turn,
      watchUnread: watchUnread(parts.deadlines, parts.limits.unread),
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
        register: async (registration: Registration) => {
          this.registrations.add(registration);
          const { kind, name } = registration;
          if (kind !== 'command' && kind !== 'hook') return;
          for (const contract of this.unanswered)
            if (contract.startsWith(`${ownerOf(name)}@`)) this.unanswered.delete(contract);
        },
        unregister: async (handle: number) => this.registrations.remove(handle),
      },
      view: (error) => this.view.show(error),
      onIdle: () => {
        for (const tell of this.#onIdle.splice(0)) tell(true);
      },
      onBreach: (error) => this.endBecause(error),
      onRefused: (error) => this.refused(error),
      onUnsent: (error) => {
        parts.metrics.droppedDeliveries += 1;
        parts.log.write('kernel', 'warn', `dropped an event for ${manifest.id}: ${error.message}`);
      },
      defer: (task) => parts.defer(task),
    });
    this.#gate = parts.extending.gateFor(this);
    parts.resources.started(this.meter);
    const unwatch = parts.grants.watch(manifest, this.caller, this.permissions, () => {
      this.registrations.review();
      parts.lanes.review();
      this.#endForbidden();
    });
    this.ended = guest.exited.then(async (reason) => {
      unwatch();
      await this.#showing;
      await this.view.show(reason.error);
      return this.#end(reason);
    });
  }

  /**
   * Loads the plugin's code into the guest.
   *
   * @param bundle the bundle that the code was made of. Absent for an object of the application.
   */
  async load(code: string, bundle?: Bundle): Promise<Statics> {
    this.view.bundle = bundle;
    const { timers } = this.meter.limits;
    const statics = (await this.ask('load', this.parts.limits.load, {
      // As JSON: an object may hold a schema twice, and a value that crosses may not.
      manifest: JSON.parse(JSON.stringify(this.manifest)),
      tenant: this.parts.tenant,
      requests: this.parts.calls.prefix,
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
    const { deadlines } = this.parts;
    return new Promise((resolve, reject) => {
      const timed: Timed = {
        bucket: undefined,
        slot: 0,
        expire: () => {
          // A guest at a breakpoint may take any time. It can still be stopped.
          if (method !== 'deactivate' && this.parts.debugged()) deadlines.add(timed, timeout);
          else
            reject(
              createError(
                'plugin/timeout',
                `${this.manifest.id} did not finish '${method}' within ${timeout} ms`,
                { plugin: this.manifest.id, details: { method, timeout } },
              ),
            );
        },
      };
      deadlines.add(timed, timeout);
      this.link.call(method, ...args).then(
        (value) => {
          deadlines.remove(timed);
          resolve(value);
        },
        (error) => {
          deadlines.remove(timed);
          const shown = this.view.show(error);
          if (shown === undefined) reject(error);
          else void shown.then(() => reject(error));
        },
      );
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
    const end = performance.now() + timeout;
    for (let left = timeout; this.isBusy(streams) && !this.#over; left = end - performance.now()) {
      if (left <= 0 || !(await this.#within(left, (done) => void this.#onIdle.push(done))))
        return false;
    }
    return true;
  }

  /** Resolves true when the guest's event loop answers within so many milliseconds. */
  alive(timeout: number): Promise<boolean> {
    return this.#within(timeout, (done) =>
      this.link.request(FENCE, undefined, 0, { sequence: 0, settle: done }),
    );
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

  /** How many messages of this guest were refused. */
  get refusals(): number {
    return this.#refusals;
  }

  async usage(): Promise<ResourceUsage | undefined> {
    return this.#guest.usage?.();
  }

  /** Runs a middleware of the guest as one layer of a chain. */
  runMiddleware(
    handle: number,
    call: KernelCall,
    input: unknown,
    next: (input: unknown) => Promise<unknown>,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (call.over) {
        reject(
          createError('call/cancelled', `the call of ${call.id} is over`, {
            plugin: this.manifest.id,
          }),
        );
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
        this.link.request(
          handle,
          input,
          [...(call.metaFor(this.link, call.id) as readonly unknown[]), step],
          reply,
        );
      } catch (error) {
        this.steps.delete(step);
        reject(error);
        return;
      }
      call.onCancel((reason) => {
        this.steps.delete(step);
        this.link.cancel(reply.sequence, isLate(reason));
        reject(reason);
      });
    });
  }

  /** An error that was only passed on keeps its plugin. Others name the middleware that threw. */
  #middlewareError(call: KernelCall, thrown: unknown, passed: unknown): unknown {
    if (
      passed instanceof Error &&
      thrown instanceof Error &&
      thrown.message === passed.message &&
      thrown.name === passed.name
    )
      return passed;
    if (thrown instanceof Error) {
      const { details } = thrown as { readonly details?: Readonly<Record<string, unknown>> };
      Object.defineProperty(thrown, 'details', {
        value: { ...details, middleware: this.manifest.id, around: call.id },
        configurable: true,
        writable: true,
      });
    }
    return thrown;
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
    this.parts.resources.ended(this.meter);
    this.link.close(error);
    this.registrations.ended(error);
    this.parts.lanes.ended(this, error);
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
      const { reason, line, because } = this.parts.grants.why(this.manifest, permission, scope);
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
    this.parts.metrics.refusedMessages += 1;
    const reason = String(error.details?.reason ?? messageOf(error));
    this.parts.announce('wire:refused', {
      plugin: this.manifest.id,
      reason,
      count: this.#refusals,
    });
    if (this.#refusals >= this.parts.limits.refusals) this.endBecause(error);
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
