/** `kernel.plugins`: lists and controls the installed plugins for the embedding application. */
import type { AnyContract } from '@plinth/sdk';
import { createError } from '@plinth/sdk/contract';
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
import type { PluginRegistry } from '../registry/plugin-registry.js';
import { capabilitiesOf, type PluginCapabilities } from './capabilities.js';
import { type Circumstances, type Explanation, explain } from './explain.js';
import type { ExplanationDetails } from './explain-details.js';
import { infosOf, type PluginInfo } from './plugin-info.js';
import { SearchIndex } from './search-index.js';

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
export function createHostPlugins(parts: HostPluginsParts): HostPlugins {
  return { ...readingOf(parts), ...steeringOf(parts), ...changesOf(parts) };
}

/** What tells about plugins, and changes nothing. */
function readingOf({
  registry,
  engine,
  circumstances,
  health,
  opened,
  arrival,
}: HostPluginsParts): Pick<HostPlugins, Reading> {
  const info = infosOf(registry, (id) => engine.now?.times.of(id));
  const search = new SearchIndex();
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
    search: (text) => search.find(text, registry.all()).map(info),
    findByCapability(contract) {
      const wanted = typeof contract === 'string' ? contract : contract.$id;
      return registry
        .all()
        .filter((record) => provides(record, wanted))
        .map(info);
    },
    capabilities: (id) => capabilitiesOf(find(registry, id)),
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
      return health(find(registry, id));
    },
  };
}

/** What starts, stops and pauses plugins. Nothing of it is remembered. */
function steeringOf(parts: HostPluginsParts): Pick<HostPlugins, Steering> {
  const { engine } = parts;
  const whenOpen = whenOpenOf(parts);
  const steer = steerOf(parts);
  return {
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
  };
}

/** What lasts. */
function changesOf(parts: HostPluginsParts): Omit<HostPlugins, Reading | Steering> {
  const { engine } = parts;
  const whenOpen = whenOpenOf(parts);
  return {
    install: (found, options) => whenOpen((installer) => installer.install(found, options)),
    leftovers: () => whenOpen(async () => (await engine.get()).data.leftovers()),
    transfer: (id, to) => whenOpen((installer) => installer.transfer(id, to)),
    uninstall: (id, options) => whenOpen((installer) => installer.uninstall(id, options), id),
    enable: (id) => whenOpen((installer) => installer.enable(id), id),
    disable: (id, options) => whenOpen((installer) => installer.disable(id, options), id),
    update: (id, found, options) =>
      whenOpen((installer) => installer.update(id, found, options), id),
    rollback: (id) => whenOpen((installer) => installer.rollback(id), id),
    deprecate: (id, message) => whenOpen((installer) => installer.deprecate(id, message), id),
  };
}

type Reading =
  | 'list'
  | 'get'
  | 'search'
  | 'findByCapability'
  | 'capabilities'
  | 'explain'
  | 'health';
type Steering = 'activate' | 'deactivate' | 'suspend' | 'resume' | 'hibernate' | 'reload';

/** Runs an operation once the plugin is known. An update in progress may replace it. */
const steerOf =
  ({ registry, engine, opened, arrival }: HostPluginsParts) =>
  async <T>(id: string, work: (lifecycle: Lifecycle, key: string) => Promise<T>): Promise<T> => {
    await opened();
    await arrival(id);
    for (;;) {
      const { id: known, key } = find(registry, id);
      const { lifecycle, installer } = await engine.get();
      const busy = installer.settled(known);
      if (busy === undefined) return work(lifecycle, key);
      await busy;
    }
  };

/** Runs an operation once the installed plugins are known, and the one that it is about. */
const whenOpenOf =
  ({ engine, opened, arrival }: HostPluginsParts) =>
  async <T>(work: (installer: Installer) => Promise<T>, id?: string): Promise<T> => {
    await opened();
    if (id !== undefined) await arrival(id);
    return work((await engine.get()).installer);
  };

function find(registry: PluginRegistry, id: string): PluginRecord {
  const record = registry.find(id);
  if (record === undefined)
    throw createError('plugin/not-found', `no plugin '${id}' is installed`, { plugin: id });
  return record;
}

function provides(record: PluginRecord, contract: string): boolean {
  return (
    manifestOf(record)?.provides?.includes(contract) ||
    ('statics' in record && record.statics.provides.includes(contract))
  );
}
