/**
 * The kernel's end of one guest: its link, its rights, and everything it has registered. Each message of the guest is
 * checked here, in this order: shape, permission, use. Who is calling is known from this object, never from a message.
 */
import { type Caller, createError, type LifecycleHook, type Manifest, messageOf, PluginError, type Registration, Scope, type Statics } from '@plinth/sdk/contract';
import { Link, type Reply, type Timed } from '@plinth/sdk/rpc';
import type { KernelCall } from '../commands/call.js';
import { guestProvider } from '../commands/provider.js';
import type { ExitReason, Guest } from '../host.js';
import type { KernelParts } from '../parts.js';
import { grantsOf, PermissionSet } from '../permissions/broker.js';
import { StorageNamespace } from '../storage/namespace.js';
import { exitError } from './exit-error.js';
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
  /** Middleware steps that wait for the guest's `next`, by the sequence of the step. */
  readonly steps = new Map<number, (input: unknown) => Promise<unknown>>();
  /** Settles when the guest has ended, with what callers are told. */
  readonly ended: Promise<PluginError>;
  readonly #guest: Guest;
  readonly #registrations = new Map<number, () => void>();
  readonly #hooks = new Set<LifecycleHook>();
  #fatal: Error | undefined;
  #over = false;
  #refusals = 0;

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
      serve: (target, input, meta, inbound) => answerGuest(this, target, input, meta, inbound),
      note: (target, payload, meta) => takeNote(this, target, payload, meta),
      control: {
        register: (registration: Registration) => this.#register(registration),
        unregister: (handle: number) => this.#unregister(handle),
      },
      onBreach: (error) => this.endBecause(error),
      onRefused: (error) => this.#refused(error),
      defer: (task) => parts.defer(task),
    });
    this.ended = guest.exited.then((reason) => this.#end(reason));
  }

  /** Loads the plugin's code into the guest. */
  async load(code: string): Promise<Statics> {
    const statics = (await this.ask('load', this.parts.limits.load, { manifest: this.manifest, tenant: this.parts.tenant, code })) as Statics;
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
        previous: undefined,
        next: undefined,
        bucket: undefined,
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
      let sequence = 0;
      const reply: Reply = {
        settle: (ok, value) => {
          this.steps.delete(sequence);
          if (ok) resolve(value);
          else reject(value);
        },
      };
      try {
        sequence = this.link.request(handle, input, call.metaFor(call.id), reply);
      } catch (error) {
        reject(error);
        return;
      }
      this.steps.set(sequence, (changed) => next(changed === KEEP_INPUT ? input : changed));
      call.onCancel((reason) => {
        this.steps.delete(sequence);
        this.link.cancel(sequence);
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
    this.link.close(error);
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
    const { handle, kind, name } = checkRegistration(registration, this.manifest.id);
    if (this.#registrations.has(handle)) throw createError('wire/refused', 'a handle was registered twice', { plugin: this.manifest.id });
    if (this.#registrations.size >= MAX_REGISTRATIONS)
      throw createError('call/overloaded', `${this.manifest.id} has ${MAX_REGISTRATIONS} registrations already`, { plugin: this.manifest.id });
    if (this.scope.disposed) throw createError('scope/disposed', `${this.manifest.id} has stopped`, { plugin: this.manifest.id });
    const registered = this.#add(kind, name, handle, registration.timeout);
    const forget = this.scope.add(() => registered.dispose());
    this.#registrations.set(handle, () => {
      forget();
      registered.dispose();
    });
  }

  async #unregister(handle: number): Promise<void> {
    this.#registrations.get(handle)?.();
    this.#registrations.delete(handle);
  }

  #add(kind: Registration['kind'], name: string, handle: number, timeout: number | undefined): { dispose(): void } {
    const { commands, hooks, bus, chains, metrics } = this.parts;
    const { id } = this.manifest;
    switch (kind) {
      case 'command':
        if (!name.startsWith(`${id}:`)) {
          throw createError('permission/denied', `${id} cannot register ${name}: a plugin's commands live under its own id`, {
            plugin: id,
            details: { permission: 'commands.handle', scope: name },
          });
        }
        return commands.register(name, id, guestProvider(this.link, handle), shortest(timeout, this.manifest.resources.timeout));
      case 'hook':
        this.permissions.demand('hooks.handle', name);
        return hooks.handle(name, id, guestProvider(this.link, handle));
      case 'event':
        this.permissions.demand('events.subscribe', name);
        return bus.on(name, (event) => {
          try {
            this.link.note(handle, event.payload, [event.topic, event.source]);
            metrics.deliveries += 1;
          } catch (error) {
            metrics.droppedDeliveries += 1;
            this.parts.log.write('kernel', 'warn', `dropped ${event.topic} for ${id}: ${messageOf(error)}`);
          }
        });
      case 'middleware':
        this.permissions.demand('middleware.use', name);
        return chains.use(name, { name: id, run: (call, input, next) => this.runMiddleware(handle, call, input, next) });
    }
  }

  /** The guest says that nothing caught an error: it is about to end. */
  crashed(error: Error): void {
    // Whatever a guest says of its own end is only a cause.
    this.endBecause(exitError(this.manifest.id, { kind: 'crashed', error }));
  }
}

const KINDS: ReadonlySet<string> = new Set(['command', 'hook', 'event', 'middleware']);

function checkRegistration(value: Registration, plugin: string): Registration {
  const { handle, kind, name, timeout } = (value ?? {}) as Partial<Registration>;
  const sound =
    Number.isSafeInteger(handle) &&
    (handle as number) > 0 &&
    KINDS.has(kind as string) &&
    typeof name === 'string' &&
    name.length <= 512 &&
    (timeout === undefined || (Number.isFinite(timeout) && timeout > 0));
  if (!sound) throw createError('wire/refused', `${plugin} sent a registration that is not well formed`, { plugin });
  return value;
}

function shortest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined) return b;
  return b === undefined ? a : Math.min(a, b);
}
