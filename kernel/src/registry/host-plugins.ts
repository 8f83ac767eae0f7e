/** `kernel.plugins`: the installed plugins as the embedding application sees and steers them. */
import type { AnyContract, Manifest } from '@plinth/sdk';
import { createError, type PluginError } from '@plinth/sdk/contract';
import type { PluginPackage, PluginSource } from '../host.js';
import type { Lifecycle } from '../lifecycle/lifecycle.js';
import { manifestOf, type PluginRecord, type PluginState } from '../record.js';
import { idOf } from './key.js';
import type { Supervisor } from '../supervision/supervisor.js';
import { type Explanation, explain } from '../telemetry/explain.js';
import type { PluginHealth } from '../telemetry/health.js';
import type { Installer, UpdateOptions } from './installer.js';
import type { PluginRegistry } from './plugin-registry.js';
import { SearchIndex } from './search-index.js';

/** One plugin, as listings show it. */
export interface PluginInfo {
  /** The plugin's id; its origin while its manifest can't be read. */
  readonly id: string;
  readonly name?: string;
  readonly version?: string;
  readonly state: PluginState;
  /** Whether it may be started. */
  readonly enabled: boolean;
  /** Why it is suspended: by request, because what it needs has gone, because it had nothing to do, or because it was over a limit. */
  readonly reason?: 'request' | 'dependency' | 'idle' | 'limit';
  readonly origin: string;
  readonly manifest?: Manifest;
  readonly dependencies: readonly string[];
  /** The activation event; only while it is active or suspended. */
  readonly activatedBy?: string;
  /** Milliseconds since the epoch; only while it is active or suspended. */
  readonly since?: number;
  /** Why it failed. */
  readonly error?: Error & { readonly code?: string };
  readonly stage?: string;
}

/**
 * `kernel.plugins`. A plugin is named by its id, which means the highest stable version, or by `id@range`. Each method
 * rejects with a typed error and leaves things as they were.
 */
export interface HostPlugins {
  list(filter?: { readonly state?: PluginState }): readonly PluginInfo[];
  /** The plugin, the highest stable version in the range. */
  get(id: string, range?: string): PluginInfo | undefined;
  /**
   * Adds a plugin to the running kernel, beside its other versions, for good: it is there again when the next kernel
   * starts over the same storage. Answers its id; doesn't activate it.
   *
   * @throws PluginManifestError, PluginResolutionError `plugin/duplicate` or `plugin/unsatisfied`, PluginLifecycleError
   * `plugin/load-failed`, PluginSignatureError `plugin/digest-mismatch`.
   */
  install(found: PluginPackage | PluginSource): Promise<string>;
  /** Stops a plugin and forgets it, for good: every version of an id, or the one that is named. */
  uninstall(id: string): Promise<void>;
  /** Lets a plugin start again, and starts it when it asks for that. */
  enable(id: string): Promise<void>;
  /** Stops a plugin and keeps it from being started by anything, for good. */
  disable(id: string): Promise<void>;
  /** Starts a plugin, its dependencies first. Concurrent requests share one run. */
  activate(id: string): Promise<void>;
  /** Stops a plugin; what can't do without it is suspended until it is back. */
  deactivate(id: string): Promise<void>;
  /** Pauses a plugin with its guest: calls and events wait until it resumes. */
  suspend(id: string): Promise<void>;
  resume(id: string): Promise<void>;
  /**
   * Sends an idle plugin to sleep: its guest ends, its state is kept, and the next call or event wakes it. Answers
   * whether it sleeps now: one that works goes on.
   */
  hibernate(id: string): Promise<boolean>;
  /** Replaces the guest by a fresh one while it runs, of another package when one is given; hands state over. */
  reload(id: string, found?: PluginPackage | PluginSource): Promise<void>;
  /**
   * Replaces a plugin by a later version, while it runs and for good. The version before stays ready for
   * {@link rollback}, and comes back by itself when the new one crashes or is unhealthy within `limits.trial`.
   *
   * @throws PluginLifecycleError `plugin/downgrade`, PluginPermissionError `permission/consent-required` when it asks for
   * more than the version before and nobody agrees (see `kernel.permissions.onRequest`), or what its activation threw.
   */
  update(id: string, found: PluginPackage | PluginSource, options?: UpdateOptions): Promise<void>;
  /** @throws PluginLifecycleError `plugin/no-previous-version`. */
  rollback(id: string): Promise<void>;
  /** Marks a version as one that should not be used any more: its callers are named in the log. `false` takes that back. */
  deprecate(id: string, message: string | false): Promise<void>;
  /** Plugins whose id, name, description or tags hold every word. */
  search(text: string): readonly PluginInfo[];
  /** Plugins that provide a contract. */
  findByCapability(contract: AnyContract | string): readonly PluginInfo[];
  /** Why a plugin runs or doesn't. */
  explain(id: string): Explanation;
  health(id: string): Promise<PluginHealth>;
}

