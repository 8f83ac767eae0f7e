/**
 * What the kernel's parts share: made once in `kernel.ts`, and passed to the parts that need it.
 */
import type { Caller, EventOrigin, Isolation, Manifest } from '@plinth/sdk/contract';
import { parseSize } from '@plinth/sdk/contract';
import {
  boundsOf,
  DEFAULT_BOUNDS,
  type Deadlines,
  type Turn,
  type ValueBounds,
} from '@plinth/sdk/rpc';
import type { CallServices, KernelCall } from './commands/call.js';
import type { CommandRegistry } from './commands/command-registry.js';
import type { HostContracts } from './commands/host-contracts.js';
import type { IsOpen } from './commands/open-contracts.js';
import type { ConfigStore } from './config/config-store.js';
import type { EventBus } from './events/event-bus.js';
import type { KernelEvents } from './events/kernel-events.js';
import type { Extending } from './extension/extending.js';
import type { Lanes } from './guests/lanes.js';
import type { SharedGuests } from './guests/shared-guests.js';
import type { Host, StorageAdapter } from './host.js';
import type { HostFiles } from './host-abilities.js';
import type { Lazy } from './lazily.js';
import type { CodeCache } from './lifecycle/code-cache.js';
import type { Messaging } from './messaging/messaging.js';
import type { MiddlewareChains } from './middleware/chains.js';
import type { Absence } from './middleware/compose.js';
import type { HookRegistry } from './middleware/hooks.js';
import type { SendRequest } from './network/fetch.js';
import type { OnDenied } from './permissions/broker.js';
import type { PermissionPolicy } from './permissions/granted.js';
import type { ChainPolicy, Grants } from './permissions/grants.js';
import type { PermissionWish } from './permissions/requests.js';
import type { Trust } from './permissions/trust.js';
import type { TrustDecisions } from './permissions/trust-policy.js';
import type { Owners } from './registry/owners.js';
import type { CommandDefaults } from './resilience/policy.js';
import type { Redaction } from './secrets/redaction.js';
import type { Secrets } from './secrets/secrets.js';
import type { PackageSnapshots } from './sources/package-snapshots.js';
import type { StorageBudget } from './storage/storage-budget.js';
import type { ResourcePolicy } from './supervision/resource-policy.js';
import type { ResourceWatch } from './supervision/resource-watch.js';
import type { Supervisor } from './supervision/supervisor.js';
import type { Log } from './telemetry/logger.js';
import type { Metrics } from './telemetry/metrics.js';

/**
 * Deadlines and bounds of a kernel, in milliseconds unless said otherwise. Infinity means never, or
 * no bound.
 */
export interface Limits {
  /**
   * How long a source of plugins may stay silent. After that the kernel starts without the plugins
   * it has not found yet, and adds them when they come.
   */
  readonly discover: number;
  /** For a launched guest to announce itself. */
  readonly ready: number;
  /** For loading and evaluating a plugin's code. */
  readonly load: number;
  readonly activate: number;
  readonly deactivate: number;
  /** For an extension to open, to stop, or to end what it owns. */
  readonly open: number;
  /** For every other lifecycle hook. */
  readonly hook: number;
  /**
   * For calls in flight to finish before a plugin is swapped, and again before its old guest ends.
   */
  readonly swap: number;
  /**
   * How long an update is on trial. A crash or bad health within it restores the old version; 0 for
   * never.
   */
  readonly trial: number;
  /** How long a stream waits for a first read before it ends. */
  readonly unread: number;
  /** Plugins that start at the same time. */
  readonly parallel: number;
  /** Refused control messages after which a guest is ended. */
  readonly refusals: number;
  /** Largest bundle, and largest file of a signed package, in bytes. */
  readonly codeSize: number;
  /** For a source to return a file of a package. */
  readonly read: number;
  /** Keys that a plugin may have in its storage. */
  readonly keys: number;
  /**
   * How large one value may be that crosses to or from a plugin, or that a plugin keeps: bytes, a
   * text like `'128MB'`, or bytes and levels of nesting. The same in every isolation.
   * `docs/wire.md` says how each kind of value counts.
   */
  readonly value: number | string | ValueLimits;
}

/** How large one value may be. */
export interface ValueLimits {
  /** Rough bytes, or a text like `'128MB'`; 64 MiB when absent, at most 1 GiB. */
  readonly bytes?: number | string;
  /** Levels of nesting; 100 when absent, at most 1 000. */
  readonly depth?: number;
}

/** The defaults of {@link Limits}. */
export const DEFAULT_LIMITS: Limits = {
  discover: 1_000,
  ready: 10_000,
  load: 10_000,
  activate: 10_000,
  deactivate: 2_000,
  open: 10_000,
  hook: 5_000,
  swap: 5_000,
  trial: 30_000,
  unread: 60_000,
  parallel: 16,
  refusals: 16,
  codeSize: 64_000_000,
  read: 30_000,
  keys: 10_000,
  value: { bytes: DEFAULT_BOUNDS.bytes, depth: DEFAULT_BOUNDS.depth },
};

