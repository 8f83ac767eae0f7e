/** The powers of extensions. An extension declares each power in its `uses`. */
import type { AnyContract, Client } from '@plinth/sdk';
import type { Caller, Isolation, PermissionName, Permissions } from '@plinth/sdk/contract';
import type { HostCallOptions } from '../calls/call-options.js';
import type { HostHandlers } from '../calls/host-call.js';
import type { Guest, PluginPackage, PluginSource } from '../host.js';
import type { KernelEvents, KernelTopic } from '../kernel-events.js';
import type { RightsSource } from '../permissions/rights-sources.js';
import type { Contributions, PointSpec } from './contributions.js';
import type { CorePower } from './core.js';
import type { DocumentSpec, Documents } from './documents.js';
import type { Interceptor } from './interest.js';
import type { Power } from './power.js';
import type { EventsOf, Statics } from './statics.js';
import type { Transition, TransitionHook } from './transitions.js';
import type { Candidate, Gate, GuestView, LaunchView, PluginView, Registered } from './views.js';

/**
 * `events`: receives the kernel's own events, never similar events of a plugin, and emits the
 * extension's own.
 */
export interface EventsPower<S extends Statics> {
  /** @throws PluginValidationError `event/invalid` for a topic that is none of the kernel's. */
  on<T extends KernelTopic>(
    topics: T | readonly T[],
    listener: (payload: KernelEvents[T], topic: T) => void,
  ): Registered;
  /** Events of other extensions, by name, without importing their code. */
  onAny(
    topics: readonly string[],
    listener: (payload: Readonly<Record<string, unknown>>, topic: string) => void,
  ): Registered;
  /** Emits one of the extension's own events. */
  emit<T extends keyof EventsOf<S> & string>(topic: T, payload: EventsOf<S>[T]): void;
}

/** `documents`: versioned state in the kernel's storage. */
export interface DocumentsPower {
  open<T>(spec: DocumentSpec<T>): Documents<T>;
}

/** The provider of a contract, when it is not the host itself. */
export interface ProvideOptions {
  /**
   * A provider without a guest, like a remote one. For an open contract it is one provider by its
   * id. For any other contract it answers as the plugin that owns it, and then needs a version.
   */
  readonly owner?: { readonly id: string; readonly version?: string };
}

/** Answers any command of a contract. */
export type AnyHandler = (command: string, input: unknown, call: CallFacts) => unknown;

/** The facts about a call that a handler of an extension receives. */
export interface CallFacts {
  readonly caller: Caller;
  readonly user: string | undefined;
  readonly tenant: string;
  readonly requestId: string;
  readonly signal: AbortSignal;
  readonly traceparent: string | undefined;
}

/**
 * `provide`: provides a contract as the host, or as a provider without a guest. Plugins that need
 * the contract find it.
 */
export type ProvidePower = <C extends AnyContract>(
  contract: C,
  handlers: HostHandlers<C> | AnyHandler,
  options?: ProvideOptions,
) => Registered;

/**
 * The identity of an action: the host when `as` is absent, else a plugin with its rights, or a
 * caller with given rights.
 */
export interface ActOptions
  extends Pick<HostCallOptions, 'user' | 'signal' | 'timeout' | 'traceparent' | 'baggage'> {
  /** When it is given and names no plugin, the action is refused with `plugin/not-found`. */
  readonly as?: PluginView | { readonly id: string; readonly rights: Permissions };
}

/**
 * `calls`: makes calls and emits events as the host, as a plugin, or as a caller with given rights.
 */
export interface CallsPower {
  /**
   * @throws the error of the command, PluginPermissionError `permission/denied` when `as` may not
   * call it.
   */
  execute(id: string, input?: unknown, options?: ActOptions): Promise<unknown>;
  client<C extends AnyContract>(
    contract: C,
    options?: ActOptions & { readonly provider?: string },
  ): Client<C>;
  /**
   * Whether a plugin has a right now, running or not. For rights that an extension checks itself,
   * like `ui.show`. A denial isn't announced.
   *
   * @throws PluginLifecycleError `plugin/not-found` for a plugin that is gone.
   */
  may(plugin: PluginView, permission: PermissionName, scope: string): boolean;
  /**
   * Whether the application or an extension denies a right, also to a plugin that doesn't ask for
   * it.
   */
  revoked(plugin: PluginView, permission: PermissionName, scope: string): boolean;
  /** Plugins that provide a contract, running or not, the best first. */
  providers(contract: AnyContract | string): readonly PluginView[];
  publish(topic: string, payload?: unknown, options?: ActOptions): Promise<void>;
  listen(
    pattern: string,
    listener: (event: {
      readonly topic: string;
      readonly payload: unknown;
      readonly source: string;
    }) => void,
  ): Registered;
}

