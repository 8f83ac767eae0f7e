/** `kernel.plugins`: the installed plugins as the embedding application sees and steers them. */
import type { AnyContract, Manifest } from '@plinth/sdk';
import { createError, type PluginError, satisfies } from '@plinth/sdk/contract';
import type { PluginPackage } from '../host.js';
import type { Lifecycle } from '../lifecycle/lifecycle.js';
import { isRunning, manifestOf, type PluginRecord, type PluginState } from '../record.js';
import type { Supervisor } from '../supervision/supervisor.js';
import { type Explanation, explain } from '../telemetry/explain.js';
import { type PluginHealth, pluginHealth } from '../telemetry/health.js';
import type { PluginRegistry } from './plugin-registry.js';

/** One plugin, as listings show it. */
export interface PluginInfo {
  /** The plugin's id; its origin while its manifest can't be read. */
  readonly id: string;
  readonly name?: string;
  readonly version?: string;
  readonly state: PluginState;
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

/** `kernel.plugins`. Each method rejects with a typed error and leaves things as they were. */
export interface HostPlugins {
  list(filter?: { readonly state?: PluginState }): readonly PluginInfo[];
  /** The plugin, when its version lies in the range. */
  get(id: string, range?: string): PluginInfo | undefined;
  /** Adds a plugin to the running kernel and answers its id; doesn't activate it. */
  install(found: PluginPackage): Promise<string>;
  uninstall(id: string): Promise<void>;
  /** Starts a plugin, its dependencies first. Concurrent requests share one run. */
  activate(id: string): Promise<void>;
  /** Stops a plugin, those that depend on it first. */
  deactivate(id: string): Promise<void>;
  suspend(id: string): Promise<void>;
  resume(id: string): Promise<void>;
  /** Replaces the guest by a fresh one, of another package when one is given; hands state over. */
  reload(id: string, found?: PluginPackage): Promise<void>;
  /** Plugins whose id, name, description or tags hold every word. */
  search(text: string): readonly PluginInfo[];
  /** Plugins that provide a contract. */
  findByCapability(contract: AnyContract | string): readonly PluginInfo[];
  /** Why a plugin runs or doesn't. */
  explain(id: string): Explanation;
  health(id: string): Promise<PluginHealth>;
}

/** Makes `kernel.plugins`. */
export function createHostPlugins(registry: PluginRegistry, lifecycle: Lifecycle, supervisor: Supervisor, healthTimeout: number): HostPlugins {
  const all = () => registry.all().map(infoOf);
  return {
    list: (filter) => all().filter((info) => filter?.state === undefined || info.state === filter.state),
    get(id, range) {
      const record = registry.find(id);
      const info = record && infoOf(record);
      return range === undefined || (info?.version !== undefined && satisfies(info.version, range)) ? info : undefined;
    },
    install: (found) => lifecycle.install(found),
    uninstall: async (id) => lifecycle.uninstall(id),
    activate: async (id) => lifecycle.activate(id),
    deactivate: async (id) => lifecycle.deactivate(id),
    suspend: async (id) => lifecycle.suspend(id),
    resume: async (id) => lifecycle.resume(id),
    reload: async (id, found) => lifecycle.reload(id, found),
    search(text) {
      const words = text.toLowerCase().split(/\s+/).filter(Boolean);
      return all().filter(({ id, manifest }) => {
        const haystack = [id, manifest?.name, manifest?.description, ...(manifest?.tags ?? [])].join(' ').toLowerCase();
        return words.every((word) => haystack.includes(word));
      });
    },
    findByCapability(contract) {
      const wanted = typeof contract === 'string' ? contract : contract.$id;
      return registry
        .all()
        .filter((record) => provides(record, wanted))
        .map(infoOf);
    },
    explain: (id) => explain(id, registry.find(id), supervisor.quarantine(id)),
    async health(id) {
      const record = registry.find(id);
      if (record === undefined) throw createError('plugin/not-found', `no plugin '${id}' is installed`, { plugin: id });
      return pluginHealth(record, healthTimeout);
    },
  };
}

function provides(record: PluginRecord, contract: string): boolean {
  return manifestOf(record)?.provides?.includes(contract) || (isRunning(record) && record.statics.provides.includes(contract));
}

/** A record as the host may see it. */
export function infoOf(record: PluginRecord): PluginInfo {
  const manifest = manifestOf(record);
  const lasting = record.state === 'failed' ? record.previous : record;
  return {
    id: record.id,
    state: record.state,
    origin: record.origin,
    dependencies: 'dependencies' in lasting ? lasting.dependencies : [],
    ...(manifest !== undefined && { manifest, version: manifest.version, ...(manifest.name !== undefined && { name: manifest.name }) }),
    ...((record.state === 'active' || record.state === 'suspended') && { activatedBy: record.activatedBy, since: record.since }),
    ...(record.state === 'failed' && { error: record.error as PluginError, stage: record.stage }),
  };
}
