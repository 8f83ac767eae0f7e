/**
 * `core`: the parts of the core that the kernel's own extensions make. Without an extension a part
 * has a plain stand-in, or what it does is refused with `extension/missing`.
 */
import type { Isolation, Manifest } from '@plinth/sdk/contract';
import type { CoreConfig } from '../api/host-config.js';
import type { CorePlugins } from '../api/host-plugins.js';
import type { IsOpen } from '../calls/open-contracts.js';
import type { ServiceScope } from '../calls/services.js';
import type { CommandGuards } from '../commands/command-guards.js';
import type { CommandRegistry } from '../commands/command-registry.js';
import type { HostContracts } from '../commands/host-contracts.js';
import type { ConfigOptions, ConfigStore } from '../config/config-store.js';
import type { EventBus } from '../events/event-bus.js';
import type { Metering, SharedLimits } from '../guests/guest-meter.js';
import type { Abilities, Exchange } from '../guests/guest-services.js';
import type { Host, StorageAdapter } from '../host.js';
import type { Bundles } from '../lifecycle/bundles.js';
import type { Inventory } from '../lifecycle/inventory.js';
import type { Launcher } from '../lifecycle/launcher.js';
import type { Lifecycle } from '../lifecycle/lifecycle.js';
import type { Supervision } from '../lifecycle/supervision.js';
import type { Owning, Trusting } from '../lifecycle/trusting.js';
import type { Limits } from '../limits.js';
import type { Asking, Deciding } from '../permissions/asking.js';
import type { GrantRecords } from '../permissions/grant-records.js';
import type { PermissionPolicy } from '../permissions/granted.js';
import type { Grants } from '../permissions/grants.js';
import type { Observing } from '../permissions/observing.js';
import type { PluginRegistry } from '../registry/plugin-registry.js';
import type { Reporting } from '../reporting.js';
import type { PackageSnapshots } from '../sources/package-snapshots.js';
import type { StorageNamespace } from '../storage/namespace.js';
import type { Redaction } from '../telemetry/redaction.js';

/** What a tenant stands on. */
export interface CoreBase {
  readonly tenant: string;
  readonly limits: Limits;
  readonly storage: StorageAdapter;
  readonly registry: PluginRegistry;
  readonly bus: EventBus;
  readonly redaction: Redaction;
  readonly reporting: Reporting;
}

/** What is known of packages, and what they become. */
export interface CorePackages {
  readonly bundles: Bundles;
  readonly launcher: Launcher;
  readonly snapshots: PackageSnapshots;
  readonly trust: Trusting;
  /** What a manifest gets by its contributions, as lists by name. */
  reachOf(manifest: Manifest): Readonly<Record<string, readonly string[]>>;
}

/** Who may do what. */
export interface CoreRights {
  readonly grants: Grants;
  readonly requests: Asking;
  /** Who answers what plugins ask for. */
  readonly deciding: Deciding;
  /** The most that plugins may be allowed to do. */
  readonly policy: PermissionPolicy | undefined;
  /** Which contracts any plugin may provide. */
  readonly isOpen: IsOpen;
}

/** What all plugins of a tenant may use together, and what the core knows of that. */
export interface Together {
  readonly limits: SharedLimits;
  /** Messages in this second, where they are limited. */
  messages(): number;
  /** Bytes that they keep. */
  stored(): Promise<number>;
}

/**
 * The core of one tenant, as the makers of its parts see it. A part takes what it uses of it, and
 * reaches what is made later through it.
 */
export interface Core extends CoreBase {
  readonly exchange: Exchange;
  readonly hosts: readonly Host[];
  readonly packages: CorePackages;
  readonly rights: CoreRights;
  readonly together: Together;
  readonly lifecycle: Lifecycle;
  /** What the application sees of the plugins and of their settings. */
  readonly views: { readonly plugins: CorePlugins; readonly config: CoreConfig };
  /** The settings of plugins, and those that the kernel was made with. */
  readonly settings: { readonly store: ConfigStore; readonly given: ConfigOptions };
  readonly hostContracts: HostContracts;
  readonly keepers: readonly Keeper[];
  /** The version of the kernel, and when the tenant was made by the monotonic clock. */
  readonly about: { readonly version: string; readonly created: number };
  /** What a plugin keeps. It counts what the plugin uses where that runs. */
  storageOf(plugin: string): StorageNamespace;
  /** Why a plugin that runs no code now takes no messages. Undefined when it runs. */
  whyAbsent(plugin: string): string | undefined;
  /** Whether a host here offers an isolation. */
  offers(isolation: Isolation): boolean;
  /** Whether a debugger may hold guests. */
  debugged(): boolean;
}

/** Reads settings from outside the program, and ends their changes. */
export interface SettingsPart {
  /** @throws PluginConfigurationError `config/invalid` when a source can't be read. */
  open(): Promise<void>;
  close(): Promise<void>;
}

/** The parts that are made when the tenant opens, each by at most one extension. */
export interface CoreParts {
  readonly supervision: Supervision;
  readonly metering: Metering;
  readonly trust: Trusting;
  readonly owners: Owning;
  readonly grants: GrantRecords;
  readonly observing: Observing;
  readonly requests: Asking;
  readonly inventory: Inventory;
  readonly settings: SettingsPart;
  readonly machine: Abilities['machine'];
  readonly secrets: Abilities['secrets'];
  readonly messaging: Abilities['messaging'];
}

/** Keeps data by plugin id, which is deleted with everything else that is kept of the plugin. */
export interface Keeper {
  /** What it keeps, as `leftovers()` calls it. */
  readonly kind: 'secrets' | 'settings' | 'trust';
  /** Plugins of which it keeps something in memory alone. */
  known?(): readonly string[];
  purge(plugin: string): Promise<void>;
}

/** Makes a part. */
export type MakePart<P> = (core: Core) => P;

/** Loads the code of a part. It is called when the tenant opens. */
export type LoadPart<P> = () => Promise<MakePart<P>>;

/**
 * `core`: makes parts of the core. It is for the kernel's own extensions: it promises nothing about
 * the next release.
 */
export interface CorePower {
  readonly base: CoreBase;
  readonly commands: CommandRegistry;
  /** @throws PluginUnavailableError `kernel/stopped`. */
  check(): void;
  /**
   * Makes a part of the core. Answers what resolves to it.
   *
   * @throws PluginConfigurationError `extension/duplicate` when another extension makes it.
   */
  fill<N extends keyof CoreParts, P extends CoreParts[N]>(
    name: N,
    load: LoadPart<P>,
  ): () => Promise<P>;
  /** Makes what the core has no use for. It is closed last, when everything has stopped. */
  add<P extends { close?(): unknown }>(load: LoadPart<P>): () => Promise<P>;
  /** Puts policies around commands, before the first command is there. */
  guard(guards: CommandGuards): void;
  /** Makes the scopes of services that calls ask for. */
  scope(createScope: () => ServiceScope): void;
  /** Contracts that the kernel itself answers. The code is loaded with the first call. */
  answer(contracts: Iterable<string>, load: () => Promise<(core: Core) => void>): void;
  keep(keeper: Keeper): void;
  /** Waits until the installed plugins are known, and one that a source may still find. */
  known(plugin?: string): Promise<void>;
}