/** `intercept`: observes or wraps commands, hooks and events. */
export type InterceptPower = (interceptor: Interceptor) => Registered & {
  /** Calls `for` again for every target. */
  changed(): void;
};

/** The verdict of a check on a package. Of several verdicts the strongest isolation counts. */
export interface PackageVerdict {
  readonly isolation?: Isolation;
}

/** Checks packages. An error makes the plugin fail. */
export interface PackageCheck {
  /**
   * Called when a package is found. Only its manifest is known. It answers at once: for a promise,
   * or a verdict that can't be followed, the plugin fails.
   */
  manifest?(candidate: Candidate): PackageVerdict | undefined;
  /** Called before each load of a package, with the text that then runs. */
  code?(candidate: Candidate, code: string): void | Promise<void>;
}

/** Why a plugin is paused. */
export interface PauseReason {
  readonly name: string;
  /**
   * What calls do during the pause: wait, fail, or end the pause. `wake` needs `guest: 'release'`.
   */
  readonly calls: 'queue' | 'refuse' | 'wake';
  readonly guest: 'keep' | 'release';
  /** The reason for callers, when calls fail. */
  because(): string;
}

/** A pause. Disposing it resumes the plugin. */
export interface Pause extends Registered {
  /**
   * Resolves to true when the plugin is paused, and to false when it continues because it was busy
   * or no longer runs. Rejects when its state couldn't be taken.
   */
  readonly settled: Promise<boolean>;
}

/** `steer`: decides which plugins run. */
export interface SteerPower {
  /**
   * Starts a plugin; `reason` is its `activatedBy`. A plugin that was stopped by name stays
   * stopped.
   */
  want(plugin: PluginView, reason: string): Promise<void>;
  pause(plugin: PluginView, reason: PauseReason): Pause;
  add(found: PluginPackage): Promise<PluginView>;
  remove(plugin: PluginView): Promise<void>;
  replace(
    plugin: PluginView,
    next: PluginPackage,
    options?: { readonly state?: 'hand-over' | 'drop' },
  ): Promise<PluginView>;
  setEnabled(plugin: PluginView, enabled: boolean): Promise<void>;
}

/** `contribute`: points of `contributes` in manifests. */
export interface ContributePower {
  /** @throws PluginConfigurationError `extension/duplicate` when the point is taken. */
  point<T>(spec: PointSpec<T>): Contributions<T>;
}

/** `rights`: changes the rights of plugins. */
export type RightsPower = (source: RightsSource) => {
  /**
   * What the source says of a plugin, or of all, has changed. The new rights apply from the next
   * message on, and what was opened under a lost right is closed.
   */
  changed(plugin?: string): void;
};

/** `metrics`: counters and gauges. */
export interface MetricsPower {
  /** @throws PluginConfigurationError `extension/duplicate` when the name is taken. */
  counter(name: string): { add(by?: number): void };
  /**
   * Read with each snapshot. While it throws or answers no number, it is left out, which is logged
   * once.
   *
   * @throws PluginConfigurationError `extension/duplicate` when the name is taken.
   */
  gauge(name: string, read: () => number): Registered;
  /** The extension's own values, by name. */
  read(): Readonly<Record<string, number>>;
}

/** Every power, by its name in `uses`. */
export interface Powers<S extends Statics = Statics> extends Record<Power, unknown> {
  readonly events: EventsPower<S>;
  readonly documents: DocumentsPower;
  readonly provide: ProvidePower;
  readonly calls: CallsPower;
  readonly intercept: InterceptPower;
  /** Possible only until `open` is over. */
  readonly verify: (check: PackageCheck) => void;
  /** Takes part in the steps of plugins. */
  readonly transition: <T extends Transition>(
    names: T | readonly T[],
    hook: TransitionHook<T>,
  ) => Registered;
  readonly steer: SteerPower;
  /**
   * Called for each guest at its launch. A guest without a gate costs nothing. Possible only until
   * `open` is over.
   */
  readonly guests: (onGuest: (guest: GuestView) => Gate | undefined) => void;
  /**
   * Changes the rights of plugins: adds to what their manifests ask for, takes rights away, and
   * bounds them. What it grants, policy bounds; what it takes or bounds, the application can't
   * grant. Possible only until `open` is over.
   */
  readonly rights: RightsPower;
  readonly contribute: ContributePower;
  /** Adds a source of plugins, which is followed when it can be watched. Possible until `open` ends. */
  readonly source: (source: PluginSource) => void;
  /**
   * Wraps the launch of guests, the first extension outermost. Possible only until `open` is over.
   */
  readonly launch: (
    wrap: (request: LaunchView, next: () => Promise<Guest>) => Promise<Guest>,
  ) => void;
  readonly metrics: MetricsPower;
  /** Makes parts of the core. For the kernel's own extensions, without a promise for the next release. */
  readonly core: CorePower;
}
