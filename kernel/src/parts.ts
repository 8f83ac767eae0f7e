/** What the kernel's parts share: made once in `kernel.ts`, passed to whoever needs it. */
import type { Caller, EventOrigin, Isolation, Manifest } from '@plinth/sdk/contract';
import type { Deadlines, Turn } from '@plinth/sdk/rpc';
import type { CallServices, KernelCall } from './commands/call.js';
import type { CommandRegistry } from './commands/command-registry.js';
import type { HostContracts } from './commands/host-contracts.js';
import type { ConfigStore } from './config/config-store.js';
import type { EventBus } from './events/event-bus.js';
import type { KernelEvents } from './events/kernel-events.js';
import type { Lanes } from './guests/lanes.js';
import type { SharedGuests } from './guests/shared-guests.js';
import type { Host, StorageAdapter } from './host.js';
import type { CodeCache } from './lifecycle/code-cache.js';
import type { Messaging } from './messaging/messaging.js';
import type { MiddlewareChains } from './middleware/chains.js';
import type { HookRegistry } from './middleware/hooks.js';
import type { HostFiles } from './host-abilities.js';
import type { SendRequest } from './network/fetch.js';
import type { OnDenied, PermissionPolicy } from './permissions/broker.js';
import type { ChainPolicy, Grants } from './permissions/grants.js';
import type { Trust, TrustDecisions } from './permissions/trust.js';
import type { PermissionWish } from './permissions/requests.js';
import type { Redaction } from './secrets/redaction.js';
import type { Secrets } from './secrets/secrets.js';
import type { StorageBudget } from './storage/storage-budget.js';
import type { ResourcePolicy } from './supervision/resource-policy.js';
import type { ResourceWatch } from './supervision/resource-watch.js';
import type { Supervisor } from './supervision/supervisor.js';
import type { Log } from './telemetry/logger.js';
import type { Metrics } from './telemetry/metrics.js';

/** Deadlines and bounds of a kernel. Milliseconds unless said otherwise. */
export interface Limits {
  /** Until a launched guest must have announced itself. */
  readonly ready: number;
  /** For loading and evaluating a plugin's code. */
  readonly load: number;
  readonly activate: number;
  readonly deactivate: number;
  /** For every other lifecycle hook. */
  readonly hook: number;
  /** For calls in flight to finish before a plugin is swapped, and again before its old guest ends. */
  readonly swap: number;
  /** In which an updated plugin comes back in its old version when it crashes or is unhealthy; 0 for never. */
  readonly trial: number;
  /** Plugins that start at the same time. */
  readonly parallel: number;
  /** Refused control messages after which a guest is ended. */
  readonly refusals: number;
  /** Largest bundle, in characters. */
  readonly codeSize: number;
}

/** The defaults of {@link Limits}. */
export const DEFAULT_LIMITS: Limits = {
  ready: 10_000,
  load: 10_000,
  activate: 10_000,
  deactivate: 2_000,
  hook: 5_000,
  swap: 5_000,
  trial: 30_000,
  parallel: 16,
  refusals: 16,
  codeSize: 64_000_000,
};

/** What the embedder decides about plugins. */
export interface Policy extends TrustDecisions {
  /** Ids or prefixes that may run; everything when absent. */
  readonly allow?: readonly string[];
  /** Ids or prefixes that may not run, whatever else says so. */
  readonly deny?: readonly string[];
  /** Ids or prefixes of trusted plugins that may serve all tenants from one guest when they declare `tenancy: 'shared'`; none when absent. */
  readonly shared?: readonly string[];
  /** What plugins may do at most. */
  readonly permissions?: PermissionPolicy;
  /**
   * With whose rights a plugin does what it does for another, which is what it does with the call it answers: with those that all in the chain
   * of calls have (`intersect`, when absent), or with its own (`own`).
   */
  readonly chain?: ChainPolicy;
  /** How much plugins may use, each and together. */
  readonly resources?: ResourcePolicy;
}

/** Chooses where a plugin runs; undefined leaves it to the manifest. */
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
  readonly hooks: HookRegistry;
  readonly messaging: Messaging;
  readonly chains: MiddlewareChains;
  readonly lanes: Lanes;
  readonly bus: EventBus;
  readonly storage: StorageAdapter;
  readonly config: ConfigStore;
  /** Of every installed plugin, whatever became of it. */
  manifests(): readonly Manifest[];
  readonly trust: Trust;
  readonly grants: Grants;
  readonly files: HostFiles | undefined;
  readonly environment: Host['environment'];
  /** How requests of plugins leave this machine. */
  readonly send: SendRequest | undefined;
  /** Asks the application for a right that a plugin has asked for; answers whether it has it now. */
  requestPermission(request: PermissionWish): Promise<boolean>;
  readonly secrets: Secrets;
  readonly redaction: Redaction;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly deadlines: Deadlines;
  /** When the links of this kernel flush. */
  readonly turn: Turn;
  readonly calls: CallServices;
  readonly supervisor: Supervisor;
  readonly resources: ResourceWatch;
  /** Bytes that all plugins of the tenant may store together. */
  readonly storageBudget: StorageBudget;
  readonly code: CodeCache;
  readonly shared: SharedGuests;
  readonly onDenied: OnDenied;
  /** Emits one of the kernel's own events. */
  announce<T extends keyof KernelEvents>(topic: T, payload: KernelEvents[T]): void;
  /**
   * Emits an event on behalf of a caller, through the middleware around it. Resolves when it is accepted.
   *
   * @param cause the call that its emitter was answering.
   */
  publish(source: Caller, topic: string, payload: unknown, cause?: KernelCall | EventOrigin): Promise<void>;
  defer(task: () => void): void;
}
