/** `kernel.plugins`: lists and controls the installed plugins for the embedding application. */
import type { AnyContract, Manifest } from '@plinth/sdk';
import { createError, type PluginError } from '@plinth/sdk/contract';
import type { Installer } from '../extensions/installer/installer.js';
import type {
  OwnerOptions,
  UninstallOptions,
  UpdateOptions,
} from '../extensions/installer/installer-options.js';
import type { Leftover, PluginData } from '../extensions/installer/plugin-data.js';
import type { TimesLog } from '../extensions/installer/plugin-times.js';
import type { PluginPackage, PluginSource } from '../host.js';
import type { Lazy } from '../lazily.js';
import type { DrainOptions } from '../lifecycle/drain.js';
import type { Lifecycle } from '../lifecycle/lifecycle.js';
import type { PluginHealth } from '../lifecycle/plugin-health.js';
import { manifestOf, type PluginRecord, type PluginState } from '../plugin/record.js';
import { idOf } from '../registry/key.js';
import type { PluginRegistry } from '../registry/plugin-registry.js';
import { capabilitiesOf, type PluginCapabilities } from './capabilities.js';
import { type Circumstances, type Explanation, explain } from './explain.js';
import type { ExplanationDetails } from './explain-details.js';
import { SearchIndex } from './search-index.js';

/** One plugin, as listings show it. */
export interface PluginInfo {
  /** The plugin's id, or its origin while its manifest can't be read. */
  readonly id: string;
  readonly name?: string;
  readonly version?: string;
  readonly state: PluginState;
  /** Whether it may be started. */
  readonly enabled: boolean;
  /**
   * Why it is suspended: by request, a missing dependency, no work, or a limit that it exceeded.
   */
  readonly reason?: 'request' | 'dependency' | 'idle' | 'limit';
  readonly origin: string;
  readonly manifest?: Manifest;
  readonly dependencies: readonly string[];
  /** The activation event. Only while it is active or suspended. */
  readonly activatedBy?: string;
  /** Milliseconds since the epoch. Only while it is active or suspended. */
  readonly since?: number;
  /**
   * When it was first found or installed over this storage, in milliseconds since the epoch. Only
   * once its manifest is known.
   */
  readonly createdAt?: number;
  /**
   * When its versions, its settings, or whether it may run were last changed, in milliseconds since
   * the epoch.
   */
  readonly updatedAt?: number;
  /** Why it failed, or which decision of the application keeps it from running (`denied`). */
  readonly error?: Error & { readonly code?: string };
  readonly stage?: string;
}

/**
 * `kernel.plugins`. An id names the highest stable version of a plugin, and `id@range` the highest
 * stable one in the range. Each method rejects with a typed error and then changes nothing.
 */
