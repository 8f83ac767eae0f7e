/**
 * The guest runtime: runs beside a plugin in a worker, a child process or inline. It answers the
 * kernel's control calls, dispatches its frames to the plugin's handlers, and owns the plugin's
 * scope.
 */
import type { EventOrigin } from '../contract/call-context.js';
import { createSharedError, errorClassOf, messageOf } from '../contract/errors.js';
import {
  type CallMeta,
  type EventMeta,
  FENCE,
  type GuestApi,
  type HealthReport,
  highOf,
  type LaneMessage,
  type LoadSpec,
  nameIn,
  Op,
  PROTOCOL_VERSION,
  READY,
  type Statics,
  type StopReason,
} from '../contract/protocol.js';
import { describeIssues, parseSchema } from '../contract/schema.js';
import { Scope } from '../contract/scope.js';
import { errorToWire, stackOf } from '../contract/wire-error.js';
import type { Plugin } from '../plugin.js';
import { boundsOf } from '../rpc/bounds.js';
import type { Endpoint } from '../rpc/endpoint.js';
import type { Inbound } from '../rpc/inbound.js';
import { Link } from '../rpc/link.js';
import { Turn } from '../rpc/turn.js';
import { encodeValue } from '../rpc/value.js';
import { createContext } from './context/context.js';
import { type Cause, type ContextPort, type HandlerScope, handling } from './handler-call.js';
import type { LanePort } from './lane-parts.js';
import { Lanes } from './lanes.js';
import { checkPlugin, type Evaluate, type LoadedPlugin, loadPlugin } from './load-plugin.js';
import { createLogger } from './logger.js';
import { contractsOf, deepFreeze } from './plugin-parts.js';
import type { Handle, Listener, Registrations } from './registrations.js';

/** What a runtime tells the guest about itself. */
export interface GuestOptions {
  /**
   * Called once, when the identity is known and before plugin code is loaded: hide globals, bridge
   * the console.
   */
  prepare?(guest: {
    readonly wasm: boolean;
    readonly code: string;
    readonly timers: number | undefined;
    readonly log: (level: 'debug' | 'info' | 'warn' | 'error', message: string) => void;
  }): void;
  /** Evaluates the text of the plugin's bundle. */
  readonly evaluate?: Evaluate;
  /** A plugin that is already loaded, for inline guests made from an object. */
  readonly exported?: unknown;
  /** Distinguishes reloads that share a realm. */
  readonly generation?: number;
  /** Runs a function after a turn of the event loop. */
  defer?(task: () => void): void;
  /**
   * Creates what carries a handler's context across its awaits. When absent, the context is not
   * carried.
   */
  context?(): ContextPort;
  /** Adapts a platform port for links, where it doesn't fit already. */
  port?(port: unknown): LanePort;
}

