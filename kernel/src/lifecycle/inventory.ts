/** Which plugins there are, and what was decided about them. */
import { createError } from '@plinth/sdk/contract';
import type { PluginPackage } from '../host.js';
import { isAsleep, isRunning, manifestOf, type PluginRecord } from '../plugin/record.js';
import type { PluginRegistry } from '../registry/plugin-registry.js';
import type { Reporting } from '../reporting.js';
import type { DrainOptions } from './drain.js';
import type { Lifecycle } from './lifecycle.js';

/** Times of a plugin, in milliseconds since the epoch. */
export interface PluginTimes {
  /** When it was first found or installed over this storage. */
  readonly createdAt: number;
  /** When its versions, its settings, or whether it may run were last changed. */
  readonly updatedAt: number;
}

/** The calls of one version that were counted. */
export interface CallCount {
  readonly calls: number;
  readonly faults: number;
  /** Milliseconds at the 95th percentile of the last 1,000 calls; 0 without any. */
  readonly p95: number;
}

/** A later version that answers a share of a plugin's calls. */
export interface CanaryInfo {
  readonly version: string;
  /** The version that it may replace, and that answers the other calls. */
  readonly from: string;
  readonly share: number;
  readonly canary: CallCount;
  readonly before: CallCount;
}

/** Takes in what sources find, and keeps the application's decisions. */
export interface Inventory {
  /** Admits what sources have found at first. Packages are taken as all tenants use them. */
  open(found: readonly PluginPackage[]): Promise<void>;
  /** Plugins may be activated from now on. */
  started(): void;
  /** Admits what sources have found later. */
  admit(found: readonly PluginPackage[]): Promise<void>;
  /** Settles when a change of a plugin's package is over. Undefined when none is in progress. */
  settled(id: string): Promise<void> | undefined;
  /** Allows a plugin to start again, and starts it when its activation asks for that. */
  enable(reference: string): Promise<void>;
  /** Stops a plugin. Nothing starts it until it is enabled again. */
  disable(reference: string, options?: DrainOptions): Promise<void>;
  /** Replaces the guest of a plugin by a fresh one of what its place has now. */
  reload(key: string): Promise<void>;
  /** Why a version is deprecated. Undefined when it isn't. */
  deprecation(id: string, version: string): string | undefined;
  /** The canary of a plugin. Absent where there are none. */
  canaryOf?(id: string): CanaryInfo | undefined;
  /** Undefined where nothing keeps times, and for a plugin that isn't installed. */
  timesOf(id: string): PluginTimes | undefined;
  /** Waits for changes in progress. Plugins stop after that. */
  close(): Promise<void>;
  /** Ends it. All plugins have stopped. */
  end(): Promise<void>;
}

/** What the plain inventory needs of the kernel. */
export interface InventoryParts {
  readonly registry: PluginRegistry;
  readonly lifecycle: Lifecycle;
  readonly reporting: Reporting;
}

/** The inventory of a kernel without an installer. The next kernel knows nothing of it. */
export class PlainInventory implements Inventory {
  readonly #parts: InventoryParts;
  #started = false;

  constructor(parts: InventoryParts) {
    this.#parts = parts;
  }

  async open(found: readonly PluginPackage[]): Promise<void> {
    await this.admit(found);
  }

  started(): void {
    this.#started = true;
  }

  async admit(found: readonly PluginPackage[]): Promise<void> {
    this.#parts.lifecycle.members.admit(found);
  }

  settled(): undefined {
    return undefined;
  }

  async enable(reference: string): Promise<void> {
    const { lifecycle, registry } = this.#parts;
    const keys = this.#setEnabled(reference, true);
    if (!this.#started) return;
    const states = ['resolved', 'unloaded', 'failed'];
    await Promise.allSettled(
      keys.flatMap((key) => {
        const record = registry.get(key);
        return record !== undefined &&
          states.includes(record.state) &&
          manifestOf(record)?.activation.includes('startup') === true
          ? lifecycle.activate(key, 'startup')
          : [];
      }),
    );
  }

  async disable(reference: string, options?: DrainOptions): Promise<void> {
    const { lifecycle, registry } = this.#parts;
    const drain = lifecycle.drainOf(options);
    for (const key of this.#setEnabled(reference, false)) {
      const record = registry.get(key);
      if (record === undefined) continue;
      if (isRunning(record) || isAsleep(record) || lifecycle.isStarting(key))
        await lifecycle.deactivate(key, 'disable', drain);
    }
  }

  async reload(key: string): Promise<void> {
    await this.#parts.lifecycle.reload(key);
  }

  deprecation(): undefined {
    return undefined;
  }

  timesOf(): undefined {
    return undefined;
  }

  async close(): Promise<void> {}

  async end(): Promise<void> {}

  /** Answers the keys of the versions that are meant: the named one, or all of an id. */
  #setEnabled(reference: string, enabled: boolean): readonly string[] {
    const { registry, lifecycle, reporting } = this.#parts;
    const all: readonly PluginRecord[] = registry.versions(reference);
    const named = registry.find(reference);
    const meant = all.length > 0 ? all : named === undefined ? [] : [named];
    if (meant.length === 0)
      throw createError('plugin/not-found', `no plugin '${reference}' is installed`, {
        plugin: reference,
      });
    for (const record of meant) {
      lifecycle.members.setEnabled(record.key, enabled);
      const version = 'version' in record ? record.version : '';
      reporting.announce(enabled ? 'plugin:enabled' : 'plugin:disabled', {
        id: record.id,
        version,
      });
    }
    return meant.map(({ key }) => key);
  }
}
