/**
 * The guest runtime: what runs beside a plugin in a worker, a child process or inline. It answers the kernel's control
 * calls, dispatches its frames to the plugin's handlers, and holds the plugin's scope.
 */
import type { EventOrigin } from '../contract/call-context.js';
import type { AnyContract } from '../contract/contract.js';
import { createSharedError, messageOf } from '../contract/errors.js';
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
} from '../contract/protocol.js';
import { describeIssues, parseSchema } from '../contract/schema.js';
import { Scope } from '../contract/scope.js';
import { errorToWire } from '../contract/wire-error.js';
import type { Plugin } from '../plugin.js';
import type { Endpoint } from '../rpc/endpoint.js';
import type { Inbound } from '../rpc/inbound.js';
import { Link } from '../rpc/link.js';
import { Turn } from '../rpc/turn.js';
import { encodeValue } from '../rpc/value.js';
import { createContext, createLogger } from './context.js';
import type { Handle, Listener, Registrations } from './registrations.js';
import { type LanePort, Lanes } from './lanes.js';
import { checkPlugin, type Evaluate, type LoadedPlugin, loadPlugin } from './load-plugin.js';

/** What a runtime tells the guest about itself. */
export interface GuestOptions {
  /** Called once, after identity is known and before plugin code is loaded: hide globals, bridge the console. */
  prepare?(guest: { readonly wasm: boolean; readonly timers: number | undefined; readonly log: (level: 'debug' | 'info' | 'warn' | 'error', message: string) => void }): void;
  /** Evaluates the text of the plugin's bundle. */
  readonly evaluate?: Evaluate;
  /** A plugin that is already loaded, for inline guests made from an object. */
  readonly exported?: unknown;
  /** Distinguishes reloads that share a realm. */
  readonly generation?: number;
  /** Runs a function after the event loop had a turn. */
  defer?(task: () => void): void;
  /** Makes of a port what links use, where a port isn't that already. */
  port?(port: unknown): LanePort;
}