/** A booted guest, as the runtime sees it. */
export interface BootedGuest {
  /**
   * Reports an uncaught error to the kernel at once, because the runtime is about to end.
   *
   * @param rejection whether it is an unhandled promise rejection.
   */
  fatal(error: unknown, rejection?: boolean): void;
  /** Ends the link from this side: nothing more is sent or received. */
  close(): void;
}

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
    handles: new Map<number, Handle>(),
    listeners: new Map<number, Listener>(),
    unconfirmed: new Set(),
  };
  readonly #available = new Set<string>();
  readonly #stopping = new AbortController();
  readonly #scope = new Scope();
  #spec: LoadSpec | undefined;
  #handling: HandlerScope | undefined;
  #loaded: LoadedPlugin | undefined;
  #config: unknown = Object.freeze({});
  #configured = false;
  #prepared = false;
  /** Facts of the last event: the next one mostly has the same topic and source. */
  #meta: EventMeta | undefined;
  #topic = '';
  #source = '';
  #origin: EventOrigin | undefined;
  #cause = 0;

  constructor(endpoint: Endpoint, options: GuestOptions) {
    this.#options = options;
    const defer = options.defer ?? ((task: () => void) => void setTimeout(task, 0));
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
      serve: (target, input, meta, inbound) =>
        this.#serve(target, input, meta as CallMeta, inbound),
      around: (inbound, run) => this.#around(inbound, run),
      note: (target, payload, meta) => this.#deliver(target, payload, meta as EventMeta),
      onFailed: (error, target) => this.#failed(error, target),
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
      // The kernel answers what this side sends. Only forged frames lead here, and the kernel
      // judges those.
      onBreach() {},
      defer,
    });
    this.#lanes = new Lanes({
      link: this.link,
      turn: this.#turn,
      handles: this.#registrations.handles,
      onFailed: (error, target) => this.#failed(error, target),
      defer,
      around: (inbound, run) => this.#around(inbound, run),
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
            this.#options.evaluate ?? noCode,
          )
        : checkPlugin(spec.manifest, this.#options.exported);
    return this.#loaded.statics;
  }

  async configure(config: unknown): Promise<'restart' | undefined> {
    const { plugin, manifest } = this.#plugin;
    const parsed =
      plugin.config === undefined
        ? { ok: true as const, value: config }
        : await parseSchema(plugin.config, config);
    if (!parsed.ok) {
      throw createSharedError(
        'config/invalid',
        `the configuration of ${manifest.id} is not valid: ${describeIssues(parsed.issues)}`,
        {
          plugin: manifest.id,
          details: { issues: parsed.issues },
        },
      );
    }
    const previous = this.#configured ? this.#config : undefined;
    const next = deepFreeze(parsed.value);
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
    await this.#plugin.plugin.restoreState?.(state, fromVersion);
  }

  async activate(): Promise<void> {
    const { plugin, manifest, spec } = this.#plugin;
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
      manifest,
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
    await this.#confirmRegistrations();
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
      ]);
      this.link.flush();
    } catch {
      // The link is closed: the kernel already knows that this guest has ended.
    }
  }

  get #plugin(): {
    readonly plugin: Plugin;
    readonly manifest: LoadSpec['manifest'];
    readonly spec: LoadSpec;
  } {
    if (this.#spec === undefined || this.#loaded === undefined)
      throw createSharedError('plugin/illegal-transition', 'no plugin is loaded');
    return { plugin: this.#loaded.plugin, manifest: this.#spec.manifest, spec: this.#spec };
  }

  /** `activate` succeeds only when the kernel has accepted everything it registered. */
  async #confirmRegistrations(): Promise<void> {
    const results = await Promise.allSettled(this.#registrations.unconfirmed);
    this.#registrations.unconfirmed.clear();
    const refused = results.flatMap((result) =>
      result.status === 'rejected' ? [result.reason as unknown] : [],
    );
    if (refused.length === 1) throw refused[0];
    if (refused.length > 1)
      throw new AggregateError(
        refused,
        `the kernel refused ${refused.length} registrations: ${refused.map(messageOf).join('; ')}`,
      );
  }

  #serve(target: number, input: unknown, meta: CallMeta, inbound: Inbound): unknown {
    if (target === FENCE) return undefined;
    const handle = this.#registrations.handles.get(target);
    if (handle === undefined)
      throw createSharedError('plugin/unavailable', 'the handler has been taken back', {
        retryable: true,
      });
    return handle(input, meta, inbound);
  }

  /** Runs the source of a stream in the context of the call it answers. */
  #around<T>(inbound: Inbound, run: () => T): T {
    return this.#handling === undefined
      ? run()
      : handling(this.#handling, inbound.call as Cause | undefined, run);
  }

  /**
   * Logs an unexpected error of a handler for its author. Errors from elsewhere were logged there.
   */
  #failed(error: unknown, target: number): void {
    if (
      errorClassOf(error) !== undefined ||
      typeof (error as { plugin?: unknown } | null)?.plugin === 'string'
    )
      return;
    const about = this.#registrations.handles.get(target)?.about;
    createLogger(this.link).error(`${about?.[1] ?? 'a stream'} failed: ${messageOf(error)}`, {
      ...(about && { [about[0]]: about[1] }),
      stack: stackOf(error),
    });
  }

  #deliver(target: number, payload: unknown, meta: EventMeta): void {
    if (meta !== this.#meta) {
      this.#meta = meta;
      [this.#topic, this.#source, this.#origin, this.#cause = 0] =
        typeof meta === 'number'
          ? [this.link.textOf(highOf(meta)) as string, this.link.textOf(nameIn(meta)) as string]
          : meta;
    }
    // The listener was just removed while the event was on its way.
    this.#registrations.listeners.get(target)?.(
      payload,
      this.#topic,
      this.#source,
      this.#origin,
      this.#cause,
    );
  }
}

async function noCode(): Promise<never> {
  throw createSharedError('plugin/load-failed', 'this guest cannot evaluate code');
}

/** Frames taken in one turn: as many as the credit, as another turn would only delay answers. */
const BUDGET = 1_024;
