/**
 * The guest runtime: runs beside a plugin in a worker, a child process or inline. It answers the
 * kernel's control calls, dispatches its frames to the plugin's handlers, and owns the plugin's
 * scope.
 */
import { createSharedError } from '../contract/errors.js';
import type { LaneMessage } from '../contract/lane-message.js';
import { Op, TAPE } from '../contract/operations.js';
import {
  type GuestApi,
  type HealthReport,
  type LoadSpec,
  PROTOCOL_VERSION,
  READY,
  type Statics,
  type StopReason,
} from '../contract/protocol.js';
import { Scope } from '../contract/scope.js';
import { errorToWire } from '../contract/wire-error.js';
import type { Plugin } from '../plugin.js';
import { boundsOf } from '../rpc/bounds.js';
import type { Endpoint } from '../rpc/endpoint.js';
import type { Inbound } from '../rpc/inbound.js';
import { Link } from '../rpc/link.js';
import { Turn } from '../rpc/turn.js';
import { encodeValue } from '../rpc/value.js';
import { createContext } from './context/context.js';
import { deliverTo, logFailuresOf, serveBy } from './dispatch.js';
import type { BootedGuest, GuestOptions } from './guest-options.js';
import { type Cause, type HandlerScope, handling } from './handler-call.js';
import type { LanePort } from './lanes/lane-parts.js';
import { Lanes } from './lanes/lanes.js';
import { checkPlugin, type LoadedPlugin, loadPlugin } from './load-plugin.js';
import { createLogger } from './logger.js';
import { parseSettings } from './parse-settings.js';
import { contractsOf, deepFreeze } from './plugin-parts.js';
import { confirm, type Registrations } from './registrations.js';

/**
 * Boots a guest on an endpoint and announces it to the host.
 *
 * @example
 * // the whole of a worker's entry file
 * bootGuest(self, { evaluate: importModule });
 */
export function bootGuest(endpoint: Endpoint, options: GuestOptions = {}): BootedGuest {
  const guest = new Guest(endpoint, options);
  endpoint.postMessage([READY, PROTOCOL_VERSION]);
  return {
    fatal(error, rejection) {
      guest.fatal(error, rejection);
    },
    close() {
      guest.end();
    },
  };
}