export interface HostPlugins {
  list(filter?: { readonly state?: PluginState }): readonly PluginInfo[];
  /** The plugin, the highest stable version in the range. */
  get(id: string, range?: string): PluginInfo | undefined;
  /**
   * Adds a plugin to the running kernel, beside its other versions, for good. The next kernel over
   * the same storage has it again. Answers its id. Doesn't activate it.
   *
   * @throws PluginManifestError, PluginResolutionError `plugin/duplicate` or `plugin/unsatisfied`,
   * PluginLifecycleError `plugin/load-failed`, PluginSignatureError `plugin/digest-mismatch`.
   */
  install(found: PluginPackage | PluginSource, options?: OwnerOptions): Promise<string>;
  /** Stops a plugin and removes it for good: every version of an id, or the one that is named. */
  uninstall(id: string, options?: UninstallOptions): Promise<void>;
  /**
   * The data of plugins that aren't installed any more. `uninstall(id, { purge: true })` deletes
   * it.
   */
  leftovers(): Promise<readonly Leftover[]>;
  /** Allows a plugin to start again, and starts it when its activation asks for that. */
  enable(id: string): Promise<void>;
  /** Stops a plugin for good. Nothing starts it until it is enabled again. */
  disable(id: string, options?: DrainOptions): Promise<void>;
  /** Starts a plugin, its dependencies first. Concurrent requests share one run. */
  activate(id: string): Promise<void>;
  /**
   * Stops a plugin; what can't do without it is suspended until it is back. Calls in flight may
   * finish, new ones are refused.
   *
   * @example
   * await kernel.plugins.deactivate('com.example.notes', { drain: 2_000 });
   */
  deactivate(id: string, options?: DrainOptions): Promise<void>;
  /** Pauses a plugin with its guest: calls and events wait until it resumes. */
  suspend(id: string): Promise<void>;
  resume(id: string): Promise<void>;
  /**
   * Puts an idle plugin to sleep: its guest ends, its state is kept, and the next call or event
   * wakes it. Answers whether it sleeps now. A plugin with work in flight stays active.
   */
  hibernate(id: string): Promise<boolean>;
  /**
   * Replaces the guest by a fresh one while it runs, of another package when one is given. Hands
   * over its state.
   */
  reload(id: string, found?: PluginPackage | PluginSource, options?: OwnerOptions): Promise<void>;
  /**
   * Gives an id to another publisher (`publisher:<name>`) or origin, with its data, its secrets,
   * its settings, its rights and its callers. Packages of the new owner are admitted. Other
   * packages of the id are not started any more.
   */
  transfer(id: string, to: string): Promise<void>;
  /**
   * Replaces a plugin by a later version, while it runs and for good. The version before stays
   * ready for {@link rollback}. It comes back automatically when the new one crashes or is
   * unhealthy within `limits.trial`.
   *
   * @throws PluginLifecycleError `plugin/downgrade`, PluginPermissionError
   * `permission/consent-required` when it asks for more than the version before without consent
   * (see `kernel.permissions.onRequest`), or what its activation threw.
   */
  update(id: string, found: PluginPackage | PluginSource, options?: UpdateOptions): Promise<void>;
  /** @throws PluginLifecycleError `plugin/no-previous-version`. */
  rollback(id: string): Promise<void>;
  /** Marks a version as deprecated: the log names its callers. `false` removes the mark. */
  deprecate(id: string, message: string | false): Promise<void>;
  /** Plugins whose id, name, description or tags contain every word. */
  search(text: string): readonly PluginInfo[];
  /** Plugins that provide a contract. */
  findByCapability(contract: AnyContract | string): readonly PluginInfo[];
  /**
   * What a plugin can do: its contracts, commands, events and hooks, with the schemas and tags of
   * its manifest. Also known of plugins that don't run. For a running plugin it includes what it
   * has registered.
   *
   * @throws PluginUnavailableError `plugin/not-found`.
   */
  capabilities(id: string): PluginCapabilities;
  /** Why a plugin runs or doesn't. */
  explain(id: string): Explanation;
  health(id: string): Promise<PluginHealth>;
}

/** What runs plugins, and keeps them. */
export interface PluginEngine {
  readonly lifecycle: Lifecycle;
  readonly installer: Installer;
  readonly data: PluginData;
  readonly times: TimesLog;
  /** What a plugin lacks and uses, as data and in words. */
  detailsOf(record: PluginRecord): {
    readonly details: ExplanationDetails;
    readonly text: string;
  };
}

/** What `kernel.plugins` controls. */
export interface HostPluginsParts {
  readonly registry: PluginRegistry;
  readonly engine: Lazy<PluginEngine>;
  /** What a record doesn't say about its plugin. */
  circumstances(record: PluginRecord): Circumstances;
  health(record: PluginRecord): Promise<PluginHealth>;
  /** Settles when the installed plugins are known. Undefined when discovery has not begun. */
  opened(): Promise<void> | undefined;
  /** Waits for a plugin that a source may still report. */
  arrival(id: string): Promise<void>;
}