/** A booted guest, for the runtime's own needs. */
export interface BootedGuest {
  /** Tells the kernel of an error that nobody caught, at once: the runtime is about to end. */
  fatal(error: unknown): void;
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
    fatal(error) {
      guest.fatal(error);
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
  readonly #registrations: Registrations = { handles: new Map<number, Handle>(), listeners: new Map<number, Listener>(), unconfirmed: new Set() };
  readonly #available = new Set<string>();
  readonly #stopping = new AbortController();
  readonly #scope = new Scope();
  #spec: LoadSpec | undefined;
  #loaded: LoadedPlugin | undefined;
  #config: unknown = Object.freeze({});
  #configured = false;
  #prepared = false;
  /** Of the last event: most follow one of the same topic and source. */
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
      lane: (lane, message, port) => ((message as LaneMessage).kind === 'join' ? this.#join(port) : this.#lanes.take(lane, message as LaneMessage, port)),
      stacks: true,
      trusting: true,
      budget: BUDGET,
      serve: (target, input, meta, inbound) => this.#serve(target, input, meta as CallMeta, inbound),
      note: (target, payload, meta) => this.#deliver(target, payload, meta as EventMeta),
      control: {
        load: (spec: LoadSpec) => this.load(spec),
        configure: (config: unknown) => this.configure(config),
        needs: (names: readonly string[]) => this.needs(names),
        restoreState: (state: unknown, fromVersion: string) => this.restoreState(state, fromVersion),
        activate: () => this.activate(),
        suspend: () => this.suspend(),
        resume: () => this.resume(),
        healthCheck: () => this.healthCheck(),
        getState: () => this.getState(),
        deactivate: (late?: boolean) => this.deactivate(late),
      },
      // The kernel answers what this side has sent: only forged frames lead here, and the kernel judges those.
      onBreach() {},
      defer,
    });
    this.#lanes = new Lanes({ link: this.link, turn: this.#turn, handles: this.#registrations.handles, defer, port: options.port ?? ((port) => port as LanePort) });
  }

  /** Boots another guest in this realm, for another tenant of the same plugin: nothing of the runtime is shared with it. */
  #join(port: unknown): void {
    const { prepare, port: adapt } = this.#options;
    bootGuest((adapt?.(port) ?? port) as Endpoint, {
      ...this.#options,
      prepare: ({ wasm, timers }) => {
        if (this.#prepared) return;
        this.#prepared = true;
        // Whose line it was can't be known: the console is nobody's here, and what one tenant does is not for another's log.
        prepare?.({ wasm, timers, log() {} });
      },
    });
  }

  async load(spec: LoadSpec): Promise<Statics> {
    if (this.#spec !== undefined) throw createSharedError('plugin/illegal-transition', `${spec.manifest.id} is loaded already`, { plugin: spec.manifest.id });
    this.#spec = spec;
    const logger = createLogger(this.link);
    this.#options.prepare?.({ wasm: spec.manifest.permissions.wasm === true, timers: spec.timers, log: (level, message) => logger[level](message) });
    this.#loaded =
      this.#options.exported === undefined
        ? await loadPlugin(spec.manifest, spec.code, this.#options.generation ?? 0, this.#options.evaluate ?? noCode)
        : checkPlugin(spec.manifest, this.#options.exported);
    return this.#loaded.statics;
  }

  async configure(config: unknown): Promise<'restart' | undefined> {
    const { plugin, manifest } = this.#plugin;
    const parsed = plugin.config === undefined ? { ok: true as const, value: config } : await parseSchema(plugin.config, config);
    if (!parsed.ok) {
      throw createSharedError('config/invalid', `the configuration of ${manifest.id} is not valid: ${describeIssues(parsed.issues)}`, {
        plugin: manifest.id,
        details: { issues: parsed.issues },
      });
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
    const context = createContext({
      link: this.link,
      manifest,
      tenant: spec.tenant,
      handling: { tenant: spec.tenant, requests: spec.requests, textOf: (name) => this.link.textOf(name), current: undefined, signals: new WeakMap(), causes: new WeakMap() },
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

  async deactivate(late?: boolean): Promise<void> {
    const failures: unknown[] = [];
    try {
      if (!late) await this.#loaded?.plugin.deactivate?.();
    } catch (error) {
      failures.push(error);
    }
    this.#stopping.abort(createSharedError('plugin/unavailable', 'the plugin has stopped'));
    try {
      await this.#scope.dispose();
    } catch (error) {
      failures.push(error);
    }
    if (failures.length > 0) throw failures.length === 1 ? failures[0] : new AggregateError(failures, 'the plugin failed while it stopped');
  }

  /** The guest is over, whether its plugin was asked to stop or not. */
  end(): void {
    const ended = createSharedError('plugin/unavailable', 'the guest has ended');
    this.#stopping.abort(ended);
    this.#lanes.close(ended);
    this.link.abandon(ended);
  }

  fatal(error: unknown): void {
    try {
      this.link.note(Op.fatal, undefined, [errorToWire(error, true, encodeValue)]);
      this.link.flush();
    } catch {
      // The link is closed: the kernel knows already that this guest has ended.
    }
  }

  get #plugin(): { readonly plugin: Plugin; readonly manifest: LoadSpec['manifest']; readonly spec: LoadSpec } {
    if (this.#spec === undefined || this.#loaded === undefined) throw createSharedError('plugin/illegal-transition', 'no plugin is loaded');
    return { plugin: this.#loaded.plugin, manifest: this.#spec.manifest, spec: this.#spec };
  }

  /** `activate` has succeeded only when the kernel accepted everything it registered. */
  async #confirmRegistrations(): Promise<void> {
    const results = await Promise.allSettled(this.#registrations.unconfirmed);
    this.#registrations.unconfirmed.clear();
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    if (refused.length === 1) throw refused[0];
    if (refused.length > 1) throw new AggregateError(refused, `the kernel refused ${refused.length} registrations: ${refused.map(messageOf).join('; ')}`);
  }

  #serve(target: number, input: unknown, meta: CallMeta, inbound: Inbound): unknown {
    if (target === FENCE) return undefined;
    const handle = this.#registrations.handles.get(target);
    if (handle === undefined) throw createSharedError('plugin/unavailable', 'the handler has been taken back', { retryable: true });
    return handle(input, meta, inbound);
  }

  #deliver(target: number, payload: unknown, meta: EventMeta): void {
    if (meta !== this.#meta) {
      this.#meta = meta;
      [this.#topic, this.#source, this.#origin, this.#cause = 0] =
        typeof meta === 'number' ? [this.link.textOf(highOf(meta)) as string, this.link.textOf(nameIn(meta)) as string] : meta;
    }
    // A listener that was just taken back: the event was on its way.
    this.#registrations.listeners.get(target)?.(payload, this.#topic, this.#source, this.#origin, this.#cause);
  }
}

async function noCode(): Promise<never> {
  throw createSharedError('plugin/load-failed', 'this guest cannot evaluate code');
}

/** Work of one turn: all that credit allows, because a turn more only delays the answers. */
const BUDGET = 1_024;

function contractsOf(plugin: Plugin): ReadonlyMap<string, { readonly contract: AnyContract; readonly optional: boolean }> {
  return new Map(
    Object.entries(plugin.needs ?? {}).map(([name, need]) => {
      const optional = 'optional' in need && !('$id' in need);
      return [name, { contract: (optional ? need.optional : need) as AnyContract, optional }];
    }),
  );
}

function deepFreeze<T>(value: T): T {
  if (value !== null && typeof value === 'object' && !Object.isFrozen(value) && !ArrayBuffer.isView(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