class Guest implements GuestApi {
  readonly link: Link;
  readonly #turn = new Turn();
  readonly #lanes: Lanes;
  readonly #options: GuestOptions;
  /** Guests in this realm that belong to other tenants. */
  #others: readonly WeakRef<BootedGuest>[] = [];
  readonly #registrations: Registrations = {
    handles: new Map(),
    listeners: new Map(),
    unconfirmed: new Set(),
  };
  readonly #available = new Set<string>();
  readonly #stopping = new AbortController();
  readonly #scope = new Scope();
  #spec: LoadSpec | undefined;
  #handling: HandlerScope | undefined;
  #loaded: LoadedPlugin | undefined;
  #config: unknown = Object.freeze({});
  #restored: Promise<unknown> | undefined;
  #configured = false;
  #prepared = false;

  constructor(endpoint: Endpoint, options: GuestOptions) {
    this.#options = options;
    const defer = options.defer ?? ((task: () => void) => void setTimeout(task, 0));
    /** Runs the source of a stream in the context of the call it answers. */
    const around = <T>(inbound: Inbound, run: () => T): T =>
      this.#handling === undefined
        ? run()
        : handling(this.#handling, inbound.call as Cause | undefined, run);
    const onFailed = logFailuresOf(this, this.#registrations);
    this.link = new Link({
      endpoint,
      turn: this.#turn,
      lane: (lane, message, port) =>
        (message as LaneMessage).kind === 'join'
          ? this.#join(port)
          : this.#lanes.take(lane, message as LaneMessage, port),
      stacks: true,
      trusting: true,
      budget: BUDGET,
      serve: serveBy(this.#registrations),
      around,
      note: deliverTo(this, this.#registrations),
      onFailed,
      walked: () => this.#registrations.walked?.(),
      control: {
        load: (spec: LoadSpec) => this.load(spec),
        configure: (config: unknown) => this.configure(config),
        needs: (names: readonly string[]) => this.needs(names),
        restoreState: (state: unknown, fromVersion: string) =>
          this.restoreState(state, fromVersion),
        activate: () => this.activate(),
        suspend: () => this.suspend(),
        resume: () => this.resume(),
        healthCheck: () => this.healthCheck(),
        getState: () => this.getState(),
        deactivate: (reason: StopReason, late?: boolean) => this.deactivate(reason, late),
      },
      onBreach() {}, // Only forged frames lead here, and the kernel judges those.
      defer,
    });
    this.#lanes = new Lanes({
      link: this.link,
      turn: this.#turn,
      handles: this.#registrations.handles,
      onFailed,
      walked: () => this.#registrations.walked?.(),
      defer,
      around,
      port: options.port ?? ((port) => port as LanePort),
    });
  }

  /**
   * Boots another guest in this realm, for another tenant of the same plugin. They share nothing of
   * the runtime.
   */
  #join(port: unknown): void {
    const { prepare, port: adapt } = this.#options;
    const other = bootGuest((adapt?.(port) ?? port) as Endpoint, {
      ...this.#options,
      prepare: ({ wasm, code, timers }) => {
        if (this.#prepared) return;
        this.#prepared = true;
        // The console is shared by all tenants, so a line's tenant is unknown. Dropped, because one
        // tenant's output must not reach another's log.
        prepare?.({ wasm, code, timers, log() {} });
      },
    });
    this.#others = [...this.#others.filter((one) => one.deref() !== undefined), new WeakRef(other)];
  }

  async load(spec: LoadSpec): Promise<Statics> {
    if (this.#spec !== undefined)
      throw createSharedError(
        'plugin/illegal-transition',
        `${spec.manifest.id} is loaded already`,
        { plugin: spec.manifest.id },
      );
    this.#spec = spec;
    if (spec.values !== undefined) this.link.bound(boundsOf(...spec.values));
    const logger = createLogger(this.link, true);
    this.#options.prepare?.({
      wasm: spec.wasm === true,
      code: spec.code,
      timers: spec.timers,
      log: (level, message) => logger[level](message),
    });
    this.#loaded =
      this.#options.exported === undefined
        ? await loadPlugin(
            spec.manifest,
            spec.code,
            this.#options.generation ?? 0,
            this.#options.evaluate,
            spec.taped && ((read) => this.link.note(TAPE, read, 0)),
          )
        : checkPlugin(spec.manifest, this.#options.exported);
    // The engine keeps what it needs of the text.
    this.#spec = { ...spec, code: '' };
    return this.#loaded.statics;
  }

  async configure(config: unknown): Promise<'restart' | undefined> {
    const { plugin, spec } = this.#plugin;
    const next = deepFreeze(await parseSettings(plugin, spec.manifest.id, config));
    const previous = this.#configured ? this.#config : undefined;
    const answer = await plugin.configure?.(next as never, previous as never);
    this.#config = next;
    this.#configured = true;
    return answer === 'restart' ? 'restart' : undefined;
  }

  async needs(names: readonly string[]): Promise<void> {
    this.#available.clear();
    for (const name of names) this.#available.add(name);
  }

  async restoreState(state: unknown, fromVersion: string): Promise<void> {
    const { plugin } = this.#plugin;
    this.#restored = new Promise((go) => go(plugin.restoreState?.(state, fromVersion)));
    await this.#restored;
  }

  /** Asked for together with {@link restoreState}, whose end comes first. */
  async activate(): Promise<void> {
    await this.#restored;
    const { plugin, spec } = this.#plugin;
    this.#handling = {
      tenant: spec.tenant,
      requests: spec.requests,
      textOf: (name) => this.link.textOf(name),
      context: this.#options.context?.(),
      current: undefined,
      signals: new WeakMap(),
      causes: new WeakMap(),
    };
    const context = createContext({
      link: this.link,
      manifest: spec.manifest,
      tenant: spec.tenant,
      handling: this.#handling,
      scope: this.#scope,
      signal: this.#stopping.signal,
      registrations: this.#registrations,
      lanes: this.#lanes,
      config: () => this.#config,
      needs: contractsOf(plugin),
      available: this.#available,
    });
    await plugin.activate(context as never);
    await confirm(this.#registrations.unconfirmed);
  }

  async suspend(): Promise<void> {
    await this.#plugin.plugin.suspend?.();
  }

  async resume(): Promise<void> {
    await this.#plugin.plugin.resume?.();
  }

  async healthCheck(): Promise<HealthReport> {
    return (await this.#plugin.plugin.healthCheck?.()) ?? { status: 'healthy' };
  }

  async getState(): Promise<unknown> {
    return this.#plugin.plugin.getState?.();
  }

  async deactivate(reason: StopReason, late?: boolean): Promise<void> {
    const failures: unknown[] = [];
    try {
      if (!late) await this.#loaded?.plugin.deactivate?.(reason);
    } catch (error) {
      failures.push(error);
    }
    this.#stopping.abort(createSharedError('plugin/unavailable', 'the plugin has stopped'));
    try {
      await this.#scope.dispose();
    } catch (error) {
      failures.push(error);
    }
    if (failures.length > 0)
      throw failures.length === 1
        ? failures[0]
        : new AggregateError(failures, 'the plugin failed while it stopped');
  }

  /** The guest ends, whether its plugin was asked to stop or not. */
  end(): void {
    const ended = createSharedError('plugin/unavailable', 'the guest has ended');
    this.#stopping.abort(ended);
    this.#lanes.close(ended);
    this.link.abandon(ended);
  }

  fatal(error: unknown, rejection = false): void {
    for (const other of this.#others) other.deref()?.fatal(error, rejection);
    try {
      this.link.note(Op.fatal, undefined, [
        errorToWire(error, true, encodeValue),
        rejection ? 1 : 0,
        (this.#handling?.context?.current() as Cause | undefined)?.sequence ?? 0,
      ]);
      this.link.flush();
    } catch {
      // The link is closed: the kernel already knows that this guest has ended.
    }
  }

  get #plugin(): { readonly plugin: Plugin; readonly spec: LoadSpec } {
    if (this.#spec === undefined || this.#loaded === undefined)
      throw createSharedError('plugin/illegal-transition', 'no plugin is loaded');
    return { plugin: this.#loaded.plugin, spec: this.#spec };
  }
}

/** Frames taken in one turn: as many as the credit, as another turn would only delay answers. */
const BUDGET = 1_024;