/** Makes `kernel.plugins`. */
export function createHostPlugins({
  registry,
  engine,
  circumstances,
  health,
  opened,
  arrival,
}: HostPluginsParts): HostPlugins {
  // Records are replaced, never changed, so the view of a record can be reused.
  const infos = new WeakMap<PluginRecord, PluginInfo>();
  const info = (record: PluginRecord): PluginInfo => {
    const enabled = registry.isEnabled(record.key);
    const known = infos.get(record);
    const since = engine.now?.times.of(record.id);
    if (known?.enabled === enabled && known.updatedAt === since?.updatedAt) return known;
    const made = Object.freeze({ ...infoOf(record), ...since, enabled });
    infos.set(record, made);
    return made;
  };
  const search = new SearchIndex();
  const find = (id: string): PluginRecord => {
    const record = registry.find(id);
    if (record === undefined)
      throw createError('plugin/not-found', `no plugin '${id}' is installed`, { plugin: id });
    return record;
  };
  /** Runs an operation once the plugin is known. An update in progress may replace it. */
  const steer = async <T>(
    id: string,
    work: (lifecycle: Lifecycle, key: string) => Promise<T>,
  ): Promise<T> => {
    await opened();
    await arrival(id);
    for (;;) {
      const { id: known, key } = find(id);
      const { lifecycle, installer } = await engine.get();
      const busy = installer.settled(known);
      if (busy === undefined) return work(lifecycle, key);
      await busy;
    }
  };
  const whenOpen = async <T>(
    work: (installer: Installer) => Promise<T>,
    id?: string,
  ): Promise<T> => {
    await opened();
    if (id !== undefined) await arrival(id);
    return work((await engine.get()).installer);
  };
  return {
    list: (filter) =>
      registry
        .all()
        .filter(({ state }) => filter?.state === undefined || state === filter.state)
        .map(info),
    get(id, range) {
      const record = registry.find(id, range);
      return record === undefined ? undefined : info(record);
    },
    install: (found, options) => whenOpen((installer) => installer.install(found, options)),
    leftovers: () => whenOpen(async () => (await engine.get()).data.leftovers()),
    transfer: (id, to) => whenOpen((installer) => installer.transfer(id, to)),
    uninstall: (id, options) => whenOpen((installer) => installer.uninstall(id, options), id),
    enable: (id) => whenOpen((installer) => installer.enable(id), id),
    disable: (id, options) => whenOpen((installer) => installer.disable(id, options), id),
    activate: (id) => steer(id, (lifecycle, key) => lifecycle.activate(key)),
    deactivate: (id, options) =>
      steer(id, (lifecycle, key) =>
        lifecycle.deactivate(key, 'request', lifecycle.drainOf(options)),
      ),
    suspend: (id) => steer(id, (lifecycle, key) => lifecycle.suspend(key)),
    resume: (id) => steer(id, (lifecycle, key) => lifecycle.resume(key)),
    hibernate: (id) => steer(id, (lifecycle, key) => lifecycle.sleep(key)),
    async reload(id, found, options) {
      if (found === undefined)
        await steer(id, async (_, key) => (await engine.get()).installer.reloadAsItIs(key));
      else await whenOpen((installer) => installer.reload(id, found, options), id);
    },
    update: (id, found, options) =>
      whenOpen((installer) => installer.update(id, found, options), id),
    rollback: (id) => whenOpen((installer) => installer.rollback(id), id),
    deprecate: (id, message) => whenOpen((installer) => installer.deprecate(id, message), id),
    search: (text) => search.find(text, registry.all()).map(info),
    findByCapability(contract) {
      const wanted = typeof contract === 'string' ? contract : contract.$id;
      return registry
        .all()
        .filter((record) => provides(record, wanted))
        .map(info);
    },
    capabilities: (id) => capabilitiesOf(find(id)),
    explain(id) {
      const record = registry.find(id);
      if (record === undefined)
        return explain(id, undefined, { quarantine: undefined, enabled: true });
      const explained = explain(record.id, record, circumstances(record));
      const more = engine.now?.detailsOf(record);
      if (more === undefined) return explained;
      return { ...explained, because: `${explained.because}${more.text}`, ...more.details };
    },
    async health(id) {
      await opened();
      await arrival(id);
      return health(find(id));
    },
  };
}

function provides(record: PluginRecord, contract: string): boolean {
  return (
    manifestOf(record)?.provides?.includes(contract) ||
    ('statics' in record && record.statics.provides.includes(contract))
  );
}

/** A record as the host may see it. */
function infoOf(record: PluginRecord): Omit<PluginInfo, 'enabled'> {
  const manifest = manifestOf(record);
  const lasting = record.state === 'failed' ? record.previous : record;
  return {
    id: record.id,
    state: record.state,
    origin: record.origin,
    dependencies: 'dependencies' in lasting ? lasting.dependencies.map(idOf) : [],
    ...(manifest !== undefined && {
      manifest,
      version: manifest.version,
      ...(manifest.name !== undefined && { name: manifest.name }),
    }),
    ...(record.state === 'suspended' && { reason: record.reason }),
    ...((record.state === 'active' || record.state === 'suspended') && {
      activatedBy: record.activatedBy,
      since: record.since,
    }),
    ...((record.state === 'failed' || record.state === 'denied') && {
      error: record.error as PluginError,
    }),
    ...(record.state === 'failed' && { stage: record.stage }),
  };
}