/** What `kernel.plugins` steers. */
export interface HostPluginsParts {
  readonly registry: PluginRegistry;
  readonly lifecycle: Lifecycle;
  readonly installer: Installer;
  readonly supervisor: Supervisor;
  health(record: PluginRecord): Promise<PluginHealth>;
  /** Settles when it is known who is there; undefined when nobody has begun to look. */
  opened(): Promise<void> | undefined;
}

/** Makes `kernel.plugins`. */
export function createHostPlugins({ registry, lifecycle, installer, supervisor, health, opened }: HostPluginsParts): HostPlugins {
  // Records are replaced, never changed, so what is shown of one can be shown again.
  const infos = new WeakMap<PluginRecord, PluginInfo>();
  const info = (record: PluginRecord): PluginInfo => {
    const enabled = lifecycle.isEnabled(record.key);
    const known = infos.get(record);
    if (known?.enabled === enabled) return known;
    const made = Object.freeze({ ...infoOf(record), enabled });
    infos.set(record, made);
    return made;
  };
  const search = new SearchIndex();
  const find = (id: string): PluginRecord => {
    const record = registry.find(id);
    if (record === undefined) throw createError('plugin/not-found', `no plugin '${id}' is installed`, { plugin: id });
    return record;
  };
  /** Does something with a plugin as soon as it is known which one is meant: an update under way may put another in its place. */
  const steer = async <T>(id: string, work: (key: string) => Promise<T>): Promise<T> => {
    await opened();
    for (;;) {
      const { id: known, key } = find(id);
      const busy = installer.settled(known);
      if (busy === undefined) return work(key);
      await busy;
    }
  };
  const whenOpen = async <T>(work: () => Promise<T>): Promise<T> => {
    await opened();
    return work();
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
    install: (found) => whenOpen(() => installer.install(found)),
    uninstall: (id) => whenOpen(() => installer.uninstall(id)),
    enable: (id) => whenOpen(() => installer.enable(id)),
    disable: (id) => whenOpen(() => installer.disable(id)),
    activate: (id) => steer(id, (key) => lifecycle.activate(key)),
    deactivate: (id) => steer(id, (key) => lifecycle.deactivate(key)),
    suspend: (id) => steer(id, (key) => lifecycle.suspend(key)),
    resume: (id) => steer(id, (key) => lifecycle.resume(key)),
    hibernate: (id) => steer(id, (key) => lifecycle.sleep(key)),
    async reload(id, found) {
      if (found === undefined) await steer(id, (key) => lifecycle.reload(key));
      else await whenOpen(() => installer.reload(id, found));
    },
    update: (id, found, options) => whenOpen(() => installer.update(id, found, options)),
    rollback: (id) => whenOpen(() => installer.rollback(id)),
    deprecate: (id, message) => whenOpen(() => installer.deprecate(id, message)),
    search: (text) => search.find(text, registry.all()).map(info),
    findByCapability(contract) {
      const wanted = typeof contract === 'string' ? contract : contract.$id;
      return registry
        .all()
        .filter((record) => provides(record, wanted))
        .map(info);
    },
    explain(id) {
      const record = registry.find(id);
      if (record === undefined) return explain(id, undefined, { quarantine: undefined, enabled: true });
      const { key } = record;
      return explain(record.id, record, { quarantine: supervisor.quarantine(key), enabled: lifecycle.isEnabled(key), blame: lifecycle.blameFor(key) });
    },
    async health(id) {
      await opened();
      return health(find(id));
    },
  };
}

function provides(record: PluginRecord, contract: string): boolean {
  return manifestOf(record)?.provides?.includes(contract) || ('statics' in record && record.statics.provides.includes(contract));
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
    ...(manifest !== undefined && { manifest, version: manifest.version, ...(manifest.name !== undefined && { name: manifest.name }) }),
    ...(record.state === 'suspended' && { reason: record.reason }),
    ...((record.state === 'active' || record.state === 'suspended') && { activatedBy: record.activatedBy, since: record.since }),
    ...(record.state === 'failed' && { error: record.error as PluginError, stage: record.stage }),
  };
}