/** The limits of a kernel: the given ones, and the defaults for the rest. */
export const limitsOf = (given: Partial<Limits> = {}): Limits => ({
  ...DEFAULT_LIMITS,
  ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
});

/** The bounds of one value, from limits that were checked. */
export function valueBounds({ value }: Limits): ValueBounds {
  const { bytes = DEFAULT_BOUNDS.bytes, depth = DEFAULT_BOUNDS.depth } =
    typeof value === 'object' ? value : { bytes: value };
  return boundsOf(parseSize(bytes) as number, depth);
}

/** What the embedder decides about plugins. */
export interface Policy extends TrustDecisions {
  /** Ids or prefixes that may run; everything when absent. */
  readonly allow?: readonly string[];
  /** Ids or prefixes that may not run. This overrides everything else. */
  readonly deny?: readonly string[];
  /**
   * Ids or prefixes of trusted plugins that may serve all tenants from one guest when they declare
   * `tenancy: 'shared'`. None when absent.
   */
  readonly shared?: readonly string[];
  /** The most that plugins may be allowed to do. */
  readonly permissions?: PermissionPolicy;
  /**
   * Whose rights apply when a plugin acts on a caller's behalf: the intersection of the call chain
   * (`intersect`, when absent), or its own (`own`). Where the runtime can't tell which call an
   * action belongs to, `strict` counts it for all open calls.
   */
  readonly chain?: ChainPolicy;
  /** The defaults for commands whose plugins set no policy. */
  readonly commands?: CommandDefaults;
  /** How much plugins may use, each and together. */
  readonly resources?: ResourcePolicy;
  /** How updates are made when the caller doesn't say. */
  readonly updates?: {
    /**
     * Whether an update continues when the old version doesn't hand over its state in time. When
     * absent, the update is refused (`required`).
     */
    readonly state?: 'required' | 'optional';
  };
}

/** Chooses where a plugin runs. Undefined leaves the choice to the manifest. */
export type IsolationPolicy = Isolation | ((manifest: Manifest) => Isolation | undefined);

/** The shared parts. */
export interface KernelParts {
  readonly tenant: string;
  readonly version: string;
  readonly limits: Limits;
  readonly policy: Policy;
  readonly isolation: IsolationPolicy | undefined;
  readonly hosts: readonly Host[];
  readonly commands: CommandRegistry;
  readonly hostContracts: HostContracts;
  /** Which contracts any number of plugins may provide. */
  readonly isOpen: IsOpen;
  readonly hooks: HookRegistry;
  readonly messaging: Lazy<Messaging>;
  /** The points at which extensions take part. */
  readonly extending: Extending;
  readonly chains: MiddlewareChains;
  readonly lanes: Lanes;
  readonly bus: EventBus;
  readonly storage: StorageAdapter;
  readonly config: ConfigStore;
  /** The manifests of all installed plugins, in any state. */
  manifests(): readonly Manifest[];
  /** Why a plugin can't be called. */
  absenceOf(id: string): Absence;
  readonly trust: Trust;
  /** The owners of plugin ids. */
  readonly owners: Owners;
  readonly grants: Grants;
  readonly files: HostFiles | undefined;
  readonly environment: Host['environment'];
  /** Sends requests of plugins out of this machine. */
  readonly send: SendRequest | undefined;
  /**
   * Asks the application for a right that a plugin has requested. Resolves to whether the plugin
   * has it now.
   */
  requestPermission(request: PermissionWish): Promise<boolean>;
  readonly secrets: Secrets;
  readonly redaction: Redaction;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly deadlines: Deadlines;
  /** Decides when the links of this kernel flush. */
  readonly turn: Turn;
  readonly calls: CallServices;
  readonly supervisor: Supervisor;
  readonly resources: ResourceWatch;
  /** Bytes that all plugins of the tenant may store together. */
  readonly storageBudget: StorageBudget;
  readonly code: CodeCache;
  /** Copies of the packages that run. */
  readonly snapshots: PackageSnapshots;
  readonly shared: SharedGuests;
  readonly onDenied: OnDenied;
  /** Emits one of the kernel's own events. */
  announce<T extends keyof KernelEvents>(topic: T, payload: KernelEvents[T]): void;
  /**
   * Emits an event on behalf of a caller, through the middleware around it. Resolves when it is
   * accepted.
   *
   * @param cause the call that the emitter was answering.
   */
  publish(
    source: Caller,
    topic: string,
    payload: unknown,
    cause?: KernelCall | EventOrigin,
  ): Promise<void>;
  defer(task: () => void): void;
  /**
   * Whether a debugger may hold guests at a breakpoint. Then no guest is judged by its response
   * time.
   */
  debugged(): boolean;
}
