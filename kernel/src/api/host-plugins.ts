/** `kernel.plugins`: lists and controls the installed plugins for the embedding application. */
import type { AnyContract } from '@plinth/sdk';
import { createError } from '@plinth/sdk/contract';
import { contractId } from '../calls/contract-id.js';
import type { Lazy } from '../lazily.js';
import type { DrainOptions } from '../lifecycle/drain.js';
import type { Inventory } from '../lifecycle/inventory.js';
import type { Lifecycle } from '../lifecycle/lifecycle.js';
import type { PluginHealth } from '../lifecycle/plugin-health.js';
import { manifestOf, type PluginRecord, type PluginState } from '../plugin/record.js';
import type { PluginRegistry } from '../registry/plugin-registry.js';
import { capabilitiesOf, type PluginCapabilities } from './capabilities.js';
import type { Circumstances } from './circumstances.js';
import { type Explanation, explain } from './explain.js';
import type { ExplanationDetails } from './explain-details.js';
import type { ExplainedStory } from './explain-story.js';
import { infosOf, type PluginInfo } from './plugin-info.js';
import { SearchIndex } from './search-index.js';

/**
 * `kernel.plugins` without an installer. An id names the highest stable version of a plugin, and
 * `id@range` the highest stable one in the range. Each method rejects with a typed error and then
 * changes nothing.
 */
export interface CorePlugins {
  list(filter?: { readonly state?: PluginState }): readonly PluginInfo[];
  /** The plugin, the highest stable version in the range. */
  get(id: string, range?: string): PluginInfo | undefined;
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
  /** Replaces the guest by a fresh one while it runs. Hands over its state. */
  reload(id: string): Promise<void>;
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
  /**
   * Why a plugin runs or doesn't, what happened to it last, who needs and calls it, and the next
   * step that would help. `explanationText()` writes it as text.
   */
  explain(id: string): Explanation;
  health(id: string): Promise<PluginHealth>;
}

/** What runs plugins, and keeps them. */
export interface PluginEngine {
  readonly lifecycle: Lifecycle;
  readonly inventory: Inventory;
  /** What a plugin lacks and uses, as data and in words, and what happened to it. */
  detailsOf(
    record: PluginRecord,
    path: readonly string[],
  ): {
    readonly details: ExplanationDetails & ExplainedStory;
    readonly text: string;
  };
  /** What is known of a plugin that isn't installed. */
  unknown(id: string): Pick<ExplainedStory, 'next'>;
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
export function createHostPlugins(parts: HostPluginsParts): CorePlugins {
  return { ...readingOf(parts), ...steeringOf(parts) };
}

/** What tells about plugins, and changes nothing. */
function readingOf({
  registry,
  engine,
  circumstances,
  health,
  opened,
  arrival,
}: HostPluginsParts): Pick<CorePlugins, Reading> {
  const info = infosOf(registry, (id) => engine.now?.inventory.timesOf(id));
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
    search: (text) => search.find(String(text ?? ''), registry.all()).map(info),
    findByCapability(contract) {
      const wanted = contractId(contract);
      return registry
        .all()
        .filter((record) => provides(record, wanted))
        .map(info);
    },
    capabilities: (id) => capabilitiesOf(find(registry, id)),
    explain(id) {
      const record = registry.find(id);
      if (record === undefined)
        return {
          ...explain(id, undefined, { quarantine: undefined, enabled: true }),
          ...engine.now?.unknown(id),
        };
      const explained = explain(record.id, record, circumstances(record));
      const more = engine.now?.detailsOf(record, explained.path);
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

/** What starts, stops and pauses plugins. */
function steeringOf(parts: HostPluginsParts): Omit<CorePlugins, Reading> {
  const { engine, opened, arrival } = parts;
  const steer = steerOf(parts);
  const decide = async (id: string, decision: (inventory: Inventory) => Promise<void>) => {
    await opened();
    await arrival(id);
    await decision((await engine.get()).inventory);
  };
  return {
    enable: (id) => decide(id, (inventory) => inventory.enable(id)),
    disable: (id, options) => decide(id, (inventory) => inventory.disable(id, options)),
    activate: (id) => steer(id, (lifecycle, key) => lifecycle.activate(key)),
    deactivate: (id, options) =>
      steer(id, (lifecycle, key) =>
        lifecycle.deactivate(key, 'request', lifecycle.drainOf(options)),
      ),
    suspend: (id) => steer(id, (lifecycle, key) => lifecycle.suspend(key)),
    resume: (id) => steer(id, (lifecycle, key) => lifecycle.resume(key)),
    hibernate: (id) => steer(id, (lifecycle, key) => lifecycle.sleep(key)),
    reload: (id) => steer(id, async (_, key) => (await engine.get()).inventory.reload(key)),
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
/** Runs an operation once the plugin is known. An update in progress may replace it. */
const steerOf =
  ({ registry, engine, opened, arrival }: HostPluginsParts) =>
  async <T>(id: string, work: (lifecycle: Lifecycle, key: string) => Promise<T>): Promise<T> => {
    await opened();
    await arrival(id);
    for (;;) {
      const { id: known, key } = find(registry, id);
      const { lifecycle, inventory } = await engine.get();
      const busy = inventory.settled(known);
      if (busy === undefined) return work(lifecycle, key);
      await busy;
    }
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
