/** What the kernel gives to the connections of its guests. */
import type { Caller, Manifest } from '@plinth/sdk/contract';
import type { CallRequest, CallServices } from '../calls/kernel-call.js';
import type { IsOpen } from '../calls/open-contracts.js';
import type { CommandRegistry } from '../commands/command-registry.js';
import type { EventBus } from '../events/event-bus.js';
import type { Limits } from '../limits.js';
import type { MiddlewareChains } from '../middleware/chains.js';
import type { HookRegistry } from '../middleware/hooks.js';
import type { Publish } from '../middleware/publisher.js';
import type { PermissionWish } from '../permissions/asking.js';
import type { OnDenied } from '../permissions/broker.js';
import type { Grants } from '../permissions/grants.js';
import type { Reporting } from '../reporting.js';
import type { StorageNamespace } from '../storage/namespace.js';
import type { Gate, ViewedGuest } from './gate.js';
import type { Metering } from './guest-meter.js';
import type { Lanes } from './lanes.js';
import type { Machine } from './machine.js';

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

/** Sends messages of plugins. The permission was checked. */
export interface GuestMessaging {
  send(
    plugin: string,
    message: unknown,
    caller: Caller,
    request: CallRequest | undefined,
  ): Promise<unknown>;
  route(message: unknown, caller: Caller, request: CallRequest | undefined): Promise<unknown>;
}

/** What guests may use beside other plugins, each with its permission. */
export interface Abilities {
  readonly machine: Machine;
  readonly secrets: { get(plugin: string, name: string): Promise<string | undefined> };
  readonly messaging: GuestMessaging;
  /** Resolves to whether the plugin has the right that it asks for now. */
  requestPermission(request: PermissionWish): Promise<boolean>;
}

/** What holds guests within bounds. */
export interface Bounds {
  readonly limits: Limits;
  readonly resources: Metering;
  /** What a plugin keeps, within the bytes that it may keep. */
  storageOf(manifest: Manifest, quota: () => number): StorageNamespace;
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
