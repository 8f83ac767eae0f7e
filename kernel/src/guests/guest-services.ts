/** What the kernel gives to the connections of its guests. */
import type { Manifest } from '@plinth/sdk/contract';
import type { CallServices } from '../commands/call.js';
import type { CommandRegistry } from '../commands/command-registry.js';
import type { IsOpen } from '../commands/open-contracts.js';
import type { EventBus } from '../events/event-bus.js';
import type { Publish } from '../events/publisher.js';
import type { Gate, ViewedGuest } from '../extension/views.js';
import type { Host } from '../host.js';
import type { HostFiles } from '../host-abilities.js';
import type { Limits } from '../limits.js';
import type { Messaging } from '../messaging/messaging.js';
import type { MiddlewareChains } from '../middleware/chains.js';
import type { HookRegistry } from '../middleware/hooks.js';
import type { SendRequest } from '../network/fetch.js';
import type { OnDenied } from '../permissions/broker.js';
import type { Grants } from '../permissions/grants.js';
import type { PermissionWish } from '../permissions/requests.js';
import type { Secrets } from '../secrets/secrets.js';
import type { StorageNamespace } from '../storage/namespace.js';
import type { ResourceWatch } from '../supervision/resource-watch.js';
import type { Reporting } from '../telemetry/reporting.js';
import type { Lanes } from './lanes.js';

/** What guests exchange calls, hooks and events through. */
export interface Exchange {
  readonly commands: CommandRegistry;
  readonly hooks: HookRegistry;
  readonly chains: MiddlewareChains;
  readonly bus: EventBus;
  readonly lanes: Lanes;
  readonly publish: Publish;
}

/** The rights of guests. */
export interface Rights {
  readonly grants: Grants;
  readonly onDenied: OnDenied;
  /** Which contracts any number of plugins may provide. */
  readonly isOpen: IsOpen;
}

/** What guests may use beside other plugins, each with its permission. */
export interface Abilities {
  readonly files: HostFiles | undefined;
  readonly environment: Host['environment'];
  /** Sends requests of plugins out of this machine. */
  readonly send: SendRequest | undefined;
  readonly secrets: Secrets;
  readonly messaging: Messaging;
  /** Resolves to whether the plugin has the right that it asks for now. */
  requestPermission(request: PermissionWish): Promise<boolean>;
}

/** What holds guests within bounds. */
export interface Bounds {
  readonly limits: Limits;
  readonly resources: ResourceWatch;
  /** What a plugin keeps, within the bytes that it may keep. */
  storageOf(manifest: Manifest, quota: number): StorageNamespace;
  /** The gate of extensions for a guest's requests, if there is one. */
  gateFor(guest: ViewedGuest): Required<Gate> | undefined;
  defer(task: () => void): void;
  /** Whether a debugger may hold guests, so that no guest is judged by its response time. */
  debugged(): boolean;
}

/** Everything that a guest's connection works with. */
export interface GuestServices {
  readonly exchange: Exchange;
  readonly rights: Rights;
  readonly abilities: Abilities;
  readonly bounds: Bounds;
  readonly calls: CallServices;
  readonly reporting: Reporting;
}
